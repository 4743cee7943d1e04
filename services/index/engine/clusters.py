"""Which near-duplicates belong together, as a number that search results are collapsed by.

Enrichment links a near-duplicate to what came before it. An article takes the cluster of the one it is most
like, so that a chain of copies has one number; an article that is like no other is a cluster of its own. A
copy that is written before its original gets the number that the original will have.

What one outlet writes twice is no copy: the figures of a day in the words of yesterday's are news. So of two
articles of the same outlet neither stands for the other.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import NamedTuple

from tantivy import Query, Schema, Searcher

from services.index.engine.analysis import keyword
from services.index.engine.protocol import IndexableEvent
from services.index.engine.rows import ids_at
from shared.events import ArticleEnriched

_ID = re.compile(r"[0-9a-f]{32}")


class Placed(NamedTuple):
    """What is known of an article that is held. `outlet` is 0 when it names none."""

    cluster: int
    outlet: int


def own_cluster(article_id: str) -> int:
    """Return the cluster of an article that is like no earlier one: the low 64 bits of its id."""
    return int(article_id[16:], 16)


def outlet_of(event: IndexableEvent) -> int:
    """Return a number that stands for the outlet of an article; 0 when it names none."""
    source = event.article.source if isinstance(event, ArticleEnriched) else None
    return int.from_bytes(blake2b(keyword(source).encode(), digest_size=8).digest()) if source else 0


def originals_of(event: IndexableEvent) -> list[str]:
    """Return the ids of the articles that this one is a near-duplicate of, the most alike first."""
    if not isinstance(event, ArticleEnriched):
        return []
    copied = [link for link in event.article.related if link.kind == "duplicate"]
    ids = [link.id for link in sorted(copied, key=lambda link: -link.score)]
    return [one for one in ids if one is not None and _ID.fullmatch(one)]


def cluster_of(event: IndexableEvent, known: Mapping[str, Placed]) -> int:
    """Return the cluster of an article. `known` has what is held of the articles that it may be a copy of."""
    outlet = outlet_of(event)
    originals = originals_of(event)
    held = [known[original] for original in originals if original in known]
    # Those in which the same outlet has an article already.
    taken = {one.cluster for one in held if outlet and one.outlet == outlet}
    for original in originals:
        cluster = known[original].cluster if original in known else own_cluster(original)
        if cluster not in taken:
            return cluster
    return own_cluster(event.article_id)


def stored_clusters(searcher: Searcher, schema: Schema, article_ids: Collection[str]) -> dict[str, Placed]:
    """Return what is known of each of the articles that the searcher's index holds, from columns alone."""
    if not article_ids:
        return {}
    query = Query.term_set_query(schema, "id", sorted(article_ids))
    addresses = [address for _, address in searcher.search(query, limit=len(article_ids), count=False).hits]
    if not addresses:
        return {}
    clusters, outlets = (searcher.fast_field_values(name, addresses) for name in ("cluster", "outlet"))
    return {
        article_id: Placed(int(cluster), int(outlet or 0))
        for article_id, cluster, outlet in zip(ids_at(searcher, addresses), clusters, outlets, strict=True)
        if cluster is not None  # a tombstone has none
    }
