"""The schedule of faults: the same for a seed, within its time, one fault after the other."""

from __future__ import annotations

from itertools import pairwise

import pytest

from bench.chaos.faults import FAULTS
from bench.chaos.schedule import TIMINGS, make_schedule


def test_every_fault_has_a_timing() -> None:
    assert set(TIMINGS) == set(FAULTS)


def test_a_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    names = list(FAULTS)
    assert make_schedule(7, 300, names) == make_schedule(7, 300, names)
    assert make_schedule(7, 300, names) != make_schedule(8, 300, names)


@pytest.mark.parametrize("seed", range(20))
def test_faults_come_one_after_the_other_and_end_in_time(seed: int) -> None:
    planned = make_schedule(seed, 300, list(FAULTS))
    for one, following in pairwise(planned):
        assert one.at_s + one.length_s + TIMINGS[one.fault].recovery_s <= following.at_s
    last = planned[-1]
    assert last.at_s + last.length_s + TIMINGS[last.fault].recovery_s <= 300
    for one in planned:
        assert TIMINGS[one.fault].shortest_s <= one.length_s <= TIMINGS[one.fault].longest_s


@pytest.mark.parametrize("seed", range(20))
def test_five_minutes_hold_every_fault_at_least_once(seed: int) -> None:
    assert {one.fault for one in make_schedule(seed, 300, list(FAULTS))} == set(FAULTS)


def test_a_long_run_kills_services_at_least_twenty_times() -> None:
    planned = make_schedule(1, 600, list(FAULTS))
    assert sum(one.fault in ("kill_ingest", "kill_enrich", "kill_index") for one in planned) >= 20


def test_a_fault_that_does_not_fit_is_left_out() -> None:
    planned = make_schedule(1, 10, ["pause_redis", "kill_index"])
    assert {one.fault for one in planned} == {"kill_index"}


def test_no_faults_make_an_empty_schedule_and_an_unknown_one_is_refused() -> None:
    assert make_schedule(1, 60, []) == ()
    with pytest.raises(KeyError):
        make_schedule(1, 60, ["meteor"])
