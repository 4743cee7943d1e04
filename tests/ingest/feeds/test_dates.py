"""Dates as feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.feeds.formats.dates import parse_date

NOON = datetime(2023, 6, 5, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2023-06-05T12:00:00Z",
        "2023-06-05T14:00:00+02:00",
        "2023-06-05T14:00:00.000+0200",
        "2023-06-05T14:00+02",
        "2023-06-05 12:00:00",
        "2023-06-05 12:00:00 UTC",
        "20230605T120000Z",
        "2023-W23-1T12:00Z",
        "2023-156T12:00:00Z",
        "Mon, 05 Jun 2023 12:00:00 GMT",
        "Mon, 5 Jun 2023 12:00 +0000",
        "Mon,05 Jun 2023 08:00:00 EDT",
        "mon, 05 june 2023 12:00:00 z",
        "05 Jun 23 12:00:00 UT",
        "Jun 5, 2023 12:00 PM",
        "June 5, 2023, 12:00 p.m.",
        "Monday, June 5, 2023 at 12:00 PM UTC",
        "Mon Jun  5 12:00:00 2023",
        "Mon Jun 5 14:00:00 CEST 2023",
        "Mon, 05 Jun 2023 14:00:00 +02:00",
        "lun., 05 juin 2023 14:00:00 +0200",
        "Mo, 05 Juni 2023 14:00:00 MESZ",
        "05.06.2023 12:00",
        "6/5/2023 12:00:00 PM",
        "  2023-06-05T12:00:00Z\n",
        "Mon, 2023/06/05 08:00:00 EDT",
        "1685966400",
        "1685966400000",
        "2023년 06월 05일 21:00:00",
        "2023-06-05 오후 9:00:00",
        "2023年6月5日 12:00",
        "Δευ, 05 Ιούν 2023 08:00:00 EDT",
        "2023-június-5T8:00-04:00",
    ],
)
def test_dates_of_many_spellings(text: str) -> None:
    assert parse_date(text) == NOON


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2023-06-05", datetime(2023, 6, 5, tzinfo=UTC)),
        ("2023-06", datetime(2023, 6, 1, tzinfo=UTC)),
        ("2023", datetime(2023, 1, 1, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2099-12-31T23:59:59Z", datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2023-06-04T24:00:00Z", datetime(2023, 6, 5, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2023-02-29T00:00:00Z", datetime(2023, 2, 28, tzinfo=UTC)),
        ("31/12/2023", datetime(2023, 12, 31, tzinfo=UTC)),
        ("03-12-31", datetime(2003, 12, 31, tzinfo=UTC)),
        ("31-12-03", datetime(2003, 12, 31, tzinfo=UTC)),
        ("991231T10:14Z", datetime(1999, 12, 31, 10, 14, tzinfo=UTC)),
        ("03335", datetime(2003, 12, 1, tzinfo=UTC)),
        ("-03-12", datetime(2003, 12, 1, tzinfo=UTC)),
        ("-0312", datetime(2003, 12, 1, tzinfo=UTC)),
        ("200312", datetime(2003, 12, 1, tzinfo=UTC)),
        ("031231", datetime(2003, 12, 31, tzinfo=UTC)),
    ],
)
def test_dates_that_say_less_or_are_odd(text: str, expected: datetime) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2023-13-01", "32 Jun 2023", "0000-00-00T00:00:00Z", "Mon, 05 Foo 2023", "1" * 500],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


@given(st.text(max_size=120))
def test_no_text_raises(text: str) -> None:
    found = parse_date(text)
    assert found is None or found.tzinfo is UTC


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001 # naive by design
def test_what_email_writes_is_read(at: datetime) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    assert parse_date(at.strftime("%a, %d %b %Y %H:%M:%S GMT")) == at
    assert parse_date(at.isoformat()) == at
