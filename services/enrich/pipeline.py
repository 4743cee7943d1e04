"""Enrichment as one ordered list of steps. Each is a pure function of the draft and the models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self, TypeVar

from services.enrich.backends import ArticleText, BackendOptions, EntitiesBackend, SentimentBackend, Tone
from services.enrich.backends.builtin import fingerprint_of as builtin_fingerprint
from services.enrich.backends.loading import BUILTIN, load_backend, one_each
from services.enrich.backends.protocol import ENGLISH
from services.enrich.corpus import Fingerprint, Neighbours, related_from, version_of
from services.enrich.draft import Draft
from services.enrich.quotes import VERSION as QUOTES_VERSION
from services.enrich.quotes import find_quotes
from services.enrich.steps import cleanup, extract, keyphrases, language, links
from services.enrich.steps.page import read_page
from services.enrich.steps.terms import BackgroundIdf
from services.enrich.steps.topics import TopicModel
from shared.dates import SET_ASIDE, is_doubtful
from shared.errors import UnprocessableArticle
from shared.events import Article, ArticleEnriched, ArticleSubmitted, Entity, Link, Part, Related, Topic
from shared.metrics import Metrics

# Those that the models other than the backends' were made for, and texts too short to tell.
TRAINED_LANGUAGES = ENGLISH | {"und"}
CITED_IN_TEXT = "linked from the article"
CITED_AS_RELATED = "listed as related by the publisher"

Said = TypeVar("Said", Entity, Topic)


@dataclass(frozen=True, slots=True)
class Models:
    """Everything the steps look things up in, loaded once."""

    entities: EntitiesBackend
    sentiment: SentimentBackend
    topics: TopicModel
    idf: BackgroundIdf

    @classmethod
    def load(
        cls,
        directory: Path | None = None,
        *,
        entities: str = BUILTIN,
        entities_options: BackendOptions | None = None,
        sentiment: str = BUILTIN,
        sentiment_options: BackendOptions | None = None,
    ) -> Self:
        """`entities` and `sentiment` are names of backends.

        Raises ConfigurationError when a backend or a model is missing; nothing is ever downloaded.
        """
        own = BackendOptions(directory=directory)
        language.load_identifier()  # takes a second, for which the first article would wait
        return cls(
            entities=load_backend("entities", entities, entities_options or own),
            sentiment=load_backend("sentiment", sentiment, sentiment_options or own),
            topics=TopicModel.load(directory),
            idf=BackgroundIdf.load(directory),
        )

    @property
    def versions(self) -> dict[str, str]:
        """Name or version of what makes each part of an article, but for `related`, which has a store."""
        return {
            "extract": extract.VERSION,
            "cleanup": cleanup.VERSION,
            "links": links.VERSION,
            "language": language.VERSION,
            "entities": str(self.entities.info()),
            "sentiment": str(self.sentiment.info()),
            "topics": self.topics.version,
            "keyphrases": keyphrases.VERSION,
            "quotes": QUOTES_VERSION,
            "idf": self.idf.version,
        }


Step = Callable[[Draft, Models], Draft]


class Batched(NamedTuple):
    """A step that takes all articles of a batch at once: large models are much faster that way."""

    step: Callable[[Sequence[Draft], Models], list[Draft]]


def extract_text(draft: Draft, _: Models) -> Draft:
    """Take text, links and metadata out of HTML; what the submitter gave stays."""
    event, article = draft.event, draft.event.article
    if not article.html:
        return draft
    page = read_page(article.html, article.url, event.received_at, draft.given)
    told = page.metadata
    return draft.with_(
        title=draft.title or told.title or "",
        body=draft.body or page.text,
        source=draft.source or told.site_name,
        authors=draft.authors or told.authors,
        published_at=draft.published_at or told.published_at,
        updated_at=draft.updated_at or told.updated_at,
        canonical_url=draft.canonical_url or told.canonical_url,
        description=draft.description or told.description,
        keywords=draft.keywords or told.keywords,
        is_accessible_for_free=told.is_accessible_for_free,
        declared_language=draft.declared_language or told.language,
        image=draft.image or told.image,
        links=(*draft.links, *page.links),
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


def name_entities(drafts: Sequence[Draft], models: Models) -> list[Draft]:
    def named(draft: Draft, entities: tuple[Entity, ...]) -> Draft:
        return draft.with_(entities=entities)

    return _asked(drafts, models.entities, "entities", named)


def read_sentiment(drafts: Sequence[Draft], models: Models) -> list[Draft]:
    return _asked(drafts, models.sentiment, "sentiment", _with_tone)


def _asked(
    drafts: Sequence[Draft],
    backend: EntitiesBackend | SentimentBackend,
    part: str,
    filled: Callable[[Draft, Any], Draft],
) -> list[Draft]:
    """Return the drafts with what the backend says of them, where it reads their language."""
    info = backend.info()
    read = [draft for draft in drafts if info.reads(draft.read_as)]
    texts = [article_text(draft) for draft in read]
    results = iter(one_each(backend.process_batch(texts), texts, backend.info)) if texts else iter(())
    return [
        filled(draft, next(results)) if info.reads(draft.read_as) else draft.without(part) for draft in drafts
    ]


def _with_tone(draft: Draft, tone: Tone) -> Draft:
    toned = draft.entities
    if any(tone.entities):
        pairs = zip(toned, one_each(tone.entities, toned, lambda: "the sentiment backend"), strict=True)
        toned = tuple(
            entity if sentiment is None else entity.model_copy(update={"sentiment": sentiment})
            for entity, sentiment in pairs
        )
    return draft.with_(sentiment=tone.article, entities=toned)


def classify_topics(draft: Draft, models: Models) -> Draft:
    """The model's words are English."""
    if draft.read_as not in TRAINED_LANGUAGES:
        return draft.without("topics")
    return draft.with_(topics=models.topics.classify(draft.title, draft.body))


def pick_keyphrases(draft: Draft, models: Models) -> Draft:
    """How telling a word is was counted in English texts."""
    if draft.read_as not in TRAINED_LANGUAGES:
        return draft.without("keyphrases")
    return draft.with_(keyphrases=keyphrases.keyphrases(draft.title, draft.body, draft.entities, models.idf))


def attribute_quotes(draft: Draft, _: Models) -> Draft:
    """Find who said what. The rules are of English: other languages have no quotes rather than wrong ones."""
    if draft.read_as not in TRAINED_LANGUAGES:
        return draft.without("quotes")
    return draft.with_(quotes=find_quotes(draft.body, draft.entities))


STEPS: tuple[Step | Batched, ...] = (
    extract_text,
    clean_up,
    cite_links,
    identify_language,
    Batched(name_entities),
    Batched(read_sentiment),
    classify_topics,
    pick_keyphrases,
    attribute_quotes,
)


def enrich(event: ArticleSubmitted, models: Models, metrics: Metrics) -> Draft:
    """Return the draft after all steps. Raises UnprocessableArticle if there is no text in it."""
    (outcome,) = enrich_all([event], models, metrics)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def enrich_all(
    events: Sequence[ArticleSubmitted], models: Models, metrics: Metrics
) -> list[Draft | Exception]:
    """Return each draft after all steps, or what the article failed with: one's failure is its own."""
    versions = models.versions
    outcomes: list[Draft | Exception] = [Draft.of(event).with_(versions=versions) for event in events]
    for step in STEPS:
        drafts = [draft for draft in outcomes if isinstance(draft, Draft)]
        if isinstance(step, Batched):
            done = iter(_batch(step, drafts, models, metrics))
        else:
            done = iter([_attempt(step, draft, models, metrics) for draft in drafts])
        outcomes = [next(done) if isinstance(outcome, Draft) else outcome for outcome in outcomes]
    return outcomes


def _attempt(step: Step, draft: Draft, models: Models, metrics: Metrics) -> Draft | Exception:
    try:
        with metrics.timed("wireroom_stage_seconds", stage=step.__name__):
            return step(draft, models)
    except Exception as error:
        return error


def _batch(
    batched: Batched, drafts: Sequence[Draft], models: Models, metrics: Metrics
) -> Sequence[Draft | Exception]:
    """Take all drafts together; if that fails, each alone, so that only those to blame fail."""
    if not drafts:
        return drafts
    try:
        with metrics.timed("wireroom_stage_seconds", stage=batched.step.__name__):
            return batched.step(drafts, models)
    except Exception as error:
        if len(drafts) == 1:
            return [error]
    return [outcome for draft in drafts for outcome in _batch(batched, [draft], models, metrics)]


def article_text(draft: Draft) -> ArticleText:
    """Return what backends are given of an article."""
    event = draft.event
    return ArticleText(
        id=event.article_id,
        title=draft.title,
        body=draft.body,
        language=draft.read_as,
        at=_happened_at(draft),
        url=draft.canonical_url or event.article.url,
        entities=draft.entities,
        version=version_of(event.precedence),
    )


def _happened_at(draft: Draft) -> datetime:
    """Return when the article counts as published: a date that cannot be right would unrelate it from all."""
    at, received_at = draft.published_at, draft.event.received_at
    return received_at if at is None or is_doubtful(at, received_at) else at


def _doubtful_dates(draft: Draft) -> tuple[str, ...]:
    event = draft.event
    dates = {"published_at": draft.published_at, "updated_at": draft.updated_at}
    doubtful = {name for name, at in dates.items() if at is not None and is_doubtful(at, event.received_at)}
    if SET_ASIDE in event.article.extra:
        # By ingest, because it also decides which of two submits is the later one.
        doubtful.add("updated_at")
    return tuple(sorted(doubtful))


def fingerprint_of(draft: Draft, models: Models) -> Fingerprint:
    """Return what the corpus compares and keeps of the article."""
    return builtin_fingerprint(article_text(draft), models.idf)


def finish(draft: Draft, neighbours: Neighbours, enriched_at: datetime) -> ArticleEnriched:
    """Return the event that index stores: the article with its related links and its story."""
    event, submitted = draft.event, draft.event.article
    article = Article(
        id=event.article_id,
        revision=event.revision,
        url=submitted.url,
        canonical_url=draft.canonical_url,
        publisher_id=submitted.publisher_id,
        title=draft.title,
        body=draft.body,
        source=draft.source,
        authors=draft.authors,
        published_at=draft.published_at,
        updated_at=draft.updated_at,
        received_at=event.received_at,
        enriched_at=enriched_at,
        language=draft.language,
        description=draft.description,
        keywords=draft.keywords,
        is_accessible_for_free=draft.is_accessible_for_free,
        links=draft.links,
        image=draft.image,
        uri=submitted.uri,
        images=submitted.images,
        embargoed_until=submitted.embargoed_until,
        entities=(*submitted.entities, *_ours(draft.entities)),
        sentiment=draft.sentiment,
        keyphrases=draft.keyphrases,
        topics=(*submitted.topics, *_ours(draft.topics)),
        quotes=draft.quotes,
        unsupported=draft.unsupported,
        doubtful_dates=_doubtful_dates(draft),
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


def _ours(said: Sequence[Said]) -> list[Said]:
    """Mark what was found here, so that it can be told from what the publisher says."""
    return [one.model_copy(update={"origin": "wireroom"}) for one in said]


def _carried(part: Part, target: type[Part]) -> dict[str, Any]:
    """Return the fields that a newer minor version has added: passed on though nobody here knows them."""
    return {
        name: value for name, value in (part.model_extra or {}).items() if name not in target.model_fields
    }
