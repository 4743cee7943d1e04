"""Politeness: one request at a time to a host, a pause between two, and a longer one if asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from shared.fetch.errors import FetchFailed

MAX_PAUSE_S: Final = 3_600.0
_SWEEP_AT: Final = 1_000


@dataclass(slots=True)
class _Host:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    users: int = 0


class Turns:
    """Whose turn it is at each host. In this process only: each replica of a service has its own."""

    def __init__(self, *, pause_s: float, now: Callable[[], float] = monotonic) -> None:
        self._pause_s = pause_s
        self._now = now
        self._hosts: dict[str, _Host] = {}

    @asynccontextmanager
    async def turn(self, host: str, *, wait_s: float, pause_s: float = 0.0) -> AsyncIterator[None]:
        """Hold the turn at `host` while the body runs, then keep the host free for a pause.

        The pause is the greater of ours and `pause_s`. Raises FetchFailed, transient and with how long to
        wait, when the turn would come later than in `wait_s` seconds.
        """
        state = self._hosts.setdefault(host, _Host())
        state.users += 1
        deadline = self._now() + wait_s
        try:
            async with asyncio.timeout(wait_s) as waiting:
                await state.lock.acquire()
                waiting.reschedule(None)
        except TimeoutError:
            state.users -= 1
            raise _busy(host, wait_s) from None
        except BaseException:
            state.users -= 1
            raise
        try:
            rest = state.free_at - self._now()
            if state.free_at > deadline:
                raise _busy(host, rest)
            if rest > 0:
                await asyncio.sleep(rest)
            try:
                yield
            finally:
                pause = min(max(self._pause_s, pause_s), MAX_PAUSE_S)
                state.free_at = max(state.free_at, self._now() + pause)
        finally:
            state.lock.release()
            state.users -= 1
            self._sweep()

    def rest(self, host: str, seconds: float) -> None:
        """Leave `host` alone for `seconds`, because it asked for that (Retry-After), at most for an hour."""
        state = self._hosts.setdefault(host, _Host())
        state.free_at = max(state.free_at, self._now() + min(seconds, MAX_PAUSE_S))

    def _sweep(self) -> None:
        """Forget hosts that nobody waits for and that are free again."""
        if len(self._hosts) < _SWEEP_AT:
            return
        now = self._now()
        for host in [host for host, state in self._hosts.items() if not state.users and state.free_at <= now]:
            del self._hosts[host]


def _busy(host: str, seconds: float) -> FetchFailed:
    detail = (
        f"{host} is asked for one thing at a time and wants a pause; its next turn is in {seconds:.0f} s."
    )
    return FetchFailed("busy", detail, transient=True, retry_after_s=max(1.0, seconds))
