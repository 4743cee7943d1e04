"""Settling results in Redis: the fenced acknowledgement, the dead letter, the postponed retry."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.events import DeadLetter, encode_event
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.receipts import stage_field, stage_value
from shared.runtime.delivery import ArticleEventType, Done, Entry, RetryPolicy, describe
from shared.runtime.scripts import SETTLE, Call, run_many
from shared.runtime.tasks import wait_or_stop
from shared.streams import DEAD, EVENT_FIELD, TRACE_FIELD, StreamSpec, article_key

log = get_logger(__name__)


class Settlement:
    """Settles the entries of one partition of one stream for one consumer."""

    def __init__(
        self,
        redis: Redis,
        *,
        spec: StreamSpec,
        partition: int,
        partitions: int,
        group: str,
        consumer: str,
        next_spec: StreamSpec | None,
        metrics: Metrics,
    ) -> None:
        self._redis = redis
        self._spec = spec
        self._key = spec.key(partition)
        self._partition = partition
        self._partitions = partitions
        self._group = group
        self._consumer = consumer
        self._next_key = next_spec.key(partition) if next_spec else None
        self._metrics = metrics

    def done(self, entry: Entry, event: ArticleEventType, done: Done) -> Call:
        """Return the call that acknowledges the entry, writes its receipt and publishes what follows."""
        receipt: list[str] = []
        if done.stage is not None:
            receipt = [
                stage_field(done.stage, event.epoch, event.revision),
                stage_value(datetime.now(UTC), done.detail),
            ]
        for name, value in done.receipt.items():
            receipt += [name, value]
        keys: tuple[str, ...] = (self._key, article_key(event.article_id, self._partitions))
        forward: tuple[str | bytes, ...] = ()
        if done.publish is not None:
            if self._next_key is None:
                raise ValueError(f"{self._group} publishes nothing")
            keys += (self._next_key,)
            forward = (EVENT_FIELD, done.publish)
            if trace := entry.fields.get(TRACE_FIELD):
                forward += (TRACE_FIELD, trace)
        return Call(keys, (self._group, entry.entry_id, len(receipt) // 2, *receipt, *forward))

    def dead(self, entry: Entry, event: ArticleEventType | None, error: Exception, reason: str) -> Call:
        """Return the call that moves the entry to the dead letters, with its bytes."""
        died_at = datetime.now(UTC)
        letter = DeadLetter(
            stream=self._key,
            group=self._group,
            entry_id=entry.entry_id,
            article_id=event.article_id if event else None,
            reason=reason,
            error=describe(error),
            attempts=entry.attempt,
            died_at=died_at,
            fields={name.decode("latin-1"): value for name, value in entry.fields.items()},
        )
        receipt: tuple[str, ...] = ()
        # Without an event there is no article hash; the script touches KEYS[2] only when n > 0.
        hash_key = self._key
        if event is not None:
            hash_key = article_key(event.article_id, self._partitions)
            detail = f"{reason}: {letter.error}"
            receipt = (
                stage_field("dead_lettered", event.epoch, event.revision),
                stage_value(died_at, detail),
            )
        return Call(
            (self._key, hash_key, DEAD.key(self._partition)),
            (self._group, entry.entry_id, len(receipt) // 2, *receipt, EVENT_FIELD, encode_event(letter)),
        )

    async def run(self, calls: Sequence[tuple[Call, str]], stopping: asyncio.Event) -> None:
        """Settle until Redis has confirmed each call (given with its outcome); repeating is harmless."""
        attempt = 0
        open_calls = list(calls)
        while open_calls and not stopping.is_set():
            problem = "no answer"
            try:
                replies = await run_many(self._redis, SETTLE, [call for call, _ in open_calls])
            except (RedisError, OSError) as error:
                replies = [error] * len(open_calls)
            failed: list[tuple[Call, str]] = []
            for pair, reply in zip(open_calls, replies, strict=True):
                if isinstance(reply, Exception):
                    failed.append(pair)
                    problem = describe(reply)
                else:
                    self._count(pair[1], settled=bool(reply))
            if failed:
                attempt += 1
                log.warning("results not settled yet", stream=self._key, entries=len(failed), error=problem)
                await wait_or_stop(stopping, min(0.1 * 2**attempt, 5.0))
            open_calls = failed

    def _count(self, outcome: str, *, settled: bool) -> None:
        if settled:
            self._metrics.inc("wireroom_entries_processed_total", stream=self._spec.name, outcome=outcome)
        else:
            self._metrics.inc("wireroom_entries_fenced_total", stream=self._spec.name)

    async def postpone(self, entries: Sequence[Entry], retry: RetryPolicy) -> None:
        """Set each entry's idle clock so that it falls due for reclaiming after its wait."""
        if not entries:
            return
        pipeline = self._redis.pipeline(transaction=False)
        for entry in entries:
            idle_ms = int(max(retry.idle_s - retry.wait_s(entry.attempt), 0) * 1000)
            pipeline.xclaim(
                self._key, self._group, self._consumer, 0, [entry.entry_id], idle=idle_ms, justid=True
            )
        # If this fails the entries fall due after the full idle limit, which is only later.
        with suppress(RedisError, OSError):
            await pipeline.execute(raise_on_error=False)
