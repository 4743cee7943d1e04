"""Events to Tantivy documents, field by field with the right type.

The types matter: a document with a value of a wrong type is accepted, makes the commit fail and loses its
batch, so nothing here goes through `Document.from_dict`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json
from tantivy import Document

from services.index.engine.analysis import LONGEST_KEYWORD_CHARS, fold, keyword
from services.index.engine.protocol import IndexableEvent
from services.index.engine.revisions import Rank, rank_of
from services.index.engine.schema import ARTICLE, REMOVED, WITHHELD
from services.index.intervals import within_dates
from shared.events import Article, ArticleEnriched, ArticleRetracted, Entity
from shared.instants import microseconds_of

FACET_SEPARATOR = "\t"
LEAD_CHARS = 300
CARD_ENTITIES = 10
# A hostile article may carry any number of them; beyond this they are stored but not searchable.
MAX_INDEXED_ENTITIES = 500
_UNNAMED = frozenset({"DATE", "MONEY", "PERCENT"})
ENTITY_GROUPS = {"PERSON": "person", "ORG": "org", "GPE": "place", "LOC": "place", "FAC": "place"}
_MAX_SECONDS = 2**32 - 1
# "politics and government" is also found as "politics", "crime, law and justice" as "crime".
TOPIC_PARTS = re.compile(r", | and ")


def sort_key(at: datetime, article_id: str) -> int:
    """Return the column value that sorts newest first without ties: seconds << 32 | 32 bits of the id."""
    return seconds_of(at) << 32 | int(article_id[:8], 16)


def seconds_of(at: datetime) -> int:
    """Return whole seconds since 1970, within what 32 bits hold (until 2106)."""
    return min(max(int(at.timestamp()), 0), _MAX_SECONDS)


def effective_published_at(article: Article) -> datetime:
    """Return when the article counts as published: not before it says so, not after we received it.

    A wrong clock that dates an article in 2099 must not pin it on top of the newest for ever.
    """
    published_at = article.published_at
    return article.received_at if published_at is None else min(published_at, article.received_at)


def document_from_event(
    event: IndexableEvent, *, seq: int, indexed_at: datetime, cluster: int, outlet: int
) -> Document:
    """Return the document of an article or of its tombstone. `cluster` and `outlet`: see `engine.clusters`.

    Raises ValueError or OverflowError when a value does not fit the schema.
    """
    document = Document()
    document.add_text("id", event.article_id)
    document.add_unsigned("seq", seq)
    _add_rank(document, event.article_id, rank_of(event))
    if isinstance(event, ArticleRetracted):
        document.add_text("kind", WITHHELD if event.withheld else REMOVED)
        document.add_bytes("json", _tombstone_json(event))
    else:
        _add_article(document, event, indexed_at)
        document.add_unsigned("cluster", cluster)
        document.add_unsigned("outlet", outlet)
    return document


def _add_rank(document: Document, article_id: str, rank: Rank) -> None:
    document.add_unsigned("id_high", int(article_id[:16], 16))
    document.add_unsigned("id_low", int(article_id[16:], 16))
    document.add_unsigned("epoch", rank.epoch)
    document.add_unsigned("final", int(rank.final))
    document.add_unsigned("revision", rank.revision)
    document.add_integer("updated_us", rank.updated_us)
    document.add_integer("received_us", rank.received_us)
    document.add_integer("enriched_us", rank.enriched_us)


def _tombstone_json(event: ArticleRetracted) -> bytes:
    return to_json(
        {
            "withheld": event.withheld,
            "revision": event.revision,
            "reason": event.reason,
            "retracted_at": event.received_at,
        }
    )


def _add_article(document: Document, event: ArticleEnriched, indexed_at: datetime) -> None:
    article = event.article.model_copy(
        update={"id": event.article_id, "revision": event.revision, "indexed_at": indexed_at}
    )
    published_at = effective_published_at(article)
    document.add_text("kind", ARTICLE)
    document.add_bytes("json", article.model_dump_json(exclude_none=True).encode())
    document.add_bytes("card", to_json(card_of(article)))
    document.add_unsigned("sort_key", sort_key(published_at, article.id))
    document.add_integer("indexed_us", microseconds_of(indexed_at))
    document.add_date("published", within_dates(published_at).astimezone(UTC))
    _add_text(document, "title", article.title)
    _add_text(document, "body", article.body)
    _add_words(document, "author_words", article.authors)
    document.add_text("language", facet_value(article.language.code.lower()))
    if "sentiment" not in article.unsupported:
        # An article whose tone nobody read is not neutral: no facet, filter or mean takes it for that.
        document.add_text("sentiment", article.sentiment.label)
        document.add_float("sentiment_score", article.sentiment.score)
    if article.source:
        document.add_text("source", facet_value(article.source))
        document.add_text("source_key", keyword(article.source))
        _add_words(document, "source_words", (article.source,))
    if article.story_id:
        document.add_text("story", facet_value(article.story_id))
    # By code, so that one which both the publisher and we have found counts once in a facet.
    for topic in {topic.code: topic for topic in article.topics}.values():
        document.add_text("topic", facet_value(f"{topic.code}{FACET_SEPARATOR}{topic.name}"))
        for key in dict.fromkeys((topic.code, topic.name, *TOPIC_PARTS.split(topic.name))):
            document.add_text("topic_key", keyword(key))
        _add_words(document, "topic_words", (topic.code, topic.name))
    _add_entities(document, article.entities[:MAX_INDEXED_ENTITIES])


def facet_value(value: str) -> str:
    return value[:LONGEST_KEYWORD_CHARS]


def _add_text(document: Document, name: str, text: str) -> None:
    folded = fold(text)
    document.add_text(name, folded)
    document.add_text(f"{name}_words", folded)


def _add_words(document: Document, name: str, values: Iterable[str]) -> None:
    for value in values:
        document.add_text(name, fold(value))


def _add_entities(document: Document, entities: Iterable[Entity]) -> None:
    # Pairs of column and value, as a set, so that an article counts once in a facet however often it lists
    # an entity.
    values: set[tuple[str, str]] = set()
    for entity in entities:
        labelled = f"{entity.label}:{entity.canonical}"
        values |= {("entity_key", keyword(entity.canonical)), ("entity_key", keyword(labelled))}
        if entity.label not in _UNNAMED:
            values.add(("entity", facet_value(labelled)))
        names = dict.fromkeys((entity.canonical, entity.text))
        _add_words(document, "entity_words", names)
        group = ENTITY_GROUPS.get(entity.label)
        if group is not None:
            values.add((group, facet_value(labelled)))
            _add_words(document, f"{group}_words", names)
    for column, value in sorted(values):
        document.add_text(column, value)


def card_of(article: Article) -> dict[str, Any]:
    """Return the fields that a list of results shows; see `protocol.Hit`.

    Of a name that both the publisher and we give, ours is shown, which is counted.
    """
    once = {(entity.label, entity.canonical): entity for entity in article.entities}
    named = [entity for entity in once.values() if entity.label not in _UNNAMED]
    named.sort(key=lambda entity: -entity.count)
    card: dict[str, Any] = {
        "id": article.id,
        "revision": article.revision,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "authors": article.authors,
        "published_at": article.published_at,
        "doubtful_dates": article.doubtful_dates or None,
        "embargoed_until": article.embargoed_until,
        "received_at": article.received_at,
        "indexed_at": article.indexed_at,
        "language": article.language.model_dump(),
        "sentiment": None if "sentiment" in article.unsupported else article.sentiment.model_dump(),
        "entities": [
            {"text": entity.text, "label": entity.label, "canonical": entity.canonical, "count": entity.count}
            for entity in named[:CARD_ENTITIES]
        ],
        "topics": [topic.model_dump(exclude_none=True) for topic in article.topics],
        "story_id": article.story_id,
        "image": article.image.model_dump(exclude_none=True) if article.image else None,
        "lead": article.body[:LEAD_CHARS],
    }
    return {key: value for key, value in card.items() if value is not None}
