"""What the index service asks of an engine about many articles at once: spans, intervals, stories, names.

In terms that no engine leaks into, as `protocol` is; `tests/index/test_engine_contract_aggregations.py`
holds every engine to it. An answer may be up to a second old where it is dear: see `engine.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from services.index.engine.protocol import FacetCount, Hit
from services.index.query.nodes import Node

StorySort = Literal["newest", "size"]
Order = Literal["newest", "oldest"]

MAX_EDGES = 1_010
MAX_STORY_PAGE = 100
MAX_RANKED_STORIES = 2_000
"""How far a list of stories by size goes."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How many articles match, and over which time, by publication (receipt when there is none).

    `months` are spans of 30 days with their counts, oldest first, without empty ones. Nothing matches: no
    `first_at`, no `last_at`.
    """

    total: int
    first_at: datetime | None
    last_at: datetime | None
    months: tuple[tuple[datetime, int], ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Articles published from `start` until the next edge, and the mean of the tones that were read."""

    start: datetime
    count: int
    sentiment: float | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """One bucket between each two edges; `before` and `after` count what lies outside of them."""

    buckets: tuple[Bucket, ...]
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class StoryQuery:
    """Which stories to list: those of two articles or more of which one at least matches `node`.

    newest: by the latest article that matches. size: by how many match, for at most MAX_RANKED_STORIES.
    `cursor` is that of the page before, valid for the same node and sort only.
    """

    node: Node
    sort: StorySort = "newest"
    size: int = 10
    cursor: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.size <= MAX_STORY_PAGE:
            raise ValueError(f"size is {self.size}, not 1 to {MAX_STORY_PAGE}")


@dataclass(frozen=True, slots=True)
class ListedStory:
    id: str
    matching: int


@dataclass(frozen=True, slots=True)
class StoryPage:
    """A page may hold fewer stories than asked for although there are more: `next_cursor` tells."""

    stories: tuple[ListedStory, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Some articles as one: the most frequent sources and entities, and the mean of the tones that were read.

    `source_count` is how many sources there are, near enough when they are hundreds.
    """

    article_count: int
    sources: tuple[FacetCount, ...]
    source_count: int
    entities: tuple[FacetCount, ...]
    sentiment: float | None


@dataclass(frozen=True, slots=True)
class EntityCounts:
    """How many texts there are, and how many name an entity (`LABEL:name`): near-duplicates are one text."""

    texts: int
    by_entity: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ClusteredHit:
    """Near-duplicates have the same `cluster`."""

    hit: Hit
    cluster: int


class Aggregations(Protocol):
    """Every method reads one snapshot. `node` is the whole condition, filters included."""

    def spread(self, node: Node) -> Spread: ...

    def histogram(self, node: Node, edges: Sequence[datetime]) -> Histogram:
        """`edges` ascend; there are 2 to MAX_EDGES."""
        ...

    def stories(self, query: StoryQuery) -> StoryPage:
        """Raises InvalidCursor."""
        ...

    def story_summaries(self, story_ids: Sequence[str]) -> dict[str, Summary]:
        """Return the summary of each story that has articles; at most MAX_STORY_PAGE are asked for."""
        ...

    def summary(self, node: Node) -> Summary: ...

    def articles(self, node: Node, size: int, order: Order) -> tuple[ClusteredHit, ...]:
        """Return the first `size` articles in order of publication."""
        ...

    def entity_counts(
        self, node: Node, *, at_least: int = 1, among: Sequence[str] | None = None
    ) -> EntityCounts:
        """Count the entities that at least so many articles name, or those `among` which they are sought."""
        ...
