"""Whose turn it is to be told: who is due, and for whom there is room. Pure."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime
from typing import Final

MAX_AT_ONCE: Final = 64
# Of receivers whose last attempt has failed.
MAX_FAILING_AT_ONCE: Final = 32
MAX_OF_ORIGIN: Final = 4


class Turns:
    """Searches by their keys. `origin_of` tells of a search where it sends to, `fails` whether that failed.

    A search is in one place at a time: it waits for an instant, or for room, or has its turn.
    """

    def __init__(self, origin_of: Callable[[int], str], fails: Callable[[int], bool]) -> None:
        self._origin_of = origin_of
        self._fails = fails
        self._due: dict[int, datetime] = {}
        self._by_due: list[tuple[datetime, int]] = []
        # Those that are due; of these, those without room for their origin, and for failing ones.
        self._queued: set[int] = set()
        self._ready: deque[int] = deque()
        self._crowded: dict[str, deque[int]] = {}
        self._crowded_failing: deque[int] = deque()
        self._having: dict[int, tuple[str, bool]] = {}
        self._origins: Counter[str] = Counter()
        self._failing = 0

    def put(self, key: int, at: datetime) -> None:
        """Let a search that has not its turn wait until `at`, unless it is due and waits for room."""
        if key in self._queued or self._due.get(key) == at:  # else a dead receiver's would pile up for hours
            return
        self._due[key] = at
        heapq.heappush(self._by_due, (at, key))

    def next_at(self) -> datetime | None:
        """Return when the next search is due that is not due yet."""
        while self._by_due and self._due.get(self._by_due[0][1]) != self._by_due[0][0]:
            heapq.heappop(self._by_due)
        return self._by_due[0][0] if self._by_due else None

    def take(self, now: datetime) -> int | None:
        """Return a search that is due and has room, and give it its turn; None if there is none."""
        while (at := self.next_at()) is not None and at <= now:
            key = heapq.heappop(self._by_due)[1]
            del self._due[key]
            self._queued.add(key)
            self._ready.append(key)
        while self._ready and len(self._having) < MAX_AT_ONCE:
            key = self._ready.popleft()
            origin, failing = self._origin_of(key), self._fails(key)
            if self._origins[origin] >= MAX_OF_ORIGIN:
                self._crowded.setdefault(origin, deque()).append(key)
            elif failing and self._failing >= MAX_FAILING_AT_ONCE:
                self._crowded_failing.append(key)
                self._promote(origin)
            else:
                self._queued.discard(key)
                self._having[key] = (origin, failing)
                self._origins[origin] += 1
                self._failing += failing
                return key
        return None

    def end(self, key: int) -> None:
        """End a search's turn, which makes room for another."""
        origin, failing = self._having.pop(key)
        self._origins[origin] -= 1
        self._failing -= failing
        if not self._origins[origin]:
            del self._origins[origin]
        self._promote(origin)
        if self._crowded_failing:
            self._ready.append(self._crowded_failing.popleft())

    def _promote(self, origin: str) -> None:
        """Let the next of an origin try, for which there may be room."""
        if crowded := self._crowded.get(origin):
            self._ready.append(crowded.popleft())
            if not crowded:
                del self._crowded[origin]
