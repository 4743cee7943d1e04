"""What a shown match stands for: the others of its cluster that match too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.index.engine.analysis import LONGEST_KEYWORD_CHARS
from services.index.engine.hits import cards_of
from services.index.engine.results import DUPLICATE_FIELDS, SHOWN_DUPLICATES, Duplicates, Hit
from services.index.engine.rows import Row, View

# To read a document takes some 50 µs: of a page of a hundred hits, each tells of fewer.
_MOST_CARDS = 60
# More outlets than these in one cluster are not counted.
_MOST_SOURCES = 200


def duplicates_of(view: View, rows: Sequence[Row], hits: Sequence[Hit]) -> dict[int, Duplicates]:
    """Return what the hits of the rows, one of each cluster, stand for: by cluster, if for anything."""
    clusters = view.shared_clusters([row.cluster for row in rows])
    if not clusters:
        return {}
    shown = max(1, min(SHOWN_DUPLICATES, _MOST_CARDS // len(clusters)))
    size = len(clusters)
    buckets = view.buckets(
        view.compiler.in_clusters(view.base, clusters),
        {"field": "cluster", "size": size, "segment_size": size},
        {
            "sources": {"terms": {"field": "source", "size": _MOST_SOURCES, "segment_size": _MOST_SOURCES}},
            "newest": {
                "top_hits": {
                    "size": shown + 1,  # the hit itself may be among them
                    "sort": [{"sort_key": "desc"}],
                    "docvalue_fields": ["id_high", "id_low"],
                }
            },
        },
    )
    several = {
        row.cluster: (hit, bucket)
        for row, hit in zip(rows, hits, strict=True)
        if (bucket := buckets.get(row.cluster)) is not None and bucket["doc_count"] > 1
    }
    others = {
        cluster: [one for one in _ids(bucket) if one != hit.id][:shown]
        for cluster, (hit, bucket) in several.items()
    }
    cards = cards_of(view.searcher, view.compiler, [one for ids in others.values() for one in ids])
    return {
        cluster: Duplicates(
            count=int(bucket["doc_count"]) - 1,
            sources=len({one["key"] for one in bucket["sources"]["buckets"]} - {_source(hit)}),
            articles=tuple(_shortened(cards[one]) for one in others[cluster] if one in cards),
        )
        for cluster, (hit, bucket) in several.items()
    }


def _ids(bucket: Mapping[str, Any]) -> list[str]:
    columns = [one["docvalue_fields"] for one in bucket["newest"]["hits"]]
    return [f"{column['id_high'][0]:016x}{column['id_low'][0]:016x}" for column in columns]


def _source(hit: Hit) -> str:
    return str(hit.card.get("source", ""))[:LONGEST_KEYWORD_CHARS]


def _shortened(card: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: card[name] for name in DUPLICATE_FIELDS if name in card}
