"""From entries to settled results: decoding, handling, retrying, fencing, burying and halting.

One processor serves one partition of one stream for one consumer group. A service gives it a handler
that turns deliveries into results; acknowledgement, attempts and dead letters are settled here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.errors import ATTEMPTS_EXHAUSTED, PermanentError, TransientError, UnexpectedEvent
from shared.events import (
    ArticleEnriched,
    ArticleRetracted,
    ArticleSubmitted,
    DeadLetter,
    decode_event,
    encode_event,
)
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.receipts import Stage, stage_field, stage_value
from shared.runtime.halt import HaltWindow
from shared.runtime.scripts import SETTLE, Call, run_many
from shared.runtime.tasks import end_tasks, wait_or_stop
from shared.streams import DEAD, EVENT_FIELD, TRACE_FIELD, StreamSpec, article_key

log = get_logger(__name__)

ArticleEventType = ArticleSubmitted | ArticleEnriched | ArticleRetracted
MAX_ERROR_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream entry as Redis gave it. `attempt` counts its deliveries, this one included."""

    entry_id: str
    fields: dict[bytes, bytes]
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Delivery:
    """An entry whose event is valid."""

    entry: Entry
    event: ArticleEventType


@dataclass(frozen=True, slots=True)
class Done:
    """A delivery was dealt with. `publish` is the next event's bytes, handed over with the acknowledgement.

    `stage` and `detail` go to the article's receipt, if there is a stage to tell of; `receipt` holds
    further fields of its hash.
    """

    stage: Stage | None
    detail: str | None = None
    publish: bytes | None = None
    receipt: Mapping[str, str] = field(default_factory=dict)


Result = Done | Exception
Handler = Callable[[Sequence[Delivery]], Awaitable[Sequence[Result]]]
# Called with the size of a settled batch before the next one is read: waiting here gathers larger batches.
Pace = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`base_s`·2^(attempt−1) with jitter, at most `idle_s`, which is also when others take an entry over."""

    max_deliveries: int
    base_s: float
    idle_s: float

    def wait_s(self, attempt: int) -> float:
        # Jitter needs no cryptographic randomness.
        return float(min(self.base_s * 2 ** (attempt - 1), self.idle_s) * random.uniform(0.5, 1.0))  # noqa: S311


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
        self.partition = partition
        self.key = spec.key(partition)
        self.group = group
        self.consumer = consumer
        self.retry = retry
        self.halted: str | None = None
        self.stalled: str | None = None
        self.busy = False
        self._redis = redis
        self._partitions = partitions
        self._handler = handler
        self._next_key = next_spec.key(partition) if next_spec else None
        self._window = window
        self._metrics = metrics
        self._pace = pace
        self._turn = asyncio.Lock()
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Give up waiting: a halted or stalled batch is left pending for whoever comes next."""
        self._stopping.set()

    async def process(self, entries: Sequence[Entry]) -> None:
        """Deal with `entries`; return when each is settled, or left pending because we are stopping."""
        async with self._turn:
            if self._stopping.is_set():
                return
            self.busy = True
            try:
                async with self._heartbeat([entry.entry_id for entry in entries]):
                    if self.halted is None:
                        await self._process(entries)
                    if self.halted is not None:
                        await self._stopping.wait()
                if self._pace is not None and not self._stopping.is_set():
                    await self._pace(len(entries))
            finally:
                self.busy = False

    async def _process(self, entries: Sequence[Entry]) -> None:
        results: dict[str, Result] = {}
        deliveries: list[Delivery] = []
        for entry in entries:
            try:
                deliveries.append(Delivery(entry, self._decode(entry)))
            except PermanentError as error:
                results[entry.entry_id] = error
        handled = await self._handle(deliveries) if deliveries else []
        if handled is None:
            return
        for delivery, result in zip(deliveries, handled, strict=True):
            results[delivery.entry.entry_id] = result
        events = {delivery.entry.entry_id: delivery.event for delivery in deliveries}
        await self._settle(
            [(entry, events.get(entry.entry_id), results[entry.entry_id]) for entry in entries]
        )

    def _decode(self, entry: Entry) -> ArticleEventType:
        event = decode_event(entry.fields.get(EVENT_FIELD, b""))
        if isinstance(event, DeadLetter) or not isinstance(event, self.spec.events):
            raise UnexpectedEvent(f"{type(event).__name__} does not belong on {self.key}")
        return event

    async def _handle(self, deliveries: Sequence[Delivery]) -> Sequence[Result] | None:
        """Return the handler's results; None if we are stopping.

        A handler that raises TransientError means its surroundings are at fault (a full disk, say), so
        the batch is tried again in place: reading on would only pile up more.
        """
        attempt = 0
        while not self._stopping.is_set():
            try:
                results = await self._handler(deliveries)
            except TransientError as error:
                attempt += 1
                self.stalled = str(error)
                wait_s = self.retry.wait_s(attempt)
                log.error(
                    "batch stalled",
                    stream=self.key,
                    error=str(error),
                    attempt=attempt,
                    wait_s=round(wait_s, 2),
                )
                await wait_or_stop(self._stopping, wait_s)
            except Exception as error:
                log.exception("batch failed", stream=self.key, entries=len(deliveries))
                return [error] * len(deliveries)
            else:
                self.stalled = None
                return results
        return None

    async def _settle(self, outcomes: Sequence[tuple[Entry, ArticleEventType | None, Result]]) -> None:
        calls: list[tuple[Call, str]] = []
        retries: list[tuple[Entry, float]] = []
        for entry, event, result in outcomes:
            if isinstance(result, Done):
                self._window.record(dead=False)
                calls.append((self._done_call(entry, event, result), result.stage or "passed_on"))
            elif (reason := self._death_reason(entry, result)) is None:
                retries.append((entry, self.retry.wait_s(entry.attempt)))
                log.warning("entry will be retried", stream=self.key, entry_id=entry.entry_id,
                            attempt=entry.attempt, error=_describe(result))  # fmt: skip
            elif self._window.would_halt():
                self._halt(result)
                break
            else:
                self._window.record(dead=True)
                calls.append((self._bury_call(entry, event, result, reason), "dead"))
                self._metrics.inc("wireroom_entries_dead_total", stream=self.spec.name, reason=reason)
                log.error("entry is a dead letter", stream=self.key, entry_id=entry.entry_id, reason=reason,
                          attempt=entry.attempt, error=_describe(result))  # fmt: skip
        await self._run(calls)
        await self._postpone(retries)

    def _death_reason(self, entry: Entry, error: Exception) -> str | None:
        if isinstance(error, PermanentError):
            return error.reason
        if not isinstance(error, TransientError) and entry.attempt >= self.retry.max_deliveries:
            return ATTEMPTS_EXHAUSTED
        return None

    def _halt(self, error: Exception) -> None:
        self.halted = f"{self.key}: {self._window}; latest: {_describe(error)}"
        self._metrics.set("wireroom_consumer_halted", 1, stream=self.spec.name)
        log.error(
            "consumer halted: mend the cause, then restart this service", stream=self.key, why=self.halted
        )

    def _done_call(self, entry: Entry, event: ArticleEventType | None, done: Done) -> Call:
        if event is None:
            raise ValueError("only a decoded entry can be done")
        receipt: list[str] = []
        if done.stage is not None:
            receipt = [
                stage_field(done.stage, event.epoch, event.revision),
                stage_value(datetime.now(UTC), done.detail),
            ]
        for name, value in done.receipt.items():
            receipt += [name, value]
        keys: tuple[str, ...] = (self.key, article_key(event.article_id, self._partitions))
        forward: tuple[str | bytes, ...] = ()
        if done.publish is not None:
            if self._next_key is None:
                raise ValueError(f"{self.group} publishes nothing")
            keys += (self._next_key,)
            forward = (EVENT_FIELD, done.publish)
            if trace := entry.fields.get(TRACE_FIELD):
                forward += (TRACE_FIELD, trace)
        return Call(keys, (self.group, entry.entry_id, len(receipt) // 2, *receipt, *forward))

    def _bury_call(self, entry: Entry, event: ArticleEventType | None, error: Exception, reason: str) -> Call:
        died_at = datetime.now(UTC)
        letter = DeadLetter(
            stream=self.key,
            group=self.group,
            entry_id=entry.entry_id,
            article_id=event.article_id if event else None,
            reason=reason,
            error=_describe(error),
            attempts=entry.attempt,
            died_at=died_at,
            fields={name.decode("latin-1"): value for name, value in entry.fields.items()},
        )
        receipt: tuple[str, ...] = ()
        # Without an event there is no article hash; the script touches KEYS[2] only when n > 0.
        hash_key = self.key
        if event is not None:
            hash_key = article_key(event.article_id, self._partitions)
            detail = f"{reason}: {letter.error}"
            receipt = (
                stage_field("dead_lettered", event.epoch, event.revision),
                stage_value(died_at, detail),
            )
        return Call(
            (self.key, hash_key, DEAD.key(self.partition)),
            (self.group, entry.entry_id, len(receipt) // 2, *receipt, EVENT_FIELD, encode_event(letter)),
        )

    async def _run(self, calls: Sequence[tuple[Call, str]]) -> None:
        """Settle until Redis has confirmed every call. The fence makes trying again harmless."""
        attempt = 0
        open_calls = list(calls)
        while open_calls and not self._stopping.is_set():
            problem = "no answer"
            try:
                replies = await run_many(self._redis, SETTLE, [call for call, _ in open_calls])
            except (RedisError, OSError) as error:
                replies = [error] * len(open_calls)
            failed: list[tuple[Call, str]] = []
            for pair, reply in zip(open_calls, replies, strict=True):
                if isinstance(reply, Exception):
                    failed.append(pair)
                    problem = _describe(reply)
                else:
                    self._count(pair[1], settled=bool(reply))
            if failed:
                attempt += 1
                log.warning("results not settled yet", stream=self.key, entries=len(failed), error=problem)
                await wait_or_stop(self._stopping, min(0.1 * 2**attempt, 5.0))
            open_calls = failed

    def _count(self, outcome: str, *, settled: bool) -> None:
        if settled:
            self._metrics.inc("wireroom_entries_processed_total", stream=self.spec.name, outcome=outcome)
        else:
            self._metrics.inc("wireroom_entries_fenced_total", stream=self.spec.name)

    async def _postpone(self, retries: Sequence[tuple[Entry, float]]) -> None:
        """Set each entry's idle clock so that it falls due for reclaiming after its wait."""
        if not retries:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for entry, wait_s in retries:
            idle_ms = int(max(self.retry.idle_s - wait_s, 0) * 1000)
            pipeline.xclaim(
                self.key, self.group, self.consumer, 0, [entry.entry_id], idle=idle_ms, justid=True
            )
        # If this fails the entries fall due after the full idle limit, which is only later.
        with suppress(RedisError, OSError):
            await pipeline.execute(raise_on_error=False)

    @asynccontextmanager
    async def _heartbeat(self, entry_ids: Sequence[str]) -> AsyncIterator[None]:
        """Keep `entry_ids` from being reclaimed while the body runs."""

        done = asyncio.Event()

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


def _describe(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR_CHARS]
