"""When a receiver is tried again and when it is given up: arithmetic only."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.index.saved_searches.records import Attempt, Health
from services.index.saved_searches.retries import (
    ATTEMPTS_TO_DISABLE,
    DAY,
    WAITS_S,
    health_after,
    wait_after,
    why_disabled,
)
from tests.support import NOW


def test_a_dead_receiver_is_tried_some_eighteen_times_over_a_day_and_then_disabled() -> None:
    health, at, attempts = Health(), NOW, 0
    while True:
        attempt = Attempt("connect", at, 5)
        attempts += 1
        health = health_after(health, attempt, 0.5)
        if why_disabled(health, attempt):
            break
        assert health.not_before is not None
        at = health.not_before
    assert DAY <= at - NOW <= DAY + timedelta(seconds=WAITS_S[-1])
    assert ATTEMPTS_TO_DISABLE <= 15 <= attempts <= 20


def test_one_failure_after_a_quiet_month_does_not_disable() -> None:
    old = Health(50, NOW - timedelta(days=31), NOW - timedelta(days=30))
    attempt = Attempt("timeout", NOW, 5)
    assert why_disabled(health_after(old, attempt, 0.5), attempt) is None


def test_a_success_forgets_failures() -> None:
    failing = Health(9, NOW - DAY, NOW)
    assert health_after(failing, Attempt("delivered", NOW, 5, 200), 0.5) == Health()


@given(failures=st.integers(1, 10_000), share=st.floats(0, 1))
def test_waits_are_spread_within_a_fifth(failures: int, share: float) -> None:
    base = WAITS_S[min(failures, len(WAITS_S)) - 1]
    assert base * 0.8 <= wait_after(failures, share).total_seconds() <= base * 1.2 + 1e-6


@given(asked=st.floats(0, 1e300))
def test_a_receiver_may_ask_for_a_day_at_most(asked: float) -> None:
    health = health_after(Health(), Attempt("rejected", NOW, 5, 503, retry_after_s=asked), 0.5)
    assert health.not_before is not None
    wait_s = (health.not_before - NOW).total_seconds()
    assert min(asked, 86_400) - 1 <= wait_s <= max(86_400, WAITS_S[0])
