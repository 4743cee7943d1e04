"""Hours, days, weeks, months and years in UTC: which of them suits a span, and where they begin. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from shared.errors import WireroomError

Interval = Literal["hour", "day", "week", "month", "year"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)

MAX_BUCKETS = 1_000
SUITABLE_BUCKETS = 45
"""What a chart shows well: 30 to 60. Where no interval gives so many, the nearest by ratio is taken."""
# An index holds no other dates: Tantivy's are 64-bit nanoseconds.
FIRST_INSTANT = datetime(1678, 1, 1, tzinfo=UTC)
LAST_INSTANT = datetime(2262, 1, 1, tzinfo=UTC)

_LENGTHS: dict[Interval, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30.4369),
    "year": timedelta(days=365.2425),
}


class TooManyBuckets(WireroomError):
    """A span has more than MAX_BUCKETS of an interval; the message says what to ask for instead."""


def begin_of(interval: Interval, at: datetime) -> datetime:
    """Return when the interval began that `at` lies in. A week begins on Monday (ISO 8601)."""
    at = within_dates(at).astimezone(UTC)
    if interval == "hour":
        return at.replace(minute=0, second=0, microsecond=0)
    day = at.replace(hour=0, minute=0, second=0, microsecond=0)
    if interval == "day":
        return day
    if interval == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if interval == "month" else day.replace(month=1, day=1)


def end_of(interval: Interval, start: datetime) -> datetime:
    """Return when the interval that begins at `start` ends, which is when the next begins."""
    if interval == "month":
        return (start + timedelta(days=31)).replace(day=1)
    if interval == "year":
        return start.replace(year=start.year + 1)
    return start + _LENGTHS[interval]


def edges_of(interval: Interval, first: datetime, last: datetime) -> tuple[datetime, ...]:
    """Return the begins of all intervals from that of `first` to that of `last`, and the end of the last one.

    Raises TooManyBuckets.
    """
    count = _about(interval, first, last)
    if count > MAX_BUCKETS:
        raise TooManyBuckets(_advice(interval, first, last, count))
    return tuple(_edges(interval, begin_of(interval, first), within_dates(last)))


def _edges(interval: Interval, edge: datetime, last: datetime) -> Iterator[datetime]:
    while edge <= last:
        yield edge
        edge = end_of(interval, edge)
    yield edge


def suitable_interval(first: datetime, last: datetime) -> Interval:
    """Return the interval of which the span has a number nearest to SUITABLE_BUCKETS."""
    return min(INTERVALS, key=lambda name: abs(math.log(_about(name, first, last) / SUITABLE_BUCKETS)))


def _about(interval: Interval, first: datetime, last: datetime) -> int:
    """Return how many intervals a span touches, to within one for months and years."""
    span = within_dates(last) - begin_of(interval, first)
    return max(1, math.floor(span / _LENGTHS[interval]) + 1)


def _advice(interval: Interval, first: datetime, last: datetime, count: int) -> str:
    wider = next(name for name in INTERVALS if _about(name, first, last) <= MAX_BUCKETS)
    return (
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d} has {count:,} intervals of one {interval}, more than "
        f"{MAX_BUCKETS:,}: choose interval={wider}, or narrow the time with from and to"
    )


def within_dates(at: datetime) -> datetime:
    """Return the instant, or the nearest one that an index holds."""
    return min(max(at, FIRST_INSTANT), LAST_INSTANT)
