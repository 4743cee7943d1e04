"""Removes entries that every group has acknowledged, by one leader, and never any other."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict

from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, RedisError

from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.lag import GroupLag, read_lags
from shared.runtime.scripts import Call, Script, run_many

log = get_logger(__name__)

_LEADER_KEY = "wireroom:trim-leader"
# Take or renew the lease, only if it is free or ours. KEYS: lease; ARGV: token, milliseconds.
_LEASE = Script.of("""
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")


class Trimmer:
    """Trims every stream to the lowest unacknowledged id over all of its groups.

    MAXLEN would delete what nobody has read yet; MINID at that floor cannot. A stream one of whose
    registered groups is missing is left alone: that group would start at the beginning.
    """

    def __init__(self, redis: Redis, *, partitions: int, metrics: Metrics, interval_s: float = 2.0) -> None:
        self._redis = redis
        self._partitions = partitions
        self._metrics = metrics
        self._interval_s = interval_s
        self._token = secrets.token_hex(8)

    async def run(self) -> None:
        """Trim until cancelled, whenever this process holds the lease."""
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                if await self.lead():
                    await self.trim()
            except (RedisError, OSError) as error:
                log.warning("streams not trimmed", error=str(error))

    async def lead(self) -> bool:
        """Return whether this process is the leader now."""
        lease = Call((_LEADER_KEY,), (self._token, int(self._interval_s * 5000)))
        reply = (await run_many(self._redis, _LEASE, [lease]))[0]
        # A full Redis refuses the lease, and trimming is what makes room. Trimming twice does no harm.
        return isinstance(reply, OutOfMemoryError) or reply == 1

    async def trim(self) -> int:
        """Trim once; return how many entries were removed."""
        by_key: dict[str, list[GroupLag]] = defaultdict(list)
        for lag in await read_lags(self._redis, self._partitions):
            by_key[lag.spec.key(lag.partition)].append(lag)
        removed = 0
        for key, lags in by_key.items():
            spec = lags[0].spec
            if {lag.group for lag in lags} != set(spec.groups):
                continue
            millis, sequence = min(lag.floor for lag in lags)
            # Exact, not "~": an approximate trim keeps whole nodes, and the length then is no backlog.
            count = int(await self._redis.xtrim(key, minid=f"{millis}-{sequence}", approximate=False))
            if count:
                self._metrics.inc("wireroom_entries_trimmed_total", count, stream=spec.name)
            removed += count
        return removed
