"""What a search is asked of: one snapshot, one compiled query, and rows of columns instead of documents."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from tantivy import DocAddress, Searcher, SearchResult
from tantivy import Query as TantivyQuery

from services.index.engine.compiling import Compiler

SORT_KEY = "sort_key"


class Row(NamedTuple):
    """A match. `value` is what it is sorted by, the greatest first: a score, or its sort key."""

    value: float
    address: DocAddress
    cluster: int


@dataclass(frozen=True, slots=True)
class View:
    """All that matches `base` in a snapshot."""

    searcher: Searcher
    compiler: Compiler
    base: TantivyQuery

    def newest(self, query: TantivyQuery, limit: int) -> list[Row]:
        """Return the first matches of `query`, which is made of `base`, by their sort keys."""
        hits = self.searcher.search(query, limit=limit, count=False, order_by_field=SORT_KEY).hits
        return self._rows(hits)

    def newest_and_count(self, limit: int) -> tuple[list[Row], int]:
        result = self.searcher.search(self.base, limit=limit, count=True, order_by_field=SORT_KEY)
        return self._rows(result.hits), count_of(result)

    def ranked(self, query: TantivyQuery, limit: int) -> list[Row]:
        """Return the first matches of `query`, which is made of `base`, by their scores."""
        return self._rows(self.searcher.search(query, limit=limit, count=False).hits)

    def ranked_and_count(self, limit: int) -> tuple[list[Row], int]:
        result = self.searcher.search(self.base, limit=limit, count=True)
        return self._rows(result.hits), count_of(result)

    def count(self) -> int:
        """Return how many match. An aggregation takes half the time of a search, which scores them too."""
        answer = self.searcher.aggregate(self.base, {"count": {"value_count": {"field": SORT_KEY}}})
        return int(answer["count"]["value"])

    def buckets(
        self, query: TantivyQuery, terms: dict[str, Any], within: dict[str, Any] | None = None
    ) -> dict[int, dict[str, Any]]:
        """Return the buckets of a terms aggregation over a column of numbers, by their keys.

        `within` aggregates over each bucket.
        """
        request = {"terms": terms} | ({"aggs": within} if within else {})
        answer = self.searcher.aggregate(query, {"buckets": request})
        return {int(bucket["key"]): bucket for bucket in answer["buckets"]["buckets"]}

    def _rows(self, hits: list[tuple[float, DocAddress]]) -> list[Row]:
        if not hits:
            return []
        values, addresses = zip(*hits, strict=True)
        clusters = self.searcher.fast_field_values("cluster", list(addresses))
        return [*map(Row, values, addresses, clusters)]  # type: ignore[arg-type] # each article has one

    def shared_clusters(self, clusters: Collection[int]) -> list[int]:
        """Return those that may have more than one article, from the index's own lists: it costs nothing."""
        return [one for one in clusters if self.searcher.doc_freq("cluster", one) > 1]


def place_of(row: Row) -> tuple[int, int]:
    """Return what tells a row from all others of its snapshot."""
    return row.address.segment_ord, row.address.doc


def ids_at(searcher: Searcher, addresses: list[DocAddress]) -> list[str]:
    """Return the articles' ids from columns alone, in the order of the addresses."""
    if not addresses:
        return []
    high, low = (searcher.fast_field_values(name, addresses) for name in ("id_high", "id_low"))
    return [f"{int(first or 0):016x}{int(last or 0):016x}" for first, last in zip(high, low, strict=True)]


def count_of(result: SearchResult) -> int:
    return int(result.count)  # type: ignore[attr-defined] # it has one, which its stub does not say


def whole_keys(rows: list[Row], size: int) -> list[Row]:
    """Return at most `size` rows such that the next page can begin below the last one's sort key.

    `rows` holds one more, if there is one. Two articles of one second share a key once in 4 billion; such
    twins stay together, on this page or the next, since a cursor between them would lose one.
    """
    if len(rows) <= size:
        return rows
    kept = [row for row in rows[:size] if row.value != rows[size].value]
    return kept or rows
