"""How many texts name each entity: articles by their column of entities, less what near-duplicates repeat."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tantivy import Query as TantivyQuery
from tantivy import Searcher

from services.index.engine.aggregations import EntityCounts
from services.index.engine.compiling import Compiler
from services.index.query.nodes import Node

MAX_COUNTED_ENTITIES = 5_000
"""The most frequent entities that one answer counts."""
# Near-duplicates beyond the largest groups of them are counted as often as they are: 5,000 groups are what
# 100,000 articles of wire copy hold.
_MAX_GROUPS = 5_000


def count_entities(
    searcher: Searcher, compiler: Compiler, node: Node, at_least: int, among: tuple[str, ...] | None
) -> EntityCounts:
    """See `aggregations.Aggregations.entity_counts`."""
    query = compiler.compile(node)
    answer = searcher.aggregate(query, _entities_request(at_least, among))
    texts = int(answer["articles"]["value"] or 0)
    counts = {bucket["key"]: int(bucket["doc_count"]) for bucket in answer["entities"]["buckets"]}
    copied = {int(group["key"]): int(group["doc_count"]) for group in answer["copied"]["buckets"]}
    texts -= sum(copied.values()) - len(copied)
    if copied and counts:
        copies = compiler.in_clusters(query, list(copied))
        for name, surplus in _copies_by_entity(searcher, copies, len(copied), counts).items():
            counts[name] -= surplus
    return EntityCounts(texts, {name: count for name, count in counts.items() if count >= at_least})


def _entities_request(at_least: int, among: tuple[str, ...] | None) -> dict[str, Any]:
    entities: dict[str, Any] = {
        "field": "entity",
        "size": MAX_COUNTED_ENTITIES,
        "segment_size": MAX_COUNTED_ENTITIES,
    }
    # An empty list of names would mean all of them.
    entities |= {"min_doc_count": at_least} if among is None else {"include": list(among) or [""]}
    copied = {
        "field": "cluster",
        "size": _MAX_GROUPS,
        # The copies of a text may lie in as many segments, one in each.
        "segment_size": 1_000_000,
        "min_doc_count": 2,
    }
    return {
        "entities": {"terms": entities},
        "articles": {"value_count": {"field": "sort_key"}},
        "copied": {"terms": copied},
    }


def _copies_by_entity(
    searcher: Searcher, copies: TantivyQuery, clusters: int, names: Collection[str]
) -> dict[str, int]:
    """Return how many articles that name an entity repeat another one of their cluster that names it."""
    entities = {"field": "entity", "size": MAX_COUNTED_ENTITIES, "min_doc_count": 2}
    request = {"terms": {"field": "cluster", "size": clusters}, "aggs": {"entities": {"terms": entities}}}
    surplus: dict[str, int] = {}
    for group in searcher.aggregate(copies, {"copied": request})["copied"]["buckets"]:
        for bucket in group["entities"]["buckets"]:
            name = bucket["key"]
            if name in names:
                surplus[name] = surplus.get(name, 0) + int(bucket["doc_count"]) - 1
    return surplus
