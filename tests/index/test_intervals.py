"""Intervals of time: where they begin, how many there are, and which of them suits a span."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.index.engine.aggregations import MAX_EDGES
from services.index.intervals import (
    FIRST_INSTANT,
    INTERVALS,
    LAST_INSTANT,
    MAX_BUCKETS,
    Interval,
    TooManyBuckets,
    begin_of,
    edges_of,
    end_of,
    suitable_interval,
)

NOON = datetime(2026, 11, 25, 12, 34, 56, tzinfo=UTC)
LAST = datetime(9999, 12, 31, tzinfo=UTC)
instants = st.timedeltas(timedelta(0), LAST - datetime.min.replace(tzinfo=UTC)).map(lambda age: LAST - age)


@pytest.mark.parametrize(
    ("interval", "begin"),
    [
        ("hour", datetime(2026, 11, 25, 12, tzinfo=UTC)),
        ("day", datetime(2026, 11, 25, tzinfo=UTC)),
        ("week", datetime(2026, 11, 23, tzinfo=UTC)),
        ("month", datetime(2026, 11, 1, tzinfo=UTC)),
        ("year", datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_interval_begins_where_people_expect_it(interval: Interval, begin: datetime) -> None:
    assert begin_of(interval, NOON) == begin


@given(st.sampled_from(INTERVALS), instants, st.timedeltas(timedelta(0), timedelta(days=400_000)))
def test_edges_are_contiguous_and_hold_the_whole_span(
    interval: Interval, first: datetime, length: timedelta
) -> None:
    last = first + min(length, LAST - first)
    try:
        edges = edges_of(interval, first, last)
    except TooManyBuckets as error:
        assert "choose interval=" in str(error)
        return
    assert 2 <= len(edges) <= MAX_EDGES
    assert all(end_of(interval, start) == end for start, end in pairwise(edges))
    shown_first, shown_last = (min(max(at, FIRST_INSTANT), LAST_INSTANT) for at in (first, last))
    assert edges[0] <= shown_first < edges[1]
    assert edges[-2] <= shown_last < edges[-1]


@given(instants, instants)
def test_the_suitable_interval_never_has_too_many_buckets(one: datetime, other: datetime) -> None:
    first, last = sorted((one, other))
    assert len(edges_of(suitable_interval(first, last), first, last)) <= MAX_BUCKETS


@pytest.mark.parametrize(
    ("days", "interval"),
    [(0, "hour"), (2, "hour"), (30, "day"), (60, "day"), (365, "week"), (1_500, "month")],
)
def test_a_chart_gets_about_as_many_buckets_as_it_can_show(days: int, interval: Interval) -> None:
    assert suitable_interval(NOON - timedelta(days=days), NOON) == interval


def test_too_many_buckets_are_refused_with_the_interval_that_fits() -> None:
    with pytest.raises(TooManyBuckets, match="choose interval=month"):
        edges_of("day", NOON - timedelta(days=9_000), NOON)
    with pytest.raises(TooManyBuckets, match="choose interval=year"):
        edges_of("hour", datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
