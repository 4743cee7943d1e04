"""How many articles a source may submit: a token bucket in Redis that all replicas of ingest share.

Asking Redis for each article would double the commands of a submit. A replica therefore takes tokens in
advance, as many as it lately used in a second, and asks again when they are spent or have become old; while
a source has none left, it is not asked at all.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.asyncio import Redis

from services.ingest.availability import reading
from shared.http.problems import Problem
from shared.runtime.scripts import Call, Script, run_all
from shared.sources import Source

LEASE_S = 1.0
MAX_LEASE = 500

# The bucket holds the tokens of a minute and fills at their rate. Its clock is that of Redis.
# KEYS: bucket. ARGV: tokens a minute, tokens wanted. The reply: tokens given, milliseconds to the next one.
TAKE = Script.of("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, wanted = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(held[1] or rate), tonumber(held[2] or now)
tokens = math.min(rate, tokens + math.max(0, now - at) * rate / 60000)
local given = math.min(wanted, math.floor(tokens))
tokens = tokens - given
redis.call('HSET', KEYS[1], 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
redis.call('EXPIRE', KEYS[1], 120)
return {given, math.ceil(math.max(0, 1 - tokens) * 60000 / rate)}
""")


@dataclass(slots=True)
class _Lease:
    """Tokens that this process holds for one source. Times are those of the monotonic clock, in seconds."""

    tokens: int = 0
    size: int = 1
    until: float = 0.0
    none_before: float = 0.0
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Rates:
    """The limits of all sources. `clock` returns monotonic seconds."""

    def __init__(self, redis: Redis, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._clock = clock
        self._leases: dict[str, _Lease] = {}

    async def take(self, source: Source, count: int = 1) -> int:
        """Return for how many of `count` articles there are tokens, at least one.

        Raises a 429 Problem when there are none, and a 503 Problem when Redis does not say.
        """
        if source.per_minute is None:
            return count
        lease = self._leases.setdefault(source.name, _Lease())
        if count == 1 and lease.tokens and lease.until > self._clock():
            lease.tokens -= 1
            return 1
        async with lease.asking:
            return await self._ask(source, source.per_minute, lease, count)

    async def _ask(self, source: Source, per_minute: int, lease: _Lease, count: int) -> int:
        now = self._clock()
        fresh = lease.until > now
        taken = min(lease.tokens, count) if fresh else 0
        lease.tokens = lease.tokens - taken if fresh else 0
        if taken == count:
            return taken
        if now < lease.none_before:
            return taken or self._refuse(source, lease.none_before - now)
        # Spent within its second, a lease was too small; left to become old, too large.
        lease.size = max(1, min(lease.size * 2 if fresh else lease.size // 2, MAX_LEASE, per_minute // 120))
        wanted = max(count - taken, lease.size)
        async with reading():
            ((given, wait_ms),) = await run_all(
                self._redis, TAKE, [Call((f"rate:{source.name}",), (per_minute, wanted))]
            )
        given = int(given)
        if given < wanted:
            lease.none_before = now + wait_ms / 1000
        if not given:
            return taken or self._refuse(source, wait_ms / 1000)
        used = min(given, count - taken)
        lease.tokens, lease.until = lease.tokens + given - used, now + LEASE_S
        return taken + used

    def _refuse(self, source: Source, wait_s: float) -> int:
        raise limit_reached(source, wait_s)


def limit_reached(source: Source, wait_s: float) -> Problem:
    """Return the 429 that says when the source may submit its next article."""
    seconds = max(1, math.ceil(wait_s))
    articles = "one article" if source.per_minute == 1 else f"{source.per_minute:,} articles"
    detail = f"{source.name} may submit {articles} a minute. Try again in {seconds} s."
    return Problem(429, "rate-limited", detail, headers={"retry-after": str(seconds)})
