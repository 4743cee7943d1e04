"""Takes over entries whose consumer died or failed them, and hands each to a processor by itself.

XPENDING with IDLE, then XCLAIM, does what XAUTOCLAIM does and tells the delivery count as well
(docs/decisions/0003-reclaiming.md); both need Redis 6.2.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.processor import Entry, StreamProcessor
from shared.runtime.scripts import FORGET_CONSUMER, Call, run_many
from shared.runtime.tasks import wait_or_stop

log = get_logger(__name__)

RECLAIM_COUNT = 50
FORGET_AFTER_S = 600
FORGET_EVERY_ROUNDS = 200


class Reclaimer:
    """Watches one partition's pending entries and gives those that fell due to `processor`, one at a time."""

    def __init__(self, redis: Redis, processor: StreamProcessor, metrics: Metrics) -> None:
        self._redis = redis
        self._processor = processor
        self._metrics = metrics
        self._idle_ms = int(processor.retry.idle_s * 1000)
        self._interval_s = min(max(processor.retry.base_s / 2, 0.05), 1.0)

    async def run(self, stopping: asyncio.Event) -> None:
        """Reclaim until `stopping` is set; what is in hand by then is finished."""
        rounds = 0
        while not stopping.is_set():
            await wait_or_stop(stopping, self._interval_s)
            try:
                await self.reclaim(stopping)
                rounds += 1
                if rounds % FORGET_EVERY_ROUNDS == 0:
                    await self.forget_idle_consumers()
            except (RedisError, OSError) as error:
                log.warning("pending entries not reclaimed", stream=self._processor.key, error=str(error))
                await wait_or_stop(stopping, 1)

    async def reclaim(self, stopping: asyncio.Event) -> int:
        """Process every entry that is due now, until `stopping` is set; return how many."""
        processor = self._processor
        rows: list[dict[str, Any]] = list(
            await self._redis.xpending_range(
                processor.key, processor.group, min="-", max="+", count=RECLAIM_COUNT, idle=self._idle_ms
            )
        )
        taken = 0
        for row in rows:
            if stopping.is_set():
                break
            entry = await self._claim(row["message_id"], int(row["times_delivered"]))
            if entry is not None:
                taken += 1
                self._metrics.inc("wireroom_entries_redelivered_total", stream=processor.spec.name)
                await processor.process([entry])
        return taken

    async def _claim(self, entry_id: bytes, delivered: int) -> Entry | None:
        """Take the entry if nobody was faster; acknowledge it if its data is gone."""
        processor = self._processor
        reply: list[Any] = list(
            await self._redis.xclaim(
                processor.key, processor.group, processor.consumer, self._idle_ms, [entry_id]
            )
        )
        for claimed_id, fields in reply:
            # Redis 6.2 answers nil for a deleted entry, which redis-py passes on as (None, None).
            if claimed_id is not None:
                return Entry(claimed_id.decode(), fields, delivered + 1)
        if not await self._redis.xrange(processor.key, min=entry_id.decode(), max=entry_id.decode()):
            log.error("a pending entry's data is gone", stream=processor.key, entry_id=entry_id.decode())
            await self._redis.xack(processor.key, processor.group, entry_id)
        return None

    async def forget_idle_consumers(self) -> None:
        """Delete consumers of dead processes that have nothing pending."""
        processor = self._processor
        calls = [
            Call((processor.key,), (processor.group, consumer["name"]))
            for consumer in await self._redis.xinfo_consumers(processor.key, processor.group)
            if consumer["idle"] > FORGET_AFTER_S * 1000 and not consumer["pending"]
        ]
        if calls:
            await run_many(self._redis, FORGET_CONSUMER, calls)
