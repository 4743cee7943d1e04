"""Facet counts by Tantivy's aggregation over the fast columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.index.engine.documents import FACET_SEPARATOR
from services.index.engine.protocol import FacetCount, FacetName

_COLUMNS: dict[FacetName, str] = {
    "entities": "entity",
    "sources": "source",
    "languages": "language",
    "topics": "topic",
    "sentiment": "sentiment",
    "stories": "story",
}
# Each segment hands over its top values only. A count is short when a value is that far down in a segment and
# yet among the first of all; 2,000 instead made the entities of 100k articles cost 11 ms instead of 7.
_VALUES_PER_SEGMENT = 200


def facet_request(facets: Sequence[FacetName], size: int) -> dict[str, Any]:
    return {
        name: {"terms": {"field": _COLUMNS[name], "size": size, "segment_size": _VALUES_PER_SEGMENT}}
        for name in facets
    }


def facet_counts(facets: Sequence[FacetName], answer: dict[str, Any]) -> dict[str, tuple[FacetCount, ...]]:
    """Return the counts, largest first and then by value."""
    counts: dict[str, tuple[FacetCount, ...]] = {}
    for name in facets:
        buckets = sorted(answer[name]["buckets"], key=lambda bucket: (-bucket["doc_count"], bucket["key"]))
        counts[name] = tuple(_count(name, bucket["key"], int(bucket["doc_count"])) for bucket in buckets)
    return counts


def _count(name: FacetName, value: str, count: int) -> FacetCount:
    if name == "topics":
        code, _, label = value.partition(FACET_SEPARATOR)
        return FacetCount(code, count, label or code)
    if name == "entities":
        return FacetCount(value, count, value.partition(":")[2])
    return FacetCount(value, count, value)
