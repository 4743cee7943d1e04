"""The backends that ship: our recogniser, sentiment model and corpus, of which all others are variations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.enrich.backends.protocol import ENGLISH, ArticleText, BackendOptions, Info, Tone
from services.enrich.corpus import Corpus, Fingerprint, Neighbours, fingerprint
from services.enrich.entities import EntityRecogniser
from services.enrich.steps.sentiment import SentimentModel
from services.enrich.steps.terms import BackgroundIdf
from shared.events import Entity

NAME = "builtin"
RELATED_VERSION = "tfidf-minhash-3"


@dataclass(frozen=True, slots=True)
class BuiltinEntities:
    recogniser: EntityRecogniser

    @classmethod
    def load(cls, options: BackendOptions) -> BuiltinEntities:
        return cls(EntityRecogniser.load(options.directory))

    def info(self) -> Info:
        return Info(NAME, self.recogniser.version, ENGLISH)

    def process_batch(self, articles: Sequence[ArticleText]) -> list[tuple[Entity, ...]]:
        return [self.recogniser.recognise(article.title, article.body) for article in articles]


@dataclass(frozen=True, slots=True)
class BuiltinSentiment:
    model: SentimentModel

    @classmethod
    def load(cls, options: BackendOptions) -> BuiltinSentiment:
        return cls(SentimentModel.load(options.directory))

    def info(self) -> Info:
        return Info(NAME, self.model.version, ENGLISH)

    def process_batch(self, articles: Sequence[ArticleText]) -> list[Tone]:
        return [
            Tone(*self.model.annotate(article.title, article.body, article.entities)) for article in articles
        ]


@dataclass(frozen=True, slots=True)
class BuiltinRelated:
    corpus: Corpus
    idf: BackgroundIdf

    @classmethod
    def load(cls, options: BackendOptions) -> BuiltinRelated:
        if options.redis is None:
            raise ValueError("the corpus needs a Redis")
        corpus = Corpus(
            options.redis,
            window=timedelta(days=options.corpus_days),
            max_articles=options.corpus_articles,
        )
        return cls(corpus, BackgroundIdf.load(options.directory))

    def info(self) -> Info:
        return Info(NAME, RELATED_VERSION)

    def prepare(self, article: ArticleText) -> Fingerprint:
        return fingerprint_of(article, self.idf)

    async def process_batch(self, prepared: Sequence[Fingerprint]) -> list[Neighbours]:
        return await self.corpus.place_many(prepared)

    async def forget(self, article_id: str, version: str) -> None:
        await self.corpus.forget(article_id, version)


def fingerprint_of(article: ArticleText, idf: BackgroundIdf) -> Fingerprint:
    """Return what the corpus compares and keeps of the article."""
    return fingerprint(
        article.id,
        title=article.title,
        body=article.body,
        url=article.url,
        at=article.at,
        idf=idf,
        version=article.version,
        language=article.language,
        entities=article.entities,
    )
