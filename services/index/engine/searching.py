"""A search over a snapshot: rows of the right page, then documents, counts and facets for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from services.index.engine.answers import AnswerCache
from services.index.engine.collapsing import duplicates_of
from services.index.engine.compiling import Compiler
from services.index.engine.cursors import AfterKey, AtOffset, Place, decode_cursor, encode_cursor
from services.index.engine.documents import seconds_of
from services.index.engine.facets import count_facets
from services.index.engine.hits import hit_at
from services.index.engine.marking import marker_for
from services.index.engine.paging import PageRows, collapsed_newest_page, newest_page, ranked_page
from services.index.engine.protocol import COUNT_CAP, Duplicates, FacetCount, Hit, Page, Query, filtered
from services.index.engine.rows import Row, View
from services.index.engine.scanning import present
from services.index.engine.snapshots import SnapshotCache
from services.index.engine.writing import Snapshot


class Search:
    """One search in the making. `current` is the latest snapshot, `kept` has those of earlier pages."""

    def __init__(
        self,
        query: Query,
        compiler: Compiler,
        current: Snapshot,
        kept: SnapshotCache,
        answers: AnswerCache,
    ) -> None:
        """Raises InvalidCursor."""
        self._query = query
        self._current = current
        self._kept = kept
        self._answers = answers
        self._place: Place | None = decode_cursor(query.cursor, query) if query.cursor else None
        last_seq = self._place.last_seq if self._place else 0
        self._snapshot = kept.get(last_seq, current) if last_seq else current
        self._seq = last_seq or current.seq
        base = compiler.compile(filtered(query))
        self._whole = View(self._snapshot.searcher, compiler, base)
        if self._seq != self._snapshot.seq:
            base = compiler.written_up_to(base, self._seq)
        self._view = View(self._snapshot.searcher, compiler, base)

    def page(self) -> Page:
        query = self._query
        rows = self._ranked() if query.ranks else self._newest()
        total = rows.total
        if total is None and query.count != "none":
            total = self._total()
        following = self._following(rows.following)
        return Page(
            hits=self._hits(rows.rows),
            total=min(total, COUNT_CAP) if total is not None and query.count == "capped" else total,
            exact=total is not None and (query.count == "exact" or total < COUNT_CAP),
            facets=self._facets(),
            next_cursor=encode_cursor(following, query) if following else None,
        )

    def _newest(self) -> PageRows:
        start = self._place.key if isinstance(self._place, AfterKey) else None
        of_page = collapsed_newest_page if self._query.collapse else newest_page
        return of_page(self._view, self._query.size, start, count=self._query.count != "none")

    def _ranked(self) -> PageRows:
        query = self._query
        # A total of what is bounded to the first page's writes would be another than the whole search's.
        count = query.count != "none" and self._view.base is self._whole.base
        return ranked_page(
            self._view,
            query.size,
            self._place.offset if isinstance(self._place, AtOffset) else 0,
            collapse=query.collapse,
            as_of=self._as_of(),
            count=count,
        )

    def _as_of(self) -> datetime | None:
        if self._query.as_of is not None and isinstance(self._place, AtOffset):
            return self._place.as_of
        return self._query.as_of

    def _following(self, place: int | None) -> Place | None:
        if place is None:
            return None
        query = self._query
        if not query.ranks and not query.collapse:
            return AfterKey(place)
        if self._seq == self._snapshot.seq:
            self._kept.keep(self._snapshot)
        if not query.ranks:
            return AfterKey(place, self._seq)
        as_of = self._as_of()
        return AtOffset(place, self._seq, seconds_of(as_of) if as_of else 0)

    def _facets(self) -> dict[str, tuple[FacetCount, ...]]:
        query = self._query
        if not query.facets:
            return {}
        searcher, compiler = self._snapshot.searcher, self._view.compiler
        return self._answers.get(
            ("facets", query.node, query.filters, query.facets, query.facet_size),
            self._snapshot.seq,
            lambda: count_facets(searcher, compiler, query),
        )

    def _total(self) -> int:
        """Return how many match in all; each page tells, and only the first has counted them."""
        return self._answers.get(
            # An exact total is of this state and no other, so the state is part of the question.
            ("total", self._snapshot.seq, self._query.node, self._query.filters),
            self._snapshot.seq,
            self._whole.count,
        )

    def _hits(self, rows: list[Row]) -> tuple[Hit, ...]:
        query, searcher = self._query, self._snapshot.searcher
        marker = marker_for(query.node) if query.highlight else None
        hits = [hit_at(searcher, row.address, row.value if query.ranks else None, marker) for row in rows]
        if query.collapse:
            groups = duplicates_of(self._view, rows, hits)
            hits = [
                replace(hit, duplicates=groups.get(row.cluster)) for hit, row in zip(hits, rows, strict=True)
            ]
        if self._snapshot.seq == self._current.seq:
            return tuple(hits)
        return self._still_there(hits)

    def _still_there(self, hits: list[Hit]) -> tuple[Hit, ...]:
        """Leave out what was taken down since the snapshot that the page is made of."""
        ids = {hit.id for hit in hits}
        ids |= {one["id"] for hit in hits if hit.duplicates for one in hit.duplicates.articles}
        there = present(self._current.searcher, self._view.compiler, ids)
        return tuple(
            replace(hit, duplicates=_without(hit.duplicates, there)) for hit in hits if hit.id in there
        )


def _without(duplicates: Duplicates | None, there: Collection[str]) -> Duplicates | None:
    if duplicates is None:
        return None
    kept = tuple(one for one in duplicates.articles if one["id"] in there)
    gone = len(duplicates.articles) - len(kept)
    if duplicates.count <= gone:
        return None
    return Duplicates(duplicates.count - gone, min(duplicates.sources, duplicates.count - gone), kept)
