"""Which near-duplicates belong together, as a number that search results are collapsed by.

Enrichment links a near-duplicate to what came before it. An article takes the cluster of the one it is most
like, so that a chain of copies has one number; an article that is like no other is a cluster of its own. A
copy that is written before its original gets the number that the original will have.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from tantivy import Query, Schema, Searcher

from services.index.engine.protocol import IndexableEvent
from services.index.engine.rows import ids_at
from shared.events import ArticleEnriched

_ID = re.compile(r"[0-9a-f]{32}")


def own_cluster(article_id: str) -> int:
    """Return the cluster of an article that is like no earlier one: the low 64 bits of its id."""
    return int(article_id[16:], 16)


def original_of(event: IndexableEvent) -> str | None:
    """Return the id of the article that this one is most like, if it is a near-duplicate."""
    if not isinstance(event, ArticleEnriched):
        return None
    copied = [link for link in event.article.related if link.kind == "duplicate"]
    ids = [link.id for link in sorted(copied, key=lambda link: -link.score) if _is_id(link.id)]
    return ids[0] if ids else None


def _is_id(text: str | None) -> bool:
    return text is not None and _ID.fullmatch(text) is not None


def cluster_of(event: IndexableEvent, known: Mapping[str, int]) -> int:
    """Return the cluster of an article. `known` has those of the articles that it may be a copy of."""
    original = original_of(event)
    if original is None:
        return own_cluster(event.article_id)
    return known.get(original, own_cluster(original))


def stored_clusters(searcher: Searcher, schema: Schema, article_ids: Collection[str]) -> dict[str, int]:
    """Return the cluster of each of the articles that the searcher's index holds, from columns alone."""
    if not article_ids:
        return {}
    query = Query.term_set_query(schema, "id", sorted(article_ids))
    addresses = [address for _, address in searcher.search(query, limit=len(article_ids), count=False).hits]
    if not addresses:
        return {}
    clusters = searcher.fast_field_values("cluster", addresses)
    return {
        article_id: int(cluster)
        for article_id, cluster in zip(ids_at(searcher, addresses), clusters, strict=True)
        if cluster is not None  # a tombstone has none
    }
