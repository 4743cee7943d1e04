"""What the index service asks of a search engine, in terms that no engine leaks into.

`tests/index/test_engine_contract.py` holds every engine to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias

from pydantic_core import from_json

from services.index.query.nodes import MATCH_ALL, Bool, Field, In, MatchAll, Node, Range, all_of
from shared.errors import ConfigurationError, TransientError, WireroomError
from shared.events import ArticleEnriched, ArticleRetracted

if TYPE_CHECKING:
    from services.index.engine.aggregations import Aggregations

IndexableEvent: TypeAlias = ArticleEnriched | ArticleRetracted
Sort = Literal["relevance", "newest"]
CountMode = Literal["exact", "capped", "none"]
FacetName = Literal[
    "entities", "persons", "orgs", "places", "sources", "languages", "topics", "sentiment", "stories"
]
FACET_NAMES: tuple[FacetName, ...] = (
    "entities", "persons", "orgs", "places", "sources", "languages", "topics", "sentiment", "stories",
)  # fmt: skip

ID_PREFIX_CHARS = 16
LAST_PREFIX = "f" * ID_PREFIX_CHARS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
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
    return ArrivalKey((at - EPOCH) // _MICROSECOND, LAST_PREFIX)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """The near-duplicates of a hit that match the search as well and come after it.

    `sources` is how many outlets other than the hit's own published them. `articles` are the newest of them,
    at most five (fewer on long pages, never none), as mappings of id, title, source, url and published_at,
    where they have them.
    """

    count: int
    sources: int
    articles: tuple[Mapping[str, Any], ...]


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
        return ArrivalKey((indexed_at - EPOCH) // _MICROSECOND, self.id[:ID_PREFIX_CHARS])


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
        """Return all articles that a search finds, newest first, in batches of some 100 kB.

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
