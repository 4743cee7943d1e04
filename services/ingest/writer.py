"""The coalescing writer: submits that arrive together go to Redis in one pipeline.

A caller waits for the reply to its own command, so a 202 is never sent before its XADD returned. While one
pipeline is on its way the next one gathers, so load makes pipelines longer instead of more.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest.availability import outcome_unknown, problem_from_write_error, unavailable
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.scripts import Call, Script, run_many

log = get_logger(__name__)

MAX_BATCH = 256


class _Pending(NamedTuple):
    script: Script
    call: Call
    reply: asyncio.Future[Any]


class CoalescingWriter:
    """Runs scripts for many callers over one connection's pipelines. `run` must be running."""

    def __init__(
        self,
        redis: Redis,
        *,
        metrics: Metrics,
        timeout_s: float,
        max_queued: int,
        max_batch: int = MAX_BATCH,
    ) -> None:
        self._redis = redis
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._max_queued = max_queued
        self._max_batch = max_batch
        self._queue: deque[_Pending] = deque()
        self._filled = asyncio.Event()

    async def write(self, script: Script, call: Call) -> Any:
        """Return the script's reply. Raises a 503 Problem when Redis did not take it, or not in time."""
        return (await self.write_many([(script, call)]))[0]

    async def write_many(self, steps: list[tuple[Script, Call]]) -> list[Any]:
        """Return each script's reply, in order. Raises a 503 Problem as soon as one was not taken in time."""
        if len(self._queue) + len(steps) > self._max_queued:
            raise unavailable("overloaded", "Too many submits are waiting for Redis; this one was not taken.")
        loop = asyncio.get_running_loop()
        replies = [loop.create_future() for _ in steps]
        self._queue.extend(
            _Pending(script, call, reply) for (script, call), reply in zip(steps, replies, strict=True)
        )
        self._filled.set()
        try:
            async with asyncio.timeout(self._timeout_s):
                return [await reply for reply in replies]
        except TimeoutError:
            raise outcome_unknown() from None
        finally:
            for reply in replies:
                # What nobody waits for any more need not be written; a late error needs no reader.
                if not reply.done():
                    reply.cancel()
                elif not reply.cancelled():
                    reply.exception()

    async def run(self) -> None:
        """Write what is queued, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._queue:
                count = min(len(self._queue), self._max_batch)
                batch = [self._queue.popleft() for _ in range(count)]
                await self._write([pending for pending in batch if not pending.reply.done()])

    async def _write(self, batch: list[_Pending]) -> None:
        by_script: dict[Script, list[_Pending]] = {}
        for pending in batch:
            by_script.setdefault(pending.script, []).append(pending)
        self._metrics.set("wireroom_ingest_write_articles", len(batch))
        with self._metrics.timed("wireroom_ingest_write_seconds"):
            for script, group in by_script.items():
                await self._write_group(script, group)

    async def _write_group(self, script: Script, group: list[_Pending]) -> None:
        try:
            replies = await run_many(self._redis, script, [pending.call for pending in group])
        except (RedisError, OSError) as error:
            log.warning("write failed", error=str(error), articles=len(group))
            replies = [error] * len(group)
        except Exception as error:
            # A defect of ours: its callers answer 500, and the writer goes on for everybody else.
            log.exception("write failed", error=type(error).__name__)
            replies = [error] * len(group)
        except asyncio.CancelledError:
            for pending in group:
                _fail(pending.reply, outcome_unknown())
            raise
        for pending, reply in zip(group, replies, strict=True):
            if isinstance(reply, Exception):
                _fail(pending.reply, problem_from_write_error(reply))
            elif not pending.reply.done():
                pending.reply.set_result(reply)


def _fail(reply: asyncio.Future[Any], error: Exception) -> None:
    if not reply.done():
        reply.set_exception(error)
