"""Articles in the order in which they became searchable: what the live wire is made of and resumes from.

All articles of one commit may share an instant; among them the order is that of their ids, which no merge and
no reindex changes. An article that is indexed again (a new revision) arrives again, at its new place.
"""

from __future__ import annotations

from tantivy import DocAddress, Order, Schema, Searcher
from tantivy import Query as TantivyQuery

from services.index.engine.compiling import LARGEST_INTEGER, Compiler
from services.index.engine.protocol import LAST_PREFIX, ArrivalKey
from services.index.engine.rows import count_of, ids_at
from services.index.engine.schema import REMOVED, WITHHELD

_COLUMN = "indexed_us"
Row = tuple[ArrivalKey, DocAddress]


def arrived_after(
    searcher: Searcher, compiler: Compiler, base: TantivyQuery, after: ArrivalKey | None, limit: int
) -> list[Row]:
    """Return the first `limit` documents of `base` that stand behind `after`, in their order."""
    rows: list[Row] = []
    lower_us = 0
    if after is not None:
        lower_us = after.indexed_us + 1
        if after.id_prefix != LAST_PREFIX:
            same = _of_one_instant(searcher, compiler, base, after.indexed_us)
            rows = [row for row in same if row[0] > after]
    if len(rows) < limit:
        rows += _from(searcher, compiler, base, lower_us, limit - len(rows))
    return rows[:limit]


def latest_arrival(searcher: Searcher, articles: TantivyQuery) -> ArrivalKey | None:
    """Return the place of what became searchable last."""
    newest = searcher.search(articles, limit=1, count=False, order_by_field=_COLUMN).hits
    return ArrivalKey(int(newest[0][0]), LAST_PREFIX) if newest else None


def latest_retractions(searcher: Searcher, schema: Schema, limit: int) -> list[tuple[str, int]]:
    """Return ids of tombstones, the latest last, and when their takedowns were received (microseconds)."""
    tombstones = TantivyQuery.term_set_query(schema, "kind", [WITHHELD, REMOVED])
    found = searcher.search(tombstones, limit=limit, count=False, order_by_field="received_us").hits
    ids = ids_at(searcher, [address for _, address in found])
    return [(each, int(at)) for each, (at, _) in zip(ids, found, strict=True)][::-1]


def _from(searcher: Searcher, compiler: Compiler, base: TantivyQuery, lower_us: int, limit: int) -> list[Row]:
    """Return at least the first `limit` documents from the instant `lower_us` on, the last instant's all."""
    query = compiler.indexed_between(base, lower_us, LARGEST_INTEGER)
    found = searcher.search(query, limit=limit, count=False, order_by_field=_COLUMN, order=Order.Asc).hits
    if not found:
        return []
    if len(found) < limit:  # all there are, which is the usual case of a live stream: one search is enough
        return _sorted(searcher, [address for _, address in found])
    last_us = int(found[-1][0])
    rows = _sorted(searcher, [address for value, address in found if value != last_us])
    return rows + _of_one_instant(searcher, compiler, base, last_us)


def _of_one_instant(searcher: Searcher, compiler: Compiler, base: TantivyQuery, at_us: int) -> list[Row]:
    query = compiler.indexed_between(base, at_us, at_us)
    count = count_of(searcher.search(query, limit=1, count=True))
    if count == 0:
        return []
    found = searcher.search(query, limit=count, count=False).hits
    return _sorted(searcher, [address for _, address in found])


def _sorted(searcher: Searcher, addresses: list[DocAddress]) -> list[Row]:
    if not addresses:
        return []
    instants, ids = (searcher.fast_field_values(name, addresses) for name in (_COLUMN, "id_high"))
    rows = [
        (ArrivalKey(int(at or 0), f"{int(high or 0):016x}"), address)
        for at, high, address in zip(instants, ids, addresses, strict=True)
    ]
    return sorted(rows, key=lambda row: row[0])
