"""Takes over entries whose consumer died or failed them, and gives them to a processor.

XPENDING with IDLE, then XCLAIM, does what XAUTOCLAIM does and tells the delivery count as well
(docs/decisions/0003-reclaiming.md); both need Redis 6.2.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.delivery import Entry
from shared.runtime.processor import StreamProcessor
from shared.runtime.scripts import FORGET_CONSUMER, Call, run_many
from shared.runtime.tasks import wait_or_stop

log = get_logger(__name__)

RECLAIM_COUNT = 100
FORGET_AFTER_S = 600
FORGET_EVERY_ROUNDS = 200


class Reclaimer:
    """Watches one partition's pending entries and gives those that fell due to `processor`."""

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
        """Process every entry that is due now, until `stopping` is set; return how many.

        What a dead consumer left after a first delivery is most likely harmless and goes as one batch. What
        failed, or was there at a second death, goes alone, and what nobody has survived is buried untried.
        """
        processor = self._processor
        rows: list[dict[str, Any]] = list(
            await self._redis.xpending_range(
                processor.key, processor.group, min="-", max="+", count=RECLAIM_COUNT, idle=self._idle_ms
            )
        )
        together = [
            row
            for row in rows
            if row["times_delivered"] == 1 and row["message_id"].decode() not in processor.failed_ids
        ]
        taken = 0
        for batch in [together, *([row] for row in rows if row not in together)]:
            if stopping.is_set() or not batch:
                continue
            try:
                taken += await self._reclaim_batch(batch)
            except (RedisError, OSError):
                raise
            except Exception as error:
                # Whatever is wrong with these entries, the others must not wait for it for ever.
                log.exception("entries not reclaimed", stream=processor.key, error=repr(error))
        return taken

    async def _reclaim_batch(self, rows: Sequence[dict[str, Any]]) -> int:
        processor = self._processor
        if rows[0]["times_delivered"] >= processor.retry.max_deaths:
            return await self._give_up(rows[0])
        taken = await processor.process_claimed(lambda: self._claim(rows))
        if taken:
            self._metrics.inc("wireroom_entries_redelivered_total", taken, stream=processor.spec.name)
        return taken

    async def _claim(self, rows: Sequence[dict[str, Any]]) -> list[Entry]:
        """Take the entries that nobody took meanwhile; acknowledge those whose data is gone."""
        processor = self._processor
        delivered = {row["message_id"].decode(): int(row["times_delivered"]) for row in rows}
        reply: list[Any] = list(
            await self._redis.xclaim(
                processor.key, processor.group, processor.consumer, self._idle_ms, list(delivered)
            )
        )
        # Redis 6.2 answers nil for a deleted entry, which redis-py passes on as (None, None).
        entries = [
            Entry(entry_id.decode(), fields, delivered[entry_id.decode()] + 1)
            for entry_id, fields in reply
            if entry_id is not None
        ]
        for missing in delivered.keys() - {entry.entry_id for entry in entries}:
            await self._acknowledge_if_gone(missing)
        return entries

    async def _acknowledge_if_gone(self, entry_id: str) -> bool:
        processor = self._processor
        if await self._redis.xrange(processor.key, min=entry_id, max=entry_id):
            return False
        log.error("a pending entry's data is gone", stream=processor.key, entry_id=entry_id)
        await self._redis.xack(processor.key, processor.group, entry_id)
        return True

    async def _give_up(self, row: dict[str, Any]) -> int:
        processor = self._processor
        entry_id = row["message_id"].decode()
        found: list[Any] = list(await self._redis.xrange(processor.key, min=entry_id, max=entry_id) or ())
        if not found:
            await self._acknowledge_if_gone(entry_id)
            return 0
        await processor.give_up(Entry(entry_id, found[0][1], int(row["times_delivered"])))
        return 1

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
