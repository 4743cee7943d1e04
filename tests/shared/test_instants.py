"""Instants and the microseconds they stand for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.instants import EPOCH, instant_of, microseconds_of


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_its_microseconds(at: datetime) -> None:
    assert instant_of(microseconds_of(at)) == at


def test_a_zone_changes_nothing_and_the_past_counts_down() -> None:
    assert microseconds_of(datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))) == 0
    assert microseconds_of(EPOCH - timedelta(microseconds=1)) == -1
