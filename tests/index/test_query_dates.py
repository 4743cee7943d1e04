"""Dates in a query: the span each names, and that nothing else has one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.index.query.dates import Span, is_relative, parse_span
from services.index.query.nodes import Field, Range
from services.index.query.parser import parse

# A Sunday.
NOW = datetime(2026, 3, 29, 14, 35, 20, 999, tzinfo=UTC)


def at(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[misc, arg-type]


RELATIVE: dict[str, tuple[datetime, datetime]] = {
    "today": (at(2026, 3, 29), at(2026, 3, 30)),
    "Yesterday": (at(2026, 3, 28), at(2026, 3, 29)),
    "tomorrow": (at(2026, 3, 30), at(2026, 3, 31)),
    "now": (at(2026, 3, 29, 14, 35, 20), at(2026, 3, 29, 14, 35, 21)),
    "now-7d": (at(2026, 3, 22, 14, 35, 20), at(2026, 3, 22, 14, 35, 21)),
    "now-90m": (at(2026, 3, 29, 13, 5, 20), at(2026, 3, 29, 13, 5, 21)),
    "now+1w": (at(2026, 4, 5, 14, 35, 20), at(2026, 4, 5, 14, 35, 21)),
    "now-1M": (at(2026, 2, 28, 14, 35, 20), at(2026, 2, 28, 14, 35, 21)),
    "now-1y+1d": (at(2025, 3, 30, 14, 35, 20), at(2025, 3, 30, 14, 35, 21)),
    "now/h": (at(2026, 3, 29, 14), at(2026, 3, 29, 15)),
    "now/d": (at(2026, 3, 29), at(2026, 3, 30)),
    "now/w": (at(2026, 3, 23), at(2026, 3, 30)),
    "now-1w/w": (at(2026, 3, 16), at(2026, 3, 23)),
    "now/M": (at(2026, 3, 1), at(2026, 4, 1)),
    "now-1y/y": (at(2025, 1, 1), at(2026, 1, 1)),
}


@pytest.mark.parametrize("text", RELATIVE)
def test_a_date_beside_the_clock_is_a_span(text: str) -> None:
    assert parse_span(text, NOW) == Span(*RELATIVE[text])
    assert is_relative(text)
    assert parse_span(text) is None


def test_the_clock_is_read_in_utc() -> None:
    late = datetime(2026, 3, 30, 1, tzinfo=timezone(timedelta(hours=2)))
    assert parse_span("today", late) == Span(at(2026, 3, 29), at(2026, 3, 30))


@pytest.mark.parametrize(
    "text", ["now-999999y", "now+999999w", "now-", "now-7", "now7d", "now-7d-", "now/q", "NOW", "now-1d" * 9]
)
def test_what_lies_in_no_year_or_counts_wrongly_is_no_date(text: str) -> None:
    assert parse_span(text, NOW) is None


@pytest.mark.parametrize(
    ("text", "lower", "upper"),
    [
        ("published:today", at(2026, 3, 29), at(2026, 3, 30)),
        ("published:>now-7d", at(2026, 3, 22, 14, 35, 21), None),
        ("published:>=yesterday", at(2026, 3, 28), None),
        ("published:<today", None, at(2026, 3, 29)),
        ("published:[now-1d/d TO now]", at(2026, 3, 28), at(2026, 3, 29, 14, 35, 21)),
        ("date:[2026-03 TO yesterday}", at(2026, 3, 1), at(2026, 3, 28)),
    ],
)
def test_a_query_counts_dates_from_the_clock(
    text: str, lower: datetime | None, upper: datetime | None
) -> None:
    node = parse(text, lenient=False, now=NOW).node
    assert node == Range(Field.PUBLISHED, lower, upper, include_lower=True, include_upper=False)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=50))
def test_any_text_is_a_span_or_none(text: str) -> None:
    span = parse_span(text, NOW)
    assert span is None or span.end is None or span.start < span.end


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-02-30", "26", "0000", "2026-11-05T25:00", "x" * 99, "２０２６"]
)
def test_what_is_no_date_has_no_span(text: str) -> None:
    assert parse_span(text) is None
