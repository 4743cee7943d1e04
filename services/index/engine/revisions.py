"""Which of two events about one article is kept, as numbers that fit index columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from tantivy import DocAddress, Query, Schema, Searcher

from services.index.engine.protocol import IndexableEvent
from shared.events import ArticleEnriched, Precedence
from shared.instants import microseconds_of

_LARGEST = 2**63 - 1


class Rank(NamedTuple):
    """`shared.events.Precedence` in integers, then the time of enrichment: the greater wins.

    An article that was enriched again (a new model, a replay) has equal precedence and replaces itself;
    the same event twice has equal rank and changes nothing.
    """

    epoch: int
    final: bool
    revision: int
    updated_us: int
    received_us: int
    enriched_us: int


def rank_of(event: IndexableEvent) -> Rank:
    """Raises OverflowError when a number does not fit a column."""
    return rank_from(
        event.precedence, event.article.enriched_at if isinstance(event, ArticleEnriched) else None
    )


def rank_from(precedence: Precedence, enriched_at: datetime | None) -> Rank:
    """Raises OverflowError when a number does not fit a column."""
    if max(precedence.epoch, precedence.revision) > _LARGEST:
        raise OverflowError("epoch or revision is above 2^63 - 1")
    return Rank(
        precedence.epoch,
        precedence.final,
        precedence.revision,
        microseconds_of(precedence.updated_at),
        microseconds_of(precedence.received_at),
        microseconds_of(enriched_at) if enriched_at else 0,
    )


def stored_ranks(searcher: Searcher, schema: Schema, article_ids: Sequence[str]) -> dict[str, Rank]:
    """Return the rank of each of the articles that the searcher's index holds, from columns alone."""
    if not article_ids:
        return {}
    query = Query.term_set_query(schema, "id", list(article_ids))
    hits = searcher.search(query, limit=len(article_ids), count=False).hits
    addresses: list[DocAddress] = [address for _, address in hits]
    if not addresses:
        return {}

    def column(name: str) -> list[int]:
        return [int(value or 0) for value in searcher.fast_field_values(name, addresses)]

    ids = [f"{high:016x}{low:016x}" for high, low in zip(column("id_high"), column("id_low"), strict=True)]
    columns = (
        column(name) for name in ("epoch", "final", "revision", "updated_us", "received_us", "enriched_us")
    )
    ranks = (
        Rank(epoch, bool(final), revision, updated_us, received_us, enriched_us)
        for epoch, final, revision, updated_us, received_us, enriched_us in zip(*columns, strict=True)
    )
    return dict(zip(ids, ranks, strict=True))
