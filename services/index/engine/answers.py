"""Answers kept so that dear questions asked again and again cost little.

What an index of one state answers never changes, so an answer is good until the next commit. One that was
dear is kept a little longer, by what it cost: while articles keep arriving, asking it all the time takes
about a twentieth of a processor. A cheap one is computed anew.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

MAX_KEPT = 64
MAX_STALE_S = 1.0
STALE_PER_COST = 20.0
CHEAP_S = 0.005

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Answer:
    seq: int
    at: float
    stale_s: float
    value: Any


class AnswerCache:
    """The answers asked for last, by question. Any threads; two that ask the same at once both compute it."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        processor_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock = clock
        self._processor_clock = processor_clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._clearings = 0

    def get(self, question: Hashable, seq: int, compute: Callable[[], T]) -> T:
        """Return the answer as of the state `seq`, or of a state that was current less than a second ago."""
        with self._lock:
            held = self._answers.get(question)
            if held is not None and self._serves(held, seq):
                self._answers.move_to_end(question)
                value: T = held.value
                return value
            clearings = self._clearings
        began = self._processor_clock()
        value = compute()
        cost_s = self._processor_clock() - began
        stale_s = 0.0 if cost_s < CHEAP_S else min(MAX_STALE_S, STALE_PER_COST * cost_s)
        with self._lock:
            if self._clearings != clearings:  # of another index, whose states may have the same numbers
                return value
            self._answers[question] = _Answer(seq, self._clock(), stale_s, value)
            self._answers.move_to_end(question)
            while len(self._answers) > MAX_KEPT:
                self._answers.popitem(last=False)
        return value

    def _serves(self, held: _Answer, seq: int) -> bool:
        return held.seq == seq or self._clock() - held.at < held.stale_s

    def clear(self) -> None:
        """Forget all, and what is being computed now as well."""
        with self._lock:
            self._clearings += 1
            self._answers.clear()
