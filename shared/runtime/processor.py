"""From entries to settled results: decoding, handling, retrying, burying and halting.

One processor serves one partition of one stream for one consumer group. A service gives it a handler
that turns deliveries into results; acknowledgement, attempts and dead letters are settled here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import ATTEMPTS_EXHAUSTED, ConsumerDied, PermanentError, TransientError
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.delivery import (
    ArticleEventType,
    Delivery,
    Done,
    Entry,
    Handler,
    Pace,
    Result,
    RetryPolicy,
    describe,
    event_of,
    slices,
)
from shared.runtime.halt import HaltWindow
from shared.runtime.scripts import Call
from shared.runtime.settlement import Settlement
from shared.runtime.tasks import end_tasks, wait_or_stop
from shared.streams import StreamSpec

log = get_logger(__name__)

SLICE_BYTES = 8 << 20
# Decoding this much takes some 15 ms, for which the event loop may wait.
DECODE_INLINE_BYTES = 256 << 10
MAX_REMEMBERED_FAILURES = 10_000


class StreamProcessor:
    """Deals with entries one batch at a time, whoever brings them: FastStream's loop or the reclaimer."""

    def __init__(
        self,
        redis: Redis,
        *,
        spec: StreamSpec,
        partition: int,
        partitions: int,
        group: str,
        consumer: str,
        handler: Handler,
        next_spec: StreamSpec | None,
        retry: RetryPolicy,
        window: HaltWindow,
        metrics: Metrics,
        pace: Pace | None = None,
    ) -> None:
        self.spec = spec
        self.key = spec.key(partition)
        self.group = group
        self.consumer = consumer
        self.retry = retry
        self.halted: str | None = None
        self.stalled: str | None = None
        self.busy = False
        self.failed_ids: set[str] = set()
        self._redis = redis
        self._handler = handler
        self._window = window
        self._metrics = metrics
        self._pace = pace
        self._settlement = Settlement(
            redis,
            spec=spec,
            partition=partition,
            partitions=partitions,
            group=group,
            consumer=consumer,
            next_spec=next_spec,
            metrics=metrics,
        )
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._handling_since: float | None = None

    @property
    def handling_s(self) -> float:
        """For how many seconds the handler has been at its present batch; 0 when it is at none."""
        since = self._handling_since
        return 0.0 if since is None else time.monotonic() - since

    def stop(self) -> None:
        """Give up waiting: a halted or stalled batch is left pending for whoever comes next."""
        self._stopping.set()

    async def process(self, entries: Sequence[Entry]) -> None:
        """Deal with `entries`; return when each is settled, or left pending because we are stopping."""
        # The heartbeat begins before our turn does, or others would take over what only waits here.
        async with self._heartbeat(entries), self._turn:
            await self._process(entries)

    async def process_claimed(self, claim: Callable[[], Awaitable[Sequence[Entry]]]) -> int:
        """Deal with what `claim` returns once it is our turn; return how many entries that were.

        Claiming counts as a delivery, so it must not happen before the entries can really be tried.
        """
        async with self._turn:
            entries = [] if self._stopping.is_set() or self.halted else await claim()
            if entries:
                async with self._heartbeat(entries):
                    await self._process(entries)
            return len(entries)

    async def give_up(self, entry: Entry) -> None:
        """Bury an entry that no consumer has survived, without trying it again."""
        error = ConsumerDied(f"the consumer died or hung on each of {entry.attempt} deliveries")
        event: ArticleEventType | None = None
        with suppress(PermanentError):
            event = event_of(entry, self.spec)
        await self._settle([(entry, event, error)])

    async def _process(self, entries: Sequence[Entry]) -> None:
        self.busy = True
        try:
            for run in slices(entries, SLICE_BYTES):
                if self.halted is None and not self._stopping.is_set():
                    await self._process_run(run)
            if self.halted is not None:
                await self._stopping.wait()
            if self._pace is not None and not self._stopping.is_set():
                await self._pace(len(entries))
        finally:
            self.busy = False

    async def _process_run(self, entries: Sequence[Entry]) -> None:
        if sum(entry.size_bytes for entry in entries) > DECODE_INLINE_BYTES:
            results, deliveries = await asyncio.to_thread(self._decode, entries)
        else:
            results, deliveries = self._decode(entries)
        handled = await self._handle(deliveries) if deliveries else []
        if handled is None:
            return
        for delivery, result in zip(deliveries, handled, strict=True):
            results[delivery.entry.entry_id] = result
        events = {delivery.entry.entry_id: delivery.event for delivery in deliveries}
        await self._settle(
            [(entry, events.get(entry.entry_id), results[entry.entry_id]) for entry in entries]
        )

    def _decode(self, entries: Sequence[Entry]) -> tuple[dict[str, Result], list[Delivery]]:
        """Validate each entry alone, so that a bad one harms no other."""
        invalid: dict[str, Result] = {}
        deliveries: list[Delivery] = []
        for entry in entries:
            try:
                deliveries.append(Delivery(entry, event_of(entry, self.spec)))
            except PermanentError as error:
                invalid[entry.entry_id] = error
        return invalid, deliveries

    async def _handle(self, deliveries: Sequence[Delivery]) -> Sequence[Result] | None:
        """Return the handler's results; None if we are stopping.

        What it raises as TransientError, or from Redis or the system, is its surroundings' fault (a full
        disk, say), so the batch is tried again in place: reading on would only pile up more.
        """
        attempt = 0
        while not self._stopping.is_set():
            self._handling_since = time.monotonic()
            try:
                results = await self._handler(deliveries)
            except (TransientError, RedisError, OSError) as error:
                attempt += 1
                self.stalled = describe(error)
                wait_s = self.retry.wait_s(attempt)
                log.error("batch stalled", stream=self.key, error=self.stalled, attempt=attempt,
                          wait_s=round(wait_s, 2))  # fmt: skip
                self._handling_since = None
                await wait_or_stop(self._stopping, wait_s)
            except Exception as error:
                log.exception("batch failed", stream=self.key, entries=len(deliveries))
                return [error] * len(deliveries)
            else:
                self.stalled = None
                return results
            finally:
                self._handling_since = None
        return None

    async def _settle(self, outcomes: Sequence[tuple[Entry, ArticleEventType | None, Result]]) -> None:
        calls: list[tuple[Call, str]] = []
        retries: list[Entry] = []
        for entry, event, result in outcomes:
            if isinstance(result, Done):
                if event is None:
                    raise ValueError("only a decoded entry can be done")
                self._window.record(dead=False)
                calls.append((self._settlement.done(entry, event, result), result.stage or "passed_on"))
                self.failed_ids.discard(entry.entry_id)
            elif (reason := self._death_reason(entry, result)) is None:
                retries.append(entry)
                self._remember_failure(entry)
                log.warning("entry will be retried", stream=self.key, entry_id=entry.entry_id,
                            attempt=entry.attempt, error=describe(result))  # fmt: skip
            elif self._window.would_halt():
                self._halt(result)
                break
            else:
                self._window.record(dead=True)
                calls.append((self._settlement.dead(entry, event, result, reason), "dead"))
                self.failed_ids.discard(entry.entry_id)
                self._metrics.inc("wireroom_entries_dead_total", stream=self.spec.name, reason=reason)
                log.error("entry is a dead letter", stream=self.key, entry_id=entry.entry_id, reason=reason,
                          attempt=entry.attempt, error=describe(result))  # fmt: skip
        await self._settlement.run(calls, self._stopping)
        await self._settlement.postpone(retries, self.retry)

    def _death_reason(self, entry: Entry, error: Exception) -> str | None:
        if isinstance(error, PermanentError):
            return error.reason
        if isinstance(error, TransientError):
            return None
        return ATTEMPTS_EXHAUSTED if entry.attempt >= self.retry.max_deliveries else None

    def _remember_failure(self, entry: Entry) -> None:
        """Remember which entries a handler failed, so that they are tried again one by one."""
        if len(self.failed_ids) >= MAX_REMEMBERED_FAILURES:
            self.failed_ids.clear()
        self.failed_ids.add(entry.entry_id)

    def _halt(self, error: Exception) -> None:
        self.halted = f"{self.key}: {self._window}; latest: {describe(error)}"
        self._metrics.set("wireroom_consumer_halted", 1, stream=self.spec.name)
        log.error(
            "consumer halted: mend the cause, then restart this service", stream=self.key, why=self.halted
        )

    @asynccontextmanager
    async def _heartbeat(self, entries: Sequence[Entry]) -> AsyncIterator[None]:
        """Keep `entries` from being reclaimed while the body runs."""
        done = asyncio.Event()
        entry_ids: list[str | bytes] = [entry.entry_id for entry in entries]

        async def beat() -> None:
            await wait_or_stop(done, self.retry.idle_s / 3)
            while not done.is_set():
                # A missed beat only makes a second delivery possible, which the fence resolves.
                with suppress(RedisError, OSError):
                    await self._redis.xclaim(
                        self.key, self.group, self.consumer, 0, list(entry_ids), justid=True
                    )
                await wait_or_stop(done, self.retry.idle_s / 3)

        task = asyncio.create_task(beat())
        try:
            yield
        finally:
            done.set()
            await end_tasks([task])
