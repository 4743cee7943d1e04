"""Fetching of pages as a good guest: robots.txt, one at a time to a host, and pauses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic
from typing import Final

from shared.fetch.errors import FetchFailed
from shared.fetch.fetcher import Fetched, Fetcher
from shared.fetch.robots import Robots
from shared.fetch.settings import FetchSettings
from shared.fetch.turns import Turns
from shared.http.retry_after import seconds_from_retry_after

_DEFAULT_REST_S: Final = 60.0


class PoliteFetcher:
    """A fetcher that asks sites first. Hosts that an operator opened by name are asked without pauses."""

    def __init__(self, fetcher: Fetcher, robots: Robots, turns: Turns) -> None:
        self.fetcher = fetcher
        self._robots = robots
        self._turns = turns

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        most_bytes: int,
        seconds: float,
        media_types: frozenset[str] | None = None,
    ) -> Fetched:
        """GET `url`, following redirects that robots.txt and the guard let through, within `seconds` in all.

        Raises FetchRefused and FetchFailed as the fetcher does, FetchRefused for `robots` and FetchFailed
        when `busy`: our turn at the host would come too late.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._fetch(url, headers, most_bytes, seconds, media_types)
        except TimeoutError:
            raise FetchFailed(
                "timeout", f"No answer was complete within {seconds:g} s.", transient=True
            ) from None

    async def _fetch(
        self,
        url: str,
        headers: Mapping[str, str],
        most_bytes: int,
        seconds: float,
        media_types: frozenset[str] | None,
    ) -> Fetched:
        deadline = monotonic() + seconds
        target = self.fetcher.guard.target(url)
        rules = await self._robots.check(target.url)

        async def get() -> Fetched:
            return await self.fetcher.fetch(
                target.url,
                headers=headers,
                most_bytes=most_bytes,
                seconds=max(0.01, deadline - monotonic()),
                permit=self._robots.check,
                media_types=media_types,
            )

        if (target.host, target.port) in self.fetcher.guard.allowed:
            return await get()
        wait_s = max(0.01, deadline - monotonic())
        async with self._turns.turn(target.host, wait_s=wait_s, pause_s=rules.crawl_delay_s):
            fetched = await get()
        if fetched.status in (429, 503):
            asked_s = seconds_from_retry_after(fetched.headers.get("retry-after"), fetched.at)
            self._turns.rest(target.host, _DEFAULT_REST_S if asked_s is None else asked_s)
        return fetched


def polite_fetcher(fetcher: Fetcher, settings: FetchSettings) -> PoliteFetcher:
    """Return what fetches pages as the settings say."""
    return PoliteFetcher(
        fetcher,
        Robots(fetcher, agent=settings.fetch_agent, ttl_s=settings.fetch_robots_ttl_s),
        Turns(pause_s=settings.fetch_host_pause_s),
    )
