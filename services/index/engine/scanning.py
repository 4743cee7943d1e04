"""Reads all articles that a search finds, however many, in the order of one moment.

The snapshot of the first batch is kept, so that what is written meanwhile neither moves nor repeats anything.
Two things go beyond it: what is taken down meanwhile is left out, and when the index is exchanged for another
(after a reindex, or to erase an article), the reading goes on in that one, below the last key it had, so
that files which are to vanish are not held.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from tantivy import DocAddress, Searcher
from tantivy import Query as TantivyQuery

from services.index.engine.compiling import Compiler
from services.index.engine.hits import stored
from services.index.engine.protocol import ScanPage, StoredArticle
from services.index.engine.rows import ids_at
from services.index.engine.writing import RevisionedIndex, Snapshot
from services.index.query.nodes import Field, In, Node

# Addresses of documents are looked up in lots, some 100 bytes each, and read as they are asked for.
LOT = 10_000
# One article may have 2 MB, so batches are measured in bytes.
BATCH_BYTES = 256 * 1024
Row = tuple[int, DocAddress]


@dataclass(frozen=True, slots=True)
class ScanPlace:
    """How far a scan is: `rows` are looked up and not yet read, `last_key` is of the last one read."""

    index: RevisionedIndex
    snapshot: Snapshot
    rows: tuple[Row, ...]
    last_key: int | None


def scan(index: RevisionedIndex, compiler: Compiler, node: Node, place: object | None) -> ScanPage:
    """Return the next batch of a scan, or the first. A page without `next` is the last."""
    if not isinstance(place, ScanPlace) or place.index is not index:
        last_key = place.last_key if isinstance(place, ScanPlace) else None
        place = ScanPlace(index, index.snapshot, (), last_key)
    searcher = place.snapshot.searcher
    rows = place.rows or _lot(searcher, compiler, node, place.last_key)
    if not rows:
        return ScanPage(())
    count, articles = _read(searcher, rows)
    if index.snapshot.seq != place.snapshot.seq:
        found = present(index.searcher, compiler, [article.id for article in articles])
        articles = [article for article in articles if article.id in found]
    following = ScanPlace(index, place.snapshot, rows[count:], rows[count - 1][0])
    return ScanPage(tuple(articles), following)


def present(searcher: Searcher, compiler: Compiler, article_ids: Collection[str]) -> set[str]:
    """Return which of the articles can be found, from columns alone."""
    if not article_ids:
        return set()
    query = compiler.compile(In(Field.ID, tuple(article_ids)))
    addresses = [address for _, address in searcher.search(query, limit=len(article_ids), count=False).hits]
    return set(ids_at(searcher, addresses))


def _lot(searcher: Searcher, compiler: Compiler, node: Node, last_key: int | None) -> tuple[Row, ...]:
    query: TantivyQuery = compiler.compile(node)
    if last_key is not None:
        query = compiler.below(query, last_key)
    rows = searcher.search(query, limit=LOT + 1, count=False, order_by_field="sort_key").hits
    if len(rows) > LOT:
        # The next lot begins below the last key of this one, which two articles share once in 4 billion.
        rows = [row for row in rows[:LOT] if row[0] != rows[LOT][0]] or rows
    return tuple(rows)


def _read(searcher: Searcher, rows: tuple[Row, ...]) -> tuple[int, list[StoredArticle]]:
    """Return how many rows were read, none that share a key apart, and their articles."""
    found: list[tuple[str, bytes]] = []
    size = 0
    for key, address in rows:
        if size >= BATCH_BYTES and key != rows[len(found) - 1][0]:
            break
        document = searcher.doc(address)
        content = stored(document, "json")
        found.append((str(document.get_first("id")), content))
        size += len(content)
    seqs = searcher.fast_field_values("seq", [address for _, address in rows[: len(found)]])
    articles = [
        StoredArticle(article_id, content, int(seq or 0))
        for (article_id, content), seq in zip(found, seqs, strict=True)
    ]
    return len(found), articles
