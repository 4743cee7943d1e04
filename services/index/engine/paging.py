"""Which rows a page of results has, for both orders, with near-duplicates collapsed or not.

A match is shown if no match of its cluster comes before it in the order of the search. For that to hold over
all pages, they are made of one snapshot, the first page's, as long as it is kept (see `engine.snapshots`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from services.index.engine.cursors import MAX_OFFSET
from services.index.engine.recency import CANDIDATES, fresh_first
from services.index.engine.rows import Row, View, place_of, whole_keys

# How often, and how much further, a page is filled up after rows that are not shown. The last round reads
# some thousand rows; should that not do, the page is short and its cursor goes on from there.
_ROUNDS = 6
_WIDER = 4
_MOST_ROWS = 2 * MAX_OFFSET
# So many rows are read for a page at first: to read them costs less than to search once more.
_AT_FIRST = 3
# Asking the index for each cluster pays off while there are few of them.
_FEW_CLUSTERS = 200


class PageRows(NamedTuple):
    """`following` is where the next page begins, a sort key or an offset; None after the last one."""

    rows: list[Row]
    following: int | None
    total: int | None = None


def newest_page(view: View, size: int, start: int | None, *, count: bool) -> PageRows:
    """Return the matches below the sort key `start`, newest first."""
    total = None
    if start is not None:
        rows = view.newest(view.compiler.below(view.base, start), size + 1)
    elif count:
        rows, total = view.newest_and_count(size + 1)
    else:
        rows = view.newest(view.base, size + 1)
    page = whole_keys(rows, size)
    return PageRows(page, int(page[-1].value) if len(rows) > size else None, total)


def collapsed_newest_page(view: View, size: int, start: int | None, *, count: bool) -> PageRows:
    """Return the matches below the sort key `start` that are the newest of their clusters."""
    shown: list[Row] = []
    seen: set[int] = set()
    repeated: set[int] = set()
    below, limit, total = start, _AT_FIRST * size + 10, None
    for step in range(_ROUNDS):
        if step == 0 and start is None and count:
            found, total = view.newest_and_count(limit + 1)
        else:
            query = view.base if below is None else view.compiler.below(view.base, below)
            found = view.newest(view.compiler.without_clusters(query, repeated), limit + 1)
        rows = whole_keys(found, limit)
        if start is not None:
            above = _clusters_above(view, {row.cluster for row in rows} - seen, start)
            seen |= above
            repeated |= above
        _collapse(rows, shown, seen, repeated)
        if len(shown) > size:
            page = whole_keys(shown[: size + 1], size)
            return PageRows(page, int(page[-1].value), total)
        if len(found) <= limit:
            return PageRows(shown, None, total)
        below, limit = int(rows[-1].value), limit * _WIDER
    return PageRows(shown, below, total)


def _clusters_above(view: View, clusters: set[int], start: int) -> set[int]:
    """Return those of the clusters that have a match before the page: of them nothing more is shown."""
    asked = view.shared_clusters(clusters) if len(clusters) <= _FEW_CLUSTERS else list(clusters)
    if not asked:
        return set()
    query = view.compiler.from_key(view.compiler.in_clusters(view.base, asked), start)
    return set(view.buckets(query, {"field": "cluster", "size": len(asked), "segment_size": len(asked)}))


def _collapse(rows: Iterable[Row], shown: list[Row], seen: set[int], repeated: set[int]) -> None:
    """Add to `shown` what is the first of its cluster, and note the clusters that have more."""
    for row in rows:
        if row.cluster in seen:
            repeated.add(row.cluster)
        else:
            seen.add(row.cluster)
            shown.append(row)


def ranked_page(
    view: View, size: int, offset: int, *, collapse: bool, as_of: datetime | None, count: bool
) -> PageRows:
    """Return the matches from `offset` on, the best first."""
    wanted = min(offset + size, MAX_OFFSET + size) + 1
    # Where all are shown in the order of their scores, no more are read than wanted.
    at_least = CANDIDATES if collapse else wanted
    limit = CANDIDATES if as_of is not None else max(at_least, wanted)
    total = None
    if count:
        best, total = view.ranked_and_count(limit)
    else:
        best = view.ranked(view.base, limit)
    first = best
    if as_of is not None:
        first = fresh_first(view, best, as_of, best_are_all=len(best) < limit)
    rows = _collapsed(view, first, wanted) if collapse else _followed(view, first, wanted)
    page = rows[offset : offset + size]
    reached = offset + len(page)
    more = len(rows) > reached and reached <= MAX_OFFSET
    return PageRows(page, reached if more else None, total)


def _followed(view: View, first: list[Row], wanted: int) -> list[Row]:
    """Return `first` and then the rest of the matches in the order of their scores."""
    if len(first) >= wanted:
        return first
    known = {place_of(row) for row in first}
    # Nearly all of the first are among these too, so there are enough of others.
    best = view.ranked(view.base, wanted + len(first))
    return [*first, *(row for row in best if place_of(row) not in known)]


def _collapsed(view: View, first: list[Row], wanted: int) -> list[Row]:
    """Return of the same order what is the first of its cluster."""
    shown: list[Row] = []
    seen: set[int] = set()
    repeated: set[int] = set()
    _collapse(first, shown, seen, repeated)
    limit = wanted
    for _ in range(_ROUNDS):
        if len(shown) >= wanted:
            break
        query = view.compiler.without_clusters(view.base, repeated)
        # What was seen once comes again and is passed over: to exclude so many clusters would cost more.
        limit += len(seen)
        found = view.ranked(query, limit)
        known = {place_of(row) for row in shown}
        _collapse((row for row in found if place_of(row) not in known), shown, seen, repeated)
        if len(found) < limit:
            break
        limit = min(limit * _WIDER, _MOST_ROWS)
    return shown
