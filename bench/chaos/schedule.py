"""When which fault happens: drawn from a seed, so that a run can be told again. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

SETTLE_S = 1.5
GAP_S = (0.5, 2.5)


class Timing(NamedTuple):
    """How long a fault may last, how long it takes besides, and how often it is drawn."""

    shortest_s: float
    longest_s: float
    recovery_s: float
    weight: int


TIMINGS: dict[str, Timing] = {
    "kill_ingest": Timing(0, 0, 4, 9),
    "kill_enrich": Timing(0, 0, 3, 9),
    "kill_index": Timing(0, 0, 4, 9),
    "kill_redis": Timing(0, 0, 5, 3),
    "term_redis": Timing(0, 0, 5, 3),
    "pause_redis": Timing(30, 30, 10, 2),
    "redis_out_of_memory": Timing(4, 8, 6, 2),
    "stall_enrich": Timing(18, 22, 4, 1),
    "slow_consumer": Timing(10, 14, 25, 1),
    "tenfold_slower": Timing(12, 14, 35, 1),
    "poison": Timing(0, 0, 5, 2),
    "identical_submits": Timing(0, 0, 2, 1),
    "idempotency_conflict": Timing(0, 0, 1, 1),
    "reordered_revisions": Timing(0, 0, 4, 2),
    "slow_loris": Timing(16, 16, 4, 1),
    "bombs": Timing(0, 0, 6, 1),
}


class Planned(NamedTuple):
    """A fault that begins not before `at_s` of the run and lasts `length_s`."""

    at_s: float
    fault: str
    length_s: float

    def __str__(self) -> str:
        return f"{self.at_s:6.1f} s  {self.fault}" + (f" for {self.length_s:.1f} s" if self.length_s else "")


def make_schedule(seed: int, seconds: float, faults: Sequence[str]) -> tuple[Planned, ...]:
    """Return faults that fit into `seconds`, one after the other: each once, then drawn by weight.

    Raises KeyError for a name that is none of TIMINGS.
    """
    rng = random.Random(f"wireroom chaos {seed}")  # reproducible, not secret
    timings = {name: TIMINGS[name] for name in faults}
    if not timings:
        return ()
    first = list(timings)
    rng.shuffle(first)
    planned: list[Planned] = []
    at = SETTLE_S
    while True:
        fitting = [name for name in timings if _least_s(timings[name]) <= seconds - at]
        if not fitting:
            return tuple(planned)
        name = next((one for one in first if one in fitting), None)
        if name is None:
            name = rng.choices(fitting, [timings[one].weight for one in fitting])[0]
        else:
            first.remove(name)
        timing = timings[name]
        room = seconds - at - timing.recovery_s
        length = round(min(rng.uniform(timing.shortest_s, timing.longest_s), room), 1)
        planned.append(Planned(round(at, 1), name, max(length, timing.shortest_s)))
        at += length + timing.recovery_s + rng.uniform(*GAP_S)


def _least_s(timing: Timing) -> float:
    return timing.shortest_s + timing.recovery_s
