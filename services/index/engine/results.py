"""What a search engine answers: pages of hits with their facets, and single articles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json

from services.index.query.nodes import Node
from shared.instants import microseconds_of

ID_PREFIX_CHARS = 16
LAST_PREFIX = "f" * ID_PREFIX_CHARS


@dataclass(frozen=True, slots=True)
class Highlights:
    """Escaped HTML with <mark> around what matched. `body` is the best passage of about 200 characters."""

    title: str
    body: str


class ArrivalKey(NamedTuple):
    """The place of an article in the order in which all became searchable; every later one is greater.

    `indexed_us` is in microseconds since 1970, `id_prefix` the first 16 characters of the article's id.
    """

    indexed_us: int
    id_prefix: str


def arrival_after(at: datetime) -> ArrivalKey:
    """Return the place behind all articles that became searchable at an instant."""
    return ArrivalKey(microseconds_of(at), LAST_PREFIX)


SHOWN_DUPLICATES = 5
DUPLICATE_FIELDS = ("id", "title", "source", "url", "published_at")


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The near-duplicates of a hit that match the search as well and come after it.

    `sources` is how many outlets other than the hit's own published them. `articles` are the newest of them,
    at most SHOWN_DUPLICATES (fewer on long pages, never none), as mappings of DUPLICATE_FIELDS where they
    have them.
    """

    count: int
    sources: int
    articles: tuple[Mapping[str, Any], ...]

    def document(self) -> dict[str, Any]:
        """Return it in the shape of the HTTP contract."""
        return {"count": self.count, "sources": self.sources, "articles": list(self.articles)}


@dataclass(frozen=True, slots=True)
class Hit:
    """`card` holds the article's fields for a list of results: all but the body and what hangs on it.

    Keys: id, revision, title, url, source, authors, published_at, received_at, indexed_at, language,
    sentiment (not where it was not read), entities (the most frequent, without mentions), topics, story_id,
    image, lead, embargoed_until and doubtful_dates (only where there are any).
    `score` is None when hits are not ranked.
    """

    id: str
    score: float | None
    card: Mapping[str, Any]
    highlights: Highlights | None = None
    duplicates: Duplicates | None = None

    @property
    def arrival(self) -> ArrivalKey:
        """What `SearchEngine.arrivals` goes on after to return what became searchable after this one."""
        indexed_at = datetime.fromisoformat(self.card["indexed_at"])
        return ArrivalKey(microseconds_of(indexed_at), self.id[:ID_PREFIX_CHARS])


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many match that have the value, under all filters but that of the same name.

    `value` is what the filter of the same name takes, `label` what a person reads.
    """

    value: str
    count: int
    label: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Another query, with `total` matches under the same filters."""

    node: Node
    total: int


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is None when not counted; with `exact` false there are at least `total` matches."""

    hits: tuple[Hit, ...]
    total: int | None = None
    exact: bool = False
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    next_cursor: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """`json` is the `shared.events.Article` as served, `seq` the engine's running number of the write."""

    id: str
    json: bytes
    seq: int

    @property
    def article(self) -> dict[str, Any]:
        document: dict[str, Any] = from_json(self.json)
        return document


@dataclass(frozen=True, slots=True)
class ScanPage:
    """A batch of a scan. `next` is what `SearchEngine.scan` goes on from, None after the last batch."""

    articles: tuple[StoredArticle, ...]
    next: object | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An article that is not to be served. A withheld one gives way to its next usable revision."""

    id: str
    withheld: bool
    revision: int
    reason: str | None
    retracted_at: datetime
