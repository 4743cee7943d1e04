"""Aggregations on Tantivy: over its columns, without a document read but for the cards of `articles`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from tantivy import Order as TantivyOrder
from tantivy import Query as TantivyQuery
from tantivy import Searcher

from services.index.engine.aggregations import (
    MAX_EDGES,
    MAX_STORY_PAGE,
    Bucket,
    ClusteredHit,
    EntityCounts,
    Histogram,
    Order,
    Spread,
    StoryPage,
    StoryQuery,
    Summary,
)
from services.index.engine.answers import AnswerCache
from services.index.engine.compiling import Compiler
from services.index.engine.entity_counting import count_entities
from services.index.engine.failing import failing_openly
from services.index.engine.hits import hit_at
from services.index.engine.protocol import FacetCount
from services.index.engine.snapshots import SnapshotCache
from services.index.engine.story_listing import StoryLister
from services.index.engine.writing import Snapshot
from services.index.intervals import FIRST_INSTANT, LAST_INSTANT
from services.index.query.nodes import Field, In, Node
from shared.instants import instant_of, microseconds_of

_SUMMARY_VALUES = 10
_SPAN = timedelta(days=30)
_DATE = "published"
_MILLISECOND = 1_000_000
"""In nanoseconds."""
_TONE = {"tone": {"avg": {"field": "sentiment_score"}}}
_SUMMARY = {
    "sources": {"terms": {"field": "source", "size": _SUMMARY_VALUES, "segment_size": 200}},
    "source_count": {"cardinality": {"field": "source"}},
    "entities": {"terms": {"field": "entity", "size": _SUMMARY_VALUES, "segment_size": 200}},
    **_TONE,
}

T = TypeVar("T")


class TantivyAggregations:
    """`aggregations.Aggregations` of the current snapshot. `on_damage` hears of an index that broke."""

    def __init__(
        self,
        compiler: Compiler,
        current: Callable[[], Snapshot],
        kept: SnapshotCache,
        on_damage: Callable[[], None],
    ) -> None:
        self._compiler = compiler
        self._current = current
        self._on_damage = on_damage
        self._answers = AnswerCache()
        self._stories = StoryLister(compiler, kept, self._answers)

    @property
    def suspect(self) -> bool:
        return False

    @suspect.setter
    def suspect(self, value: bool) -> None:
        if value:
            self._on_damage()

    def clear(self) -> None:
        """Forget what the index that was replaced has answered."""
        self._answers.clear()

    def _answered(self, question: Hashable, compute: Callable[[Searcher], T]) -> T:
        snapshot = self._current()
        return self._answers.get(question, snapshot.seq, lambda: compute(snapshot.searcher))

    @failing_openly
    def spread(self, node: Node) -> Spread:
        return self._answered(
            ("spread", node), lambda searcher: _spread(searcher, self._compiler.compile(node))
        )

    @failing_openly
    def histogram(self, node: Node, edges: Sequence[datetime]) -> Histogram:
        if not 2 <= len(edges) <= MAX_EDGES:
            raise ValueError(f"there are {len(edges)} edges, not 2 to {MAX_EDGES}")
        return self._answered(
            ("histogram", node, tuple(edges)),
            lambda searcher: _histogram(searcher, self._compiler.compile(node), edges),
        )

    @failing_openly
    def stories(self, query: StoryQuery) -> StoryPage:
        return self._stories.page(self._current(), query)

    @failing_openly
    def story_summaries(self, story_ids: Sequence[str]) -> dict[str, Summary]:
        if len(story_ids) > MAX_STORY_PAGE:
            raise ValueError(f"{len(story_ids)} stories are more than {MAX_STORY_PAGE}")
        if not story_ids:
            return {}
        query = self._compiler.compile(In(Field.STORY, tuple(story_ids)))
        request = {"terms": {"field": "story", "size": len(story_ids)}, "aggs": _SUMMARY}

        def compute(searcher: Searcher) -> dict[str, Summary]:
            buckets = searcher.aggregate(query, {"stories": request})["stories"]["buckets"]
            return {str(bucket["key"]): _summary(bucket, int(bucket["doc_count"])) for bucket in buckets}

        return self._answered(("summaries", tuple(story_ids)), compute)

    @failing_openly
    def summary(self, node: Node) -> Summary:
        def compute(searcher: Searcher) -> Summary:
            request = {**_SUMMARY, "articles": {"value_count": {"field": "sort_key"}}}
            answer = searcher.aggregate(self._compiler.compile(node), request)
            return _summary(answer, int(answer["articles"]["value"] or 0))

        return self._answered(("summary", node), compute)

    @failing_openly
    def articles(self, node: Node, size: int, order: Order) -> tuple[ClusteredHit, ...]:
        searcher = self._current().searcher
        found = searcher.search(
            self._compiler.compile(node),
            limit=size,
            count=False,
            order_by_field="sort_key",
            order=TantivyOrder.Desc if order == "newest" else TantivyOrder.Asc,
        )
        addresses = [address for _, address in found.hits]
        if not addresses:
            return ()
        clusters = searcher.fast_field_values("cluster", addresses)
        return tuple(
            ClusteredHit(hit_at(searcher, address, None, None), int(cluster or 0))
            for address, cluster in zip(addresses, clusters, strict=True)
        )

    @failing_openly
    def entity_counts(
        self, node: Node, *, at_least: int = 1, among: Sequence[str] | None = None
    ) -> EntityCounts:
        sought = None if among is None else tuple(among)
        return self._answered(
            ("entities", node, at_least, sought),
            lambda searcher: count_entities(searcher, self._compiler, node, at_least, sought),
        )


def _spread(searcher: Searcher, query: TantivyQuery) -> Spread:
    answer = searcher.aggregate(
        query,
        {
            "first": {"min": {"field": _DATE}},
            "last": {"max": {"field": _DATE}},
            # Without empty buckets, which between 1678 and 2262 would be 7,000.
            "spans": {
                "date_histogram": {
                    "field": _DATE,
                    "fixed_interval": f"{_SPAN.days}d",
                    "min_doc_count": 1,
                }
            },
        },
    )
    months = tuple(
        (instant_of(round(bucket["key"]) * 1000), int(bucket["doc_count"]))
        for bucket in answer["spans"]["buckets"]
    )
    first, last = (_instant(answer[name]["value"]) for name in ("first", "last"))
    return Spread(sum(count for _, count in months), first, last, months)


def _instant(nanoseconds: float | None) -> datetime | None:
    """The value is a double, exact to 256 ns."""
    return None if nanoseconds is None else instant_of(round(nanoseconds / 1000))


def _nanoseconds(at: datetime) -> int:
    """Later than the last date there is stays later, so that a last bucket holds what is dated so."""
    return microseconds_of(min(max(at, FIRST_INSTANT), LAST_INSTANT + timedelta(days=1))) * 1000


def _histogram(searcher: Searcher, query: TantivyQuery, edges: Sequence[datetime]) -> Histogram:
    limits = [_nanoseconds(edge) for edge in edges]
    outside = {"field": _DATE, "ranges": [{"from": limits[0], "to": limits[-1]}]}
    answer = searcher.aggregate(query, {"outside": {"range": outside}, "spans": _spans(limits)})
    before = after = 0
    for bucket in answer["outside"]["buckets"]:
        if "from" not in bucket:
            before = int(bucket["doc_count"])
        elif "to" not in bucket:
            after = int(bucket["doc_count"])
    found: dict[float, tuple[int, float | None]] = {}
    for bucket in answer["spans"]["buckets"]:
        start = bucket["key"] * _MILLISECOND if isinstance(bucket["key"], float) else bucket.get("from")
        if bucket["doc_count"] and start is not None:
            found[start] = int(bucket["doc_count"]), _rounded(bucket["tone"]["value"])
    buckets = [
        Bucket(edge, *found.get(float(limit), (0, None)))
        for edge, limit in zip(edges[:-1], limits, strict=False)
    ]
    return Histogram(tuple(buckets), before, after)


def _spans(limits: Sequence[int]) -> dict[str, Any]:
    """Return the request for what lies between the limits: by their distance where all have the same.

    That takes a third of the time that as many ranges do.
    """
    distances = {high - low for low, high in pairwise(limits)}
    if len(distances) > 1 or 0 in distances:
        ranges = [{"from": low, "to": high} for low, high in pairwise(limits)]
        return {"range": {"field": _DATE, "ranges": ranges}, "aggs": _TONE}
    distance = distances.pop()
    histogram = {
        "field": _DATE,
        "fixed_interval": f"{distance // _MILLISECOND}ms",
        "offset": f"{limits[0] % distance // _MILLISECOND}ms",
        "min_doc_count": 1,
        # Without them, two articles centuries apart would be refused for their millions of empty buckets.
        "hard_bounds": {"min": limits[0] // _MILLISECOND, "max": limits[-1] // _MILLISECOND},
    }
    return {"date_histogram": histogram, "aggs": _TONE}


def _summary(answer: Mapping[str, Any], count: int) -> Summary:
    return Summary(
        article_count=count,
        sources=tuple(_counts(answer["sources"], lambda value: value)),
        source_count=round(answer["source_count"]["value"] or 0),
        entities=tuple(_counts(answer["entities"], lambda value: value.partition(":")[2])),
        sentiment=_rounded(answer["tone"]["value"]),
    )


def _rounded(mean: float | None) -> float | None:
    """Return a mean without the digits that sums of binary fractions add."""
    return None if mean is None else round(mean, 4)


def _counts(terms: Mapping[str, Any], label_of: Callable[[str], str]) -> list[FacetCount]:
    buckets = sorted(terms["buckets"], key=lambda bucket: (-bucket["doc_count"], bucket["key"]))
    return [
        FacetCount(bucket["key"], int(bucket["doc_count"]), label_of(bucket["key"])) for bucket in buckets
    ]
