"""How many articles match per interval of time, and their mean tone: which intervals, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.index.engine.aggregations import Aggregations, Bucket, Spread
from services.index.engine.protocol import Filters
from services.index.intervals import Interval, edges_of, suitable_interval
from services.index.query.nodes import Node, all_of

IntervalChoice = Literal["auto", "hour", "day", "week", "month", "year"]
# One article in a hundred may carry a date of long ago (1970 above all): such strays do not stretch a chart
# to twice its length, they are counted before it.
_STRAYS_PER_ARTICLE = 0.01


@dataclass(frozen=True, slots=True)
class Timeline:
    """Contiguous intervals of UTC, oldest first. `earlier` of the `total` were published before the first."""

    interval: Interval
    buckets: tuple[Bucket, ...]
    earlier: int
    total: int

    def document(self) -> dict[str, Any]:
        """Return it in the shape of the HTTP contract."""
        return {
            "interval": self.interval,
            "buckets": [
                {"start": bucket.start, "count": bucket.count, "sentiment": bucket.sentiment}
                for bucket in self.buckets
            ],
            "earlier": self.earlier,
            "total": self.total,
        }


def timeline_of(
    aggregations: Aggregations, node: Node, filters: Filters, interval: IntervalChoice = "auto"
) -> Timeline:
    """Return the timeline of what matches, over from…to of the filters where given, else over the matches.

    Raises TooManyBuckets, never for "auto".
    """
    condition = all_of(node, *filters.nodes())
    spread = aggregations.spread(condition)
    span = _span(spread, filters, cut=interval == "auto")
    chosen: Interval = interval if interval != "auto" else suitable_interval(*span) if span else "day"
    if span is None:
        return Timeline(chosen, (), 0, 0)
    found = aggregations.histogram(condition, edges_of(chosen, *span))
    # What is counted after the last interval came in after the span was looked at: the next answer has it.
    total = found.before + sum(bucket.count for bucket in found.buckets)
    return Timeline(chosen, found.buckets, found.before, total)


def _span(spread: Spread, filters: Filters, *, cut: bool) -> tuple[datetime, datetime] | None:
    """Return the first and the last instant to show; None when there is nothing to show."""
    oldest = (_first_but_strays(spread) if cut else None) or spread.first_at
    first = filters.from_at or oldest
    last = max(filter(None, (filters.to_at, spread.last_at)), default=None)
    return None if first is None or last is None or first > last else (first, last)


def _first_but_strays(spread: Spread) -> datetime | None:
    """Return where to begin to leave few articles of long ago out, if that halves the span at least."""
    strays = int(spread.total * _STRAYS_PER_ARTICLE)
    if spread.first_at is None or spread.last_at is None:
        return None
    for start, count in spread.months:
        strays -= count
        if strays < 0:
            halves = spread.last_at - start < (spread.last_at - spread.first_at) / 2
            return start if halves else None
    return None
