"""Who may be sent webhooks, and sending one: bounded in time and bytes, no redirect followed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.index.saved_searches.records import Attempt, Outcome
from shared import __version__
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetcher
from shared.fetch.guard import AllowedHosts, Guard
from shared.fetch.networks import is_loopback_host
from shared.http.retry_after import seconds_from_retry_after

SETTING: Final = "WIREROOM_WEBHOOK_ALLOW_HOSTS"
# Names resolve in threads of their own: one that hangs must not take those that searches run in.
_RESOLVING_THREADS: Final = 8
_KEPT_REASONS: Final[Mapping[str, Outcome]] = {
    "timeout": "timeout",
    "connect": "connect",
    "dns": "dns",
    "tls": "tls",
}


@dataclass(frozen=True, slots=True)
class AllowedReceivers(AllowedHosts):
    """What `allowed` names, and with `this_machine` every port of loopback."""

    this_machine: bool = False

    def __contains__(self, host_and_port: tuple[str, int]) -> bool:
        local = self.this_machine and is_loopback_host(host_and_port[0])
        return local or AllowedHosts.__contains__(self, host_and_port)


class Receivers:
    """Sends webhooks. `aclose` ends it."""

    def __init__(self, allowed: AllowedReceivers, *, timeout_s: float, now: Callable[[], datetime]) -> None:
        self._pool = ThreadPoolExecutor(_RESOLVING_THREADS, thread_name_prefix="webhook-names")
        self._fetcher = Fetcher(Guard(allowed, resolver=self._resolve), user_agent=f"Wireroom/{__version__}")
        self._timeout_s = timeout_s
        self._now = now

    def check(self, url: str) -> None:
        """Raises FetchRefused for a URL that can never be sent to, as far as it shows without a lookup."""
        self._fetcher.guard.target(url)

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """POST `body`; whatever happens is in the result. What is answered beside the status is not read."""
        started = asyncio.get_running_loop().time()
        status, retry_after, outcome = None, None, _rejection(0)
        try:
            answer = await self._fetcher.post(
                url,
                body,
                {"content-type": "application/json", "accept-encoding": "identity", **headers},
                seconds=self._timeout_s,
                follow=False,
                read=False,
            )
            status, outcome = answer.status, _rejection(answer.status)
            retry_after = seconds_from_retry_after(answer.headers.get("retry-after"), self._now())
        except FetchRefused:
            outcome = "refused"
        except FetchFailed as error:
            outcome = _KEPT_REASONS.get(error.reason, "protocol")
        elapsed_s = asyncio.get_running_loop().time() - started
        return Attempt(outcome, self._now(), round(elapsed_s * 1000), status, retry_after)

    async def aclose(self) -> None:
        await self._fetcher.aclose()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, _addresses, host, port)
        return list(dict.fromkeys(found))


def _addresses(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _rejection(status: int) -> Outcome:
    if 200 <= status < 300:
        return "delivered"
    return "gone" if status == 410 else "rejected"
