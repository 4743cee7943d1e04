"""Instants and the microseconds they stand for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.instants import EPOCH, instant_of, microseconds_of, rfc3339


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_its_microseconds(at: datetime) -> None:
    assert instant_of(microseconds_of(at)) == at


def test_a_zone_changes_nothing_and_the_past_counts_down() -> None:
    assert microseconds_of(datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == 0
    assert microseconds_of(EPOCH - timedelta(microseconds=1)) == -1


def test_as_text_it_is_in_utc_to_the_second() -> None:
    at = datetime(2026, 11, 25, 9, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert rfc3339(at) == "2026-11-25T08:00:00Z"
