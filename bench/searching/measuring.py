"""Times of questions, of processor and of the clock, with the engine's caches empty and then filled.

Caches empty: an engine that was just opened gets each question once, after a few of another kind; three such
engines, and of each question the median, so that p99 is that of the questions and not of the machine. Caches
filled: the last of them is asked everything twice more.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.measures import percentile
from bench.searching.fts5 import Fts5
from bench.searching.questions import Asked, Kind
from services.index.engine.tantivy_engine import TantivyEngine

ROUNDS = 3
REPEATS = 2
PEER_LIMIT_S = 20.0
# What there is one question of is asked so often.
WHOLE_ROUNDS = 10
WHOLE_REPEATS = 100


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of each question."""

    cpu: list[float]
    wall: list[float]

    def summary(self) -> dict[str, float]:
        return {
            f"{name}_{label}": round(percentile(values, share), 3)
            for name, values in (("cpu", self.cpu), ("wall", self.wall))
            for label, share in (("p50", 0.5), ("p99", 0.99))
        }


@dataclass(frozen=True, slots=True)
class Measured:
    kind: Kind
    first: Times
    again: Times
    peer: Times | None


def timed(questions: Sequence[Asked], ask: Callable[[Asked], object], limit_s: float = 600.0) -> Times:
    """Ask one after the other, no longer than the limit."""
    times = Times([], [])
    began = time.perf_counter()
    for asked in questions:
        wall, cpu = time.perf_counter(), time.thread_time()
        ask(asked)
        times.cpu.append((time.thread_time() - cpu) * 1000)
        times.wall.append((time.perf_counter() - wall) * 1000)
        if time.perf_counter() - began > limit_s:
            break
    return times


def _medians(rounds: Sequence[Times]) -> Times:
    return Times(
        [statistics.median(values) for values in zip(*(times.cpu for times in rounds), strict=True)],
        [statistics.median(values) for values in zip(*(times.wall for times in rounds), strict=True)],
    )


def measure(kind: Kind, warm_up: Kind, directory: Path, peer: Fts5) -> Measured:
    """Ask both all questions of a kind."""
    rounds: list[Times] = []
    asked = list(kind.asked)
    for number in range(WHOLE_ROUNDS if kind.whole else ROUNDS):
        engine = TantivyEngine(directory)
        try:
            if kind.prepare is not None and not number:
                asked = [kind.prepare(engine, one) for one in asked]
            timed(warm_up.asked[:20], lambda one, engine=engine: warm_up.ours(engine, one))  # type: ignore[misc]
            ask = lambda one, engine=engine: kind.ours(engine, one)  # type: ignore[misc]  # noqa: E731
            rounds.append(timed(asked, ask))
            again = timed(asked * (WHOLE_REPEATS if kind.whole else REPEATS), ask)
        finally:
            engine.close()
    if kind.whole:
        first = Times(
            [ms for times in rounds for ms in times.cpu], [ms for times in rounds for ms in times.wall]
        )
    else:
        first = _medians(rounds)
    return Measured(kind, first, again, _of_peer(kind, asked, peer))


def _of_peer(kind: Kind, asked: Sequence[Asked], peer: Fts5) -> Times | None:
    """Its pages are warm as ours are: the first of the questions are asked once before."""
    if kind.peer is None:
        return None
    ask = lambda one: kind.peer(peer, one)  # type: ignore[misc]  # noqa: E731
    timed(asked[:5], ask, 5.0)
    return timed(asked * (5 if kind.whole else 1), ask, PEER_LIMIT_S)
