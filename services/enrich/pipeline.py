"""Enrichment as one ordered list of steps. Each is a pure function of the draft and the models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from services.enrich.corpus import Fingerprint, Neighbours, fingerprint, related_from, version_of
from services.enrich.draft import Draft
from services.enrich.entities import EntityRecogniser
from services.enrich.quotes import VERSION as QUOTES_VERSION
from services.enrich.quotes import find_quotes
from services.enrich.steps import cleanup, extract, keyphrases, language
from services.enrich.steps.links import links_from_html
from services.enrich.steps.sentiment import SentimentModel
from services.enrich.steps.terms import BackgroundIdf
from services.enrich.steps.topics import TopicModel
from shared.errors import UnprocessableArticle
from shared.events import Article, ArticleEnriched, ArticleSubmitted, Link, Part, Related
from shared.metrics import Metrics

# A text too short to tell its language ("und") is read as English.
QUOTED_LANGUAGES = frozenset({"en", "und"})
CITED_IN_TEXT = "linked from the article"
CITED_AS_RELATED = "listed as related by the publisher"


@dataclass(frozen=True, slots=True)
class Models:
    """Everything the steps look things up in, loaded once."""

    entities: EntityRecogniser
    sentiment: SentimentModel
    topics: TopicModel
    idf: BackgroundIdf

    @classmethod
    def load(cls, directory: Path | None = None) -> Self:
        """Raises ConfigurationError when a model is missing; nothing is ever downloaded."""
        language.load_identifier()  # takes a second, for which the first article would wait
        return cls(
            entities=EntityRecogniser.load(directory),
            sentiment=SentimentModel.load(directory),
            topics=TopicModel.load(directory),
            idf=BackgroundIdf.load(directory),
        )

    @property
    def versions(self) -> dict[str, str]:
        return {
            "extract": extract.VERSION,
            "cleanup": cleanup.VERSION,
            "language": language.VERSION,
            "entities": self.entities.version,
            "sentiment": self.sentiment.version,
            "topics": self.topics.version,
            "keyphrases": keyphrases.VERSION,
            "quotes": QUOTES_VERSION,
            "idf": self.idf.version,
        }


Step = Callable[[Draft, Models], Draft]


def extract_text(draft: Draft, _: Models) -> Draft:
    """Take text and links out of HTML. Links first: extraction drops the related block."""
    article = draft.event.article
    if not article.html:
        return draft
    links = links_from_html(article.html, article.url)
    extracted = extract.extract_html(article.html, article.url)
    return draft.with_(
        title=draft.title or extracted.title or "",
        body=draft.body or extracted.text,
        source=draft.source or extracted.site_name,
        authors=draft.authors or extracted.authors,
        published_at=draft.published_at or extracted.published_at,
        declared_language=draft.declared_language or extracted.language,
        image=draft.image or extracted.image,
        links=(*draft.links, *links),
    )


def clean_up(draft: Draft, _: Models) -> Draft:
    """Drop what the page put around the article; keep the headlines it relates itself to."""
    cleaned = cleanup.clean_text(draft.title, draft.body)
    if not cleaned.title and not cleaned.body:
        raise UnprocessableArticle("no text is left after extraction and clean-up")
    related = [Related(kind="cited", title=title, why=CITED_AS_RELATED) for title in cleaned.related_titles]
    return draft.with_(
        title=cleaned.title, body=cleaned.body, source=draft.source or cleaned.credited_source
    ).cite(related)


def cite_links(draft: Draft, _: Models) -> Draft:
    """Turn links out into `cited` links; a headline of the related block gets its URL this way."""
    targets = {link.title: link for link in draft.links if link.title}
    named = [_with_target(link, targets.get(link.title or "")) for link in draft.related]
    used = {link.url for link in named}
    return draft.with_(related=tuple(named)).cite(
        Related(kind="cited", url=link.url, title=link.title, why=_why(link))
        for link in draft.links
        if link.url not in used
    )


def _with_target(related: Related, link: Link | None) -> Related:
    return related if link is None else related.model_copy(update={"url": link.url})


def _why(link: Link) -> str:
    return CITED_AS_RELATED if link.rel == "related" else CITED_IN_TEXT


def identify_language(draft: Draft, _: Models) -> Draft:
    return draft.with_(
        language=language.detect_language(f"{draft.title}\n{draft.body}", draft.declared_language)
    )


def name_entities(draft: Draft, models: Models) -> Draft:
    return draft.with_(entities=models.entities.recognise(draft.title, draft.body))


def read_sentiment(draft: Draft, models: Models) -> Draft:
    sentiment, entities = models.sentiment.annotate(draft.title, draft.body, draft.entities)
    return draft.with_(sentiment=sentiment, entities=entities)


def classify_topics(draft: Draft, models: Models) -> Draft:
    return draft.with_(topics=models.topics.classify(draft.title, draft.body))


def pick_keyphrases(draft: Draft, models: Models) -> Draft:
    return draft.with_(keyphrases=keyphrases.keyphrases(draft.title, draft.body, draft.entities, models.idf))


def attribute_quotes(draft: Draft, _: Models) -> Draft:
    """Find who said what. The rules are of English: other languages have no quotes rather than wrong ones."""
    if draft.language.code not in QUOTED_LANGUAGES:
        return draft
    return draft.with_(quotes=find_quotes(draft.body, draft.entities))


STEPS: tuple[Step, ...] = (
    extract_text,
    clean_up,
    cite_links,
    identify_language,
    name_entities,
    read_sentiment,
    classify_topics,
    pick_keyphrases,
    attribute_quotes,
)


def enrich(event: ArticleSubmitted, models: Models, metrics: Metrics) -> Draft:
    """Return the draft after all steps. Raises UnprocessableArticle if there is no text in it."""
    draft = Draft.of(event).with_(versions=models.versions)
    for step in STEPS:
        with metrics.timed("wireroom_stage_seconds", stage=step.__name__):
            draft = step(draft, models)
    return draft


def fingerprint_of(draft: Draft, models: Models) -> Fingerprint:
    """Return what the corpus compares and keeps of the article."""
    event = draft.event
    return fingerprint(
        event.article_id,
        title=draft.title,
        body=draft.body,
        url=event.article.canonical_url or event.article.url,
        at=draft.published_at or event.received_at,
        idf=models.idf,
        version=version_of(event.precedence),
    )


def finish(draft: Draft, neighbours: Neighbours, enriched_at: datetime) -> ArticleEnriched:
    """Return the event that index stores: the article with its related links and its story."""
    event, submitted = draft.event, draft.event.article
    article = Article(
        id=event.article_id,
        revision=event.revision,
        url=submitted.url,
        canonical_url=submitted.canonical_url,
        publisher_id=submitted.publisher_id,
        title=draft.title,
        body=draft.body,
        source=draft.source,
        authors=draft.authors,
        published_at=draft.published_at,
        updated_at=submitted.updated_at,
        received_at=event.received_at,
        enriched_at=enriched_at,
        language=draft.language,
        keywords=submitted.keywords,
        links=draft.links,
        image=draft.image,
        entities=draft.entities,
        sentiment=draft.sentiment,
        keyphrases=draft.keyphrases,
        topics=draft.topics,
        quotes=draft.quotes,
        related=(*draft.related, *related_from(neighbours)),
        story_id=neighbours.story_id,
        provenance=event.provenance.model_copy(update={"versions": draft.versions}),
        extra=submitted.extra,
        **_carried(submitted, Article),
    )
    return ArticleEnriched(
        article_id=event.article_id,
        revision=event.revision,
        epoch=event.epoch,
        received_at=event.received_at,
        content_hash=event.content_hash,
        submitted=submitted,
        article=article,
        **_carried(event, ArticleEnriched),
    )


def _carried(part: Part, target: type[Part]) -> dict[str, Any]:
    """Return the fields that a newer minor version has added: passed on though nobody here knows them."""
    return {
        name: value for name, value in (part.model_extra or {}).items() if name not in target.model_fields
    }
