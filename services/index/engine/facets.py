"""Facet counts by Tantivy's aggregation over the fast columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tantivy import Searcher

from services.index.engine.analysis import keyword
from services.index.engine.compiling import Compiler
from services.index.engine.documents import FACET_SEPARATOR, TOPIC_PARTS
from services.index.engine.protocol import FacetCount, FacetName, Filters, Query, filtered
from services.index.engine.rows import View
from services.index.query.nodes import Bool, Fuzzy, MatchAll, Node, Prefix

_COLUMNS: dict[FacetName, str] = {
    "entities": "entity",
    "persons": "person",
    "orgs": "org",
    "places": "place",
    "sources": "source",
    "languages": "language",
    "topics": "topic",
    "sentiment": "sentiment",
    "stories": "story",
}
# The filter that takes a facet's values. It does not narrow the facet itself: with one outlet chosen, one
# still sees what the others have.
FILTERS: dict[FacetName, str] = {
    "entities": "entity",
    "persons": "entity",
    "orgs": "entity",
    "places": "entity",
    "sources": "source",
    "languages": "language",
    "topics": "topic",
    "sentiment": "sentiment",
    "stories": "story",
}
_LABELLED = frozenset({"entities", "persons", "orgs", "places"})
# Each segment hands over its top values only, so a count may lack what a segment kept back. Some more values
# than are shown are therefore counted again: of 11,000 entities of 200,000 articles, a quarter of the counts
# were short although each segment handed over 200 values.
_POOL = 1.25
_POOL_PER_SEGMENT = 3
# To count each value apart is cheaper than to count all at once, as long as so few articles match.
_FEW_ARTICLES = 30_000
_CHOSEN_POOL = 200
_MATCHES = "matches"
_COUNT = {"value_count": {"field": "sort_key"}}

Counts = dict[str, tuple[FacetCount, ...]]
_Bucket = tuple[str, int]


def count_facets(searcher: Searcher, compiler: Compiler, query: Query) -> Counts:
    """Return the counts of the query's facets: the largest first, and then chosen values that are rarer.

    Each is of what matches under all filters but its own.
    """
    counts: Counts = {}
    size = query.facet_size
    for names, filters in _by_filters(query):
        counter = _Counter(searcher, compiler, replace(query, filters=filters))
        counts |= {name: _counts(name, found) for name, found in counter.top(names, size).items()}
        narrowed = [name for name in names if _chosen(query, name)]
        if narrowed:
            # With the filter, what is chosen comes among the first.
            own = _Counter(searcher, compiler, query).candidates(narrowed, _CHOSEN_POOL, _CHOSEN_POOL)
            for name in narrowed:
                counts[name] += _missing(name, counts[name], own[name][0], _chosen(query, name), counter)
    return {name: counts[name] for name in query.facets}


class _Counter:
    """Counts values of columns over what matches a query."""

    def __init__(self, searcher: Searcher, compiler: Compiler, query: Query) -> None:
        self._searcher = searcher
        self._compiler = compiler
        node = filtered(query)
        self._base = compiler.compile(node)
        self._is_whole = isinstance(node, MatchAll)
        self._is_cheap = _is_cheap(node)
        self._matches = 0

    def top(self, names: Sequence[FacetName], size: int) -> dict[FacetName, list[_Bucket]]:
        """Return the `size` most frequent values of each, with exact counts."""
        found = self.candidates(names, math.ceil(_POOL * size), _POOL_PER_SEGMENT * size)
        unsure = {name: [one for one, _ in values] for name, (values, exact) in found.items() if not exact}
        top = {name: values for name, (values, _) in found.items()} | self.exact(unsure)
        return {name: _sorted(values)[:size] for name, values in top.items()}

    def candidates(
        self, names: Sequence[FacetName], size: int, per_segment: int
    ) -> dict[FacetName, tuple[list[_Bucket], bool]]:
        """Return the first values of each, and whether their counts are certain."""
        terms: dict[str, Any] = {
            name: {"terms": {"field": _COLUMNS[name]} | _sized(size, per_segment)} for name in names
        }
        answer = self._searcher.aggregate(self._base, {_MATCHES: _COUNT, **terms})
        self._matches = int(answer[_MATCHES]["value"])
        return {
            name: (_buckets(answer[name]), not answer[name]["doc_count_error_upper_bound"]) for name in names
        }

    def exact(self, values: Mapping[FacetName, Sequence[str]]) -> dict[FacetName, list[_Bucket]]:
        """Return how many have each of the values, which are candidates."""
        if not any(values.values()):
            return {}
        if self._is_whole or (self._is_cheap and self._matches <= _FEW_ARTICLES):
            return {name: [(one, self._count(name, one)) for one in each] for name, each in values.items()}
        terms: dict[str, Any] = {
            name: {"terms": {"field": _COLUMNS[name], "include": [*each]} | _sized(len(each))}
            for name, each in values.items()
        }
        answer = self._searcher.aggregate(self._base, terms)
        return {name: _buckets(answer[name]) for name in values}

    def _count(self, name: FacetName, value: str) -> int:
        query = self._compiler.with_term(self._base, _COLUMNS[name], value)
        return View(self._searcher, self._compiler, query).count()


def _is_cheap(node: Node) -> bool:
    """Tell whether few of the matches are found without finding all of them."""
    if isinstance(node, Bool):
        return len(node.should) < 2 and all(map(_is_cheap, (*node.must, *node.should, *node.must_not)))
    return not isinstance(node, Prefix | Fuzzy)


def _sized(size: int, per_segment: int | None = None) -> dict[str, int]:
    return {"size": size, "segment_size": per_segment or size}


def _buckets(answer: Mapping[str, Any]) -> list[_Bucket]:
    return [(bucket["key"], int(bucket["doc_count"])) for bucket in answer["buckets"]]


def _sorted(values: Sequence[_Bucket]) -> list[_Bucket]:
    return sorted((one for one in values if one[1]), key=lambda one: (-one[1], one[0]))


def _by_filters(query: Query) -> list[tuple[tuple[FacetName, ...], Filters]]:
    """Return the facets together that can be counted together."""
    found: dict[Filters, list[FacetName]] = {}
    for name in query.facets:
        own: dict[str, Any] = {FILTERS[name]: ()}
        found.setdefault(replace(query.filters, **own), []).append(name)
    return [(tuple(names), filters) for filters, names in found.items()]


def _chosen(query: Query, name: FacetName) -> Sequence[str]:
    values: Sequence[str] = getattr(query.filters, FILTERS[name])
    return values


def _missing(
    name: FacetName,
    counts: Sequence[FacetCount],
    own: Sequence[_Bucket],
    chosen: Sequence[str],
    counter: _Counter,
) -> tuple[FacetCount, ...]:
    """Return the chosen values that are not among the counts."""
    wanted = {keyword(value) for value in chosen}
    there = {count.value for count in counts}
    missing = [
        value
        for value, count in own
        if (one := _count(name, value, count)).value not in there and not wanted.isdisjoint(_names(one))
    ]
    found = counter.exact({name: missing})
    return _counts(name, _sorted(found.get(name, [])))


def _counts(name: FacetName, values: Sequence[_Bucket]) -> tuple[FacetCount, ...]:
    return tuple(_count(name, value, count) for value, count in values)


def _count(name: FacetName, value: str, count: int) -> FacetCount:
    if name == "topics":
        code, _, label = value.partition(FACET_SEPARATOR)
        return FacetCount(code, count, label or code)
    if name in _LABELLED:
        return FacetCount(value, count, value.partition(":")[2])
    return FacetCount(value, count, value)


def _names(count: FacetCount) -> set[str]:
    """Return what a filter may call the value."""
    return {keyword(name) for name in (count.value, count.label, *TOPIC_PARTS.split(count.label))}
