"""When the pipeline is full, ingest says so before it takes anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.lag import GroupLag, read_lags
from shared.streams import STREAMS

log = get_logger(__name__)

MEMORY_CLEARS = 0.95


class BackpressureSampler:
    """Samples the slowest group and Redis's memory, and decides with hysteresis.

    `full` turns on at `high_entries` and off again at `low_entries`, so that ingest does not flap.
    `memory_ratio` is the share of maxmemory at which the pipeline counts as full too, until it is back to
    MEMORY_CLEARS of that.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        partitions: int,
        high_entries: int,
        low_entries: int,
        interval_s: float,
        metrics: Metrics,
        memory_ratio: float = 0.85,
    ) -> None:
        self._redis = redis
        self._partitions = partitions
        self._high = high_entries
        self._low = low_entries
        self._interval_s = interval_s
        self._memory_ratio = memory_ratio
        self._metrics = metrics
        self._sampled_at: float | None = None
        self._lags_full = False
        self._memory_full = False
        self.reason: str | None = None
        self.retry_after_s = 5

    @property
    def full(self) -> bool:
        return self.reason is not None

    @property
    def fresh(self) -> bool:
        """Whether Redis answered lately; when it does not, nothing can be accepted either."""
        return self._sampled_at is not None and time.monotonic() - self._sampled_at < 10 * self._interval_s

    async def run(self) -> None:
        """Sample until cancelled. A Redis that does not answer makes the sample stale, no more."""
        while True:
            try:
                await self.sample()
            except (RedisError, OSError) as error:
                log.warning("backlog not sampled", error=str(error))
                # Idle connections died with that Redis; each would fail a request once another is back.
                with suppress(RedisError, OSError):
                    await self._redis.connection_pool.disconnect(inuse_connections=False)
            await asyncio.sleep(self._interval_s)

    async def sample(self) -> None:
        lags = await read_lags(self._redis, self._partitions)
        self._export(lags)
        backlog = max((lag.backlog for lag in lags), default=0)
        memory = await self._redis.info("memory")
        self._decide(backlog, int(memory.get("used_memory", 0)), int(memory.get("maxmemory", 0)))
        self._sampled_at = time.monotonic()
        self._metrics.set("wireroom_backlog_entries", backlog)
        self._metrics.set("wireroom_backpressure_active", self.full)

    def _export(self, lags: Sequence[GroupLag]) -> None:
        """Show each group's lag over all partitions; this process reads them anyway."""
        for spec in STREAMS:
            for group in spec.groups:
                own = [lag for lag in lags if lag.spec is spec and lag.group == group]
                labels = {"stream": spec.name, "group": group}
                oldest_s = max((lag.oldest_pending_s for lag in own), default=0.0)
                self._metrics.set("wireroom_stream_lag_entries", sum(lag.lag for lag in own), **labels)
                self._metrics.set(
                    "wireroom_stream_pending_entries", sum(lag.pending for lag in own), **labels
                )
                self._metrics.set("wireroom_stream_oldest_pending_seconds", oldest_s, **labels)

    def _decide(self, backlog: int, used_bytes: int, max_bytes: int) -> None:
        before = self.full
        self._memory_full = self._memory_is_full(used_bytes, max_bytes)
        self._lags_full = backlog >= self._high or (self._lags_full and backlog > self._low)
        if self._lags_full:
            self.reason = f"{backlog:,} entries are waiting to be processed"
        elif self._memory_full:
            self.reason = f"Redis uses {used_bytes / max_bytes:.0%} of its memory"
        else:
            self.reason = None
        if self.full != before:
            log.warning("backpressure changed", full=self.full, backlog=backlog, reason=self.reason)

    def _memory_is_full(self, used_bytes: int, max_bytes: int) -> bool:
        mark = max_bytes * self._memory_ratio * (MEMORY_CLEARS if self._memory_full else 1)
        return bool(max_bytes) and used_bytes > mark
