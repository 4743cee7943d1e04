"""What the index service asks of a search engine, in terms that no engine leaks into.

`tests/index/test_engine_contract.py` holds every engine to it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

from services.index.engine.results import (
    ID_PREFIX_CHARS,
    LAST_PREFIX,
    ArrivalKey,
    Duplicates,
    FacetCount,
    Highlights,
    Hit,
    Page,
    ScanPage,
    StoredArticle,
    Suggestion,
    Tombstone,
    arrival_after,
)  # fmt: skip
from services.index.query.nodes import MATCH_ALL, Bool, Field, In, MatchAll, Node, Range, all_of
from shared.errors import ConfigurationError, TransientError, WireroomError
from shared.events import ArticleEnriched, ArticleRetracted

if TYPE_CHECKING:
    from services.index.engine.aggregations import Aggregations

__all__ = [
    "COUNT_CAP",
    "FACET_NAMES",
    "ID_PREFIX_CHARS",
    "LAST_PREFIX",
    "MAX_FACET_VALUES",
    "MAX_SIZE",
    "ArrivalKey",
    "CommitFailed",
    "CountMode",
    "Duplicates",
    "EngineHealth",
    "EngineStats",
    "FacetCount",
    "FacetName",
    "Filters",
    "Highlights",
    "Hit",
    "IndexFailed",
    "IndexLocked",
    "IndexUnusable",
    "IndexableEvent",
    "InvalidCursor",
    "Outcome",
    "Page",
    "Query",
    "ScanPage",
    "SearchEngine",
    "Sort",
    "StoredArticle",
    "Suggestion",
    "Tombstone",
    "UpsertOutcome",
    "arrival_after",
    "filtered",
]  # fmt: skip

IndexableEvent: TypeAlias = ArticleEnriched | ArticleRetracted
Sort = Literal["relevance", "newest"]
CountMode = Literal["exact", "capped", "none"]
FacetName = Literal[
    "entities", "persons", "orgs", "places", "sources", "languages", "topics", "sentiment", "stories"
]
FACET_NAMES: tuple[FacetName, ...] = (
    "entities", "persons", "orgs", "places", "sources", "languages", "topics", "sentiment", "stories",
)  # fmt: skip

MAX_SIZE = 100
COUNT_CAP = 10_000
MAX_FACET_VALUES = 100


class InvalidCursor(WireroomError):
    """The cursor is damaged, or belongs to another query."""


class CommitFailed(TransientError):
    """Nothing since the last commit was kept: the caller has to deliver all of it again."""


class IndexFailed(WireroomError):
    """The engine broke over a read. Its files may be damaged: they are checked, and the index made anew."""


class IndexUnusable(ConfigurationError):
    """The index cannot be opened; the message says why and how to mend it."""


class IndexLocked(ConfigurationError):
    """Another process writes this index."""


VALUE_FILTERS = ("source", "language", "entity", "topic", "sentiment", "story")
"""The filters that are lists of values; the others are dates."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Exact conditions beside the query text. Several values of one field mean any of them.

    `entity` takes a canonical name or LABEL:name, `topic` a code, a name or a part of one. `from_at` and
    `to_at` are inclusive, to the second, and compare with the publication time (receipt when there is none).
    """

    source: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    topic: tuple[str, ...] = ()
    sentiment: tuple[str, ...] = ()
    story: tuple[str, ...] = ()
    from_at: datetime | None = None
    to_at: datetime | None = None

    def nodes(self) -> tuple[Node, ...]:
        by_field = {
            Field.SOURCE: self.source,
            Field.LANGUAGE: self.language,
            Field.ENTITY: self.entity,
            Field.TOPIC: self.topic,
            Field.SENTIMENT: self.sentiment,
            Field.STORY: self.story,
        }
        exact = [In(name, values) for name, values in by_field.items() if values]
        if self.from_at is None and self.to_at is None:
            return tuple(exact)
        return (*exact, Range(Field.PUBLISHED, self.from_at, self.to_at))


@dataclass(frozen=True, slots=True)
class Query:
    """One search. `size` is 1…MAX_SIZE; `cursor` is a page's `next_cursor`, valid for the same search only.

    A search that ranks nothing (no text) is sorted newest first whatever `sort` says. With `collapse`, of
    near-duplicates only the first in the order is shown, with the others as its `Hit.duplicates`; counts and
    facets are of all that match. Facets of very many matches may be up to a second old. With `as_of`, usually
    now, age takes from the score of what ranks; pages after the first keep the instant of the first.
    """

    node: Node = MATCH_ALL
    filters: Filters = Filters()
    sort: Sort = "relevance"
    size: int = 10
    cursor: str | None = None
    count: CountMode = "capped"
    facets: tuple[FacetName, ...] = ()
    facet_size: int = 10
    highlight: bool = True
    collapse: bool = False
    as_of: datetime | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_SIZE:
            raise ValueError(f"size is {self.size}, not 1 to {MAX_SIZE}")
        if not 1 <= self.facet_size <= MAX_FACET_VALUES:
            raise ValueError(f"facet_size is {self.facet_size}, not 1 to {MAX_FACET_VALUES}")
        unknown = sorted(set(self.facets) - set(FACET_NAMES))
        if unknown:
            raise ValueError(f"no such facets: {', '.join(unknown)}")

    @property
    def ranks(self) -> bool:
        return self.sort == "relevance" and _scores(self.node)


def _scores(node: Node) -> bool:
    if isinstance(node, Bool):
        return any(map(_scores, (*node.must, *node.should)))
    return not isinstance(node, MatchAll | Range | In)


def filtered(query: Query) -> Node:
    """Return the query with its filters as one node."""
    return all_of(query.node, *query.filters.nodes())


Outcome = Literal["indexed", "retracted", "stale", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class UpsertOutcome:
    """What became of one event.

    indexed, retracted: it is written, durable with the next commit. unchanged: this very event is held.
    stale: what is held wins over it. failed: it can never be written. `reason` explains the last two.
    """

    OUTCOMES: ClassVar[tuple[Outcome, ...]] = ("indexed", "retracted", "stale", "unchanged", "failed")

    article_id: str
    outcome: Outcome
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EngineStats:
    """`articles` can be found, `tombstones` cannot; `size_bytes` is on disk."""

    articles: int
    tombstones: int
    segments: int
    size_bytes: int
    directory: str
    schema_version: int
    last_seq: int


@dataclass(frozen=True, slots=True)
class EngineHealth:
    ok: bool
    detail: str


class SearchEngine(Protocol):
    """One writer, many readers, any threads. Nobody sees a write before `commit`."""

    def upsert_many(self, events: Sequence[IndexableEvent], indexed_at: datetime) -> list[UpsertOutcome]:
        """Write each event unless what is held (or earlier in the same commit) takes precedence over it.

        Raises CommitFailed when the writer itself fails.
        """
        ...

    def commit(self) -> None:
        """Make all writes durable and visible. Raises CommitFailed."""
        ...

    def rollback(self) -> None:
        """Drop all writes since the last commit."""
        ...

    def refresh(self) -> None:
        """Show readers the latest commit, wherever it was made."""
        ...

    def get(self, article_id: str) -> StoredArticle | Tombstone | None: ...

    def search(self, query: Query) -> Page:
        """Raises InvalidCursor."""
        ...

    def suggest(self, query: Query) -> Suggestion | None:
        """Return what may have been meant by a search that finds nothing: its text with words corrected.

        Words that are excluded, exact values and everything with an operator of its own stay. None when
        nothing near finds anything either.
        """
        ...

    def more_like_this(self, article_id: str, size: int = 10) -> tuple[Hit, ...]:
        """Return articles that share telling words with this one, the most alike first."""
        ...

    def arrivals(self, query: Query, after: ArrivalKey | None, limit: int) -> tuple[Hit, ...]:
        """Return up to `limit` hits of a search in the order in which they became searchable.

        They begin behind `after`, or with the oldest. Whoever goes on after the last one's `Hit.arrival`
        sees every article that matches once, however many are added meanwhile, also after a reindex. Sort,
        size, cursor, count and facets of the query do not matter.
        """
        ...

    def latest_arrival(self) -> ArrivalKey | None:
        """Return the place behind everything that can be found now; None when that is nothing."""
        ...

    def latest_retractions(self, limit: int) -> Sequence[tuple[str, datetime]]:
        """Return up to `limit` articles that are taken down or withheld, the latest last.

        The instants are those at which ingest received the takedowns.
        """
        ...

    def scan(self, query: Query, place: object | None = None) -> ScanPage:
        """Return all articles that a search finds, newest first, in batches of some 256 kB.

        Each comes once and as it was when the scan began, whatever is written meanwhile; but one that is
        taken down before its batch is read is left out. A batch may be empty and not the last. Only the
        query's node and filters matter.
        """
        ...

    def present(self, article_ids: Collection[str]) -> set[str]:
        """Return which of the articles can be found."""
        ...

    @property
    def aggregations(self) -> Aggregations:
        """What it tells of many articles at once."""
        ...

    def stats(self) -> EngineStats: ...

    def health(self) -> EngineHealth: ...

    def close(self) -> None: ...
