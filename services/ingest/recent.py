"""The latest accepted submits, kept in memory for the case that Redis loses what it was given."""

from __future__ import annotations

from collections import deque

from shared.erasing import Erased


class RecentSubmits:
    """Published events in their order, the latest `max_bytes` of them.

    They outlive a flushed Redis, a replica that takes over behind its primary, and an append-only file that
    was not synced. They do not outlive this process.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._events: deque[bytes] = deque()
        self._size = 0

    def add(self, event: bytes) -> None:
        self._events.append(event)
        self._size += len(event)
        while self._size > self._max_bytes:
            self._size -= len(self._events.popleft())

    def forget(self, erased: Erased) -> int:
        """Drop all content of erased articles; return how many events that was."""
        kept = [event for event in self._events if erased.without(event) is not None]
        dropped = len(self._events) - len(kept)
        self._events = deque(kept)
        self._size = sum(map(len, kept))
        return dropped

    def events(self) -> tuple[bytes, ...]:
        """Return what is remembered, oldest first."""
        return tuple(self._events)
