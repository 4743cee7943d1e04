"""What sites ask of robots, in robots.txt (RFC 9309), kept for a while per origin."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from protego import Protego

from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetched, Fetcher

MAX_ROBOTS_BYTES: Final = 500 * 1024  # RFC 9309, 2.5: at least so much is read
_MAX_ORIGINS: Final = 1_000
_TIMEOUT_S: Final = 10.0
# A site that is out of order disallows everything (RFC 9309, 2.3.1.4), and is asked again soon.
_UNREACHABLE_TTL_S: Final = 60.0
_AGENT_LINE = re.compile(r"[ \t]*user[ -]?agent[ \t]*:?", re.IGNORECASE)
_OTHER_AGENT = "user-agent: -"


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin's robots.txt says to us. `parsed` is None where everything is allowed, or nothing."""

    parsed: Protego | None
    allows_all: bool
    agent: str

    def allow(self, url: str) -> bool:
        return self.allows_all if self.parsed is None else self.parsed.can_fetch(url, self.agent)

    @property
    def crawl_delay_s(self) -> float:
        """Seconds between two requests, 0 where none are asked for. No standard, and widely used."""
        return 0.0 if self.parsed is None else self.parsed.crawl_delay(self.agent) or 0.0


@dataclass(slots=True)
class _Origin:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    rules: Rules | None = None
    until: float = 0.0


class Robots:
    """The robots.txt of every origin that was asked lately. `agent` is the name that rules may call us by."""

    def __init__(
        self, fetcher: Fetcher, *, agent: str, ttl_s: float, now: Callable[[], float] = monotonic
    ) -> None:
        self._fetcher = fetcher
        self._agent = agent
        self._ttl_s = ttl_s
        self._now = now
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    async def check(self, url: str) -> Rules:
        """Return the rules for `url`. Raises FetchRefused when they do not let us fetch it.

        Raises FetchFailed and FetchRefused also when robots.txt cannot be asked for at all: then neither can
        the page be.
        """
        rules = await self._rules_of(url)
        if not rules.allow(url):
            host = urlsplit(url).hostname
            why = (
                "robots.txt of {} cannot be read now, which means that nothing may be fetched"
                if rules.parsed is None
                else f"robots.txt of {{}} does not let {self._agent} fetch this"
            )
            raise FetchRefused("robots", f"{why.format(host)}.")
        return rules

    async def _rules_of(self, url: str) -> Rules:
        parts = urlsplit(url)
        key = f"{parts.scheme}://{parts.netloc}"
        origin = self._origins.setdefault(key, _Origin())
        self._origins.move_to_end(key)
        while len(self._origins) > _MAX_ORIGINS:
            self._origins.popitem(last=False)
        async with origin.lock:
            if origin.rules is None or self._now() >= origin.until:
                origin.rules, ttl_s = await self._ask(f"{key}/robots.txt", origin.rules)
                origin.until = self._now() + ttl_s
            return origin.rules

    async def _ask(self, url: str, held: Rules | None) -> tuple[Rules, float]:
        """Return the rules and for how many seconds they hold: those `held` if the site is out of order."""
        try:
            fetched = await self._fetcher.fetch(
                url, most_bytes=MAX_ROBOTS_BYTES, seconds=_TIMEOUT_S, truncate=True
            )
        except FetchFailed as error:
            if error.reason == "redirects":
                return self._everything(), self._ttl_s
            raise
        if fetched.status >= 500 or fetched.status == 429:
            return held or Rules(None, False, self._agent), _UNREACHABLE_TTL_S
        if fetched.status >= 300:
            return self._everything(), self._ttl_s
        return await asyncio.to_thread(self._parse, fetched), self._ttl_s

    def _everything(self) -> Rules:
        return Rules(None, True, self._agent)

    def _parse(self, fetched: Fetched) -> Rules:
        text = fetched.body.decode("utf-8-sig", "replace")
        if fetched.truncated:
            text = text[: text.rfind("\n") + 1]  # half a rule is another rule
        return Rules(Protego.parse(_ours(text, self._agent)), True, self._agent)


def _ours(text: str, agent: str) -> str:
    """Return robots.txt with all agents but ours and `*` as one, so that its cost is linear in its length.

    The parser gives each rule to each agent of its group: 16,000 agents with 20,000 rules fit in 500 kB.
    """
    lines = []
    for line in text.splitlines():
        match = _AGENT_LINE.match(line)
        if match is not None:
            name = line[match.end() :].partition("#")[0].strip()
            # "Wireroom/1.0" and "Wireroom*" are found in the wild for Wireroom.
            token = name.partition("/")[0].rstrip("* ").lower()
            line = f"user-agent: {name}" if name == "*" else _OTHER_AGENT
            if token == agent.lower():
                line = f"user-agent: {token}"
        lines.append(line)
    return "\n".join(lines)
