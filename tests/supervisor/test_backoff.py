from __future__ import annotations

from services.supervisor.backoff import Backoff


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(first_s=0.2, longest_s=10.0)
    assert [backoff.delay_after(0.1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_a_long_life_begins_anew() -> None:
    backoff = Backoff(first_s=0.2, reset_after_s=30.0)
    for _ in range(5):
        backoff.delay_after(1.0)
    assert backoff.delay_after(30.0) == 0.2
    assert backoff.delay_after(29.9) == 0.4
