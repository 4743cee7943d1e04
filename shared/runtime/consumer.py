"""Runs a service's handler on a family of streams: FastStream reads, our processors settle.

What was measured on FastStream 0.7.8 and is worked around here: docs/decisions/0002-faststream.md.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import FAKE_CONSUMER, BatchStreamMessage, RedisBatchStreamMessage
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.connection import CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S, connect, redis_url
from shared.runtime.delivery import Entry, Handler, Pace, RetryPolicy
from shared.runtime.groups import ensure_groups
from shared.runtime.halt import HaltWindow
from shared.runtime.parked import ParkedReplayer
from shared.runtime.processor import StreamProcessor
from shared.runtime.reclaim import Reclaimer
from shared.runtime.scripts import FORGET_CONSUMER, Call, run_many
from shared.runtime.tasks import end_tasks, wait_or_stop
from shared.settings import ServiceSettings
from shared.streams import StreamSpec

log = get_logger(__name__)

POLL_MS = 1000
# A loop that polls each second and has not been seen for this long is not running.
LOOP_SILENT_S = 10.0
WATCH_INTERVAL_S = 1.0
HUNG_EXIT_CODE = 70  # EX_SOFTWARE
# HTTP has had half of the drain timeout by the time a consumer stops. Within the rest, waiting (for Redis,
# for a disk) is given up first.
DRAIN_SHARE = 0.45
ABANDON_SHARE = 0.35


async def _parse(message: BatchStreamMessage) -> RedisBatchStreamMessage:
    """Pass entries on undecoded: FastStream's own parser would fail a whole batch for one bad entry."""
    return RedisBatchStreamMessage(raw_message=message, body=b"", consumer=FAKE_CONSUMER, group=None)


async def _decode(message: RedisBatchStreamMessage) -> list[Entry]:
    raw = message.raw_message
    return [
        Entry(entry_id.decode(), fields)
        for entry_id, fields in zip(raw["message_ids"], raw["data"], strict=True)
    ]


class StreamConsumer:
    """Consumes all partitions of `spec` as one member of `group`.

    `next_spec` is where results are published. `start` creates the groups first; `check` says for
    readiness what is wrong, if anything is; `stop` finishes the batch in hand and drains.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        spec: StreamSpec,
        group: str,
        handler: Handler,
        next_spec: StreamSpec | None,
        max_records: int,
        metrics: Metrics,
        pace: Pace | None = None,
        exit_process: Callable[[int], Any] = os._exit,
    ) -> None:
        self._settings = settings
        self._spec = spec
        self._group = group
        self._metrics = metrics
        self._max_records = max_records
        self.consumer = f"{group}-{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._redis = connect(settings)
        retry = RetryPolicy(settings.max_deliveries, settings.retry_base_s, settings.reclaim_idle_s)
        self._processors = [
            StreamProcessor(
                self._redis,
                spec=spec,
                partition=partition,
                partitions=settings.partitions,
                group=group,
                consumer=self.consumer,
                handler=handler,
                next_spec=next_spec,
                retry=retry,
                window=HaltWindow(settings.halt_window, settings.halt_ratio),
                metrics=metrics,
                pace=pace,
            )
            for partition in range(settings.partitions)
        ]
        self._parked = ParkedReplayer(self._redis, spec=spec, group=group, partitions=settings.partitions)
        self._broker: RedisBroker | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._read_at: dict[str, float] = {}
        self._exit_process = exit_process
        self._stopping = asyncio.Event()
        metrics.set("wireroom_consumer_halted", 0, stream=spec.name)

    @property
    def redis(self) -> Redis:
        return self._redis

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume while the body runs. Redis may still be away when it begins: `check` says so."""
        starting = asyncio.create_task(self.start())
        starting.add_done_callback(_log_failed_start)
        try:
            yield
        finally:
            self._stopping.set()
            await end_tasks([starting])
            await self.stop()

    async def start(self) -> None:
        """Wait for Redis, create the groups, and begin to consume."""
        await self._connect()
        self._tasks = [
            asyncio.create_task(Reclaimer(self._redis, processor, self._metrics).run(self._stopping))
            for processor in self._processors
        ]
        self._tasks.append(asyncio.create_task(self._watch()))
        self._tasks.append(asyncio.create_task(self._parked.run(self._stopping)))

    async def _connect(self) -> None:
        while not self._stopping.is_set():
            broker = self._make_broker()
            try:
                await ensure_groups(self._redis, self._settings.partitions)
                self._adopt_client(await broker.connect())
                await broker.start()
            except (RedisError, OSError) as error:
                log.warning("waiting for Redis", error=str(error))
                with suppress(Exception):
                    await broker.stop()
                await wait_or_stop(self._stopping, 1)
            else:
                self._broker = broker
                return

    def _make_broker(self) -> RedisBroker:
        broker = RedisBroker(
            redis_url(self._settings),
            apply_types=False,
            # Two lines a batch at INFO say nothing that ours do not.
            logger=logging.getLogger("faststream"),
            log_level=logging.DEBUG,
            graceful_timeout=self._settings.drain_timeout_s * DRAIN_SHARE,
            # Without one, a Redis that hangs would hang the loop for ever.
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
        )
        for processor in self._processors:
            subscribe = broker.subscriber(
                stream=StreamSub(
                    processor.key,
                    group=self._group,
                    consumer=self.consumer,
                    batch=True,
                    max_records=self._max_records,
                    polling_interval=POLL_MS,
                ),
                ack_policy=AckPolicy.MANUAL,
                parser=_parse,
                decoder=_decode,
            )
            subscribe(_batch_handler(processor))
        return broker

    def _adopt_client(self, client: Any) -> None:
        """Change two commands of FastStream's client.

        XREADGROUP notes when the loop read each stream: it shows nobody, and it can die unseen. (Redis
        before 7.2 does not tell either: an empty read leaves no trace in XINFO CONSUMERS.) And it pauses
        after a refusal, which FastStream repeats at once, tens of thousands of times a minute.
        XGROUP CREATE does nothing: our groups exist, and a full Redis would refuse it.
        """
        read = client.xreadgroup

        async def noted_read(*args: Any, **kwargs: Any) -> Any:
            try:
                reply = await read(*args, **kwargs)
            except ResponseError as error:
                if "NOGROUP" not in str(error):
                    log.warning("read refused", stream=self._spec.name, error=str(error))
                    await wait_or_stop(self._stopping, 1)
                raise
            self._read_at.update(dict.fromkeys(kwargs["streams"], time.monotonic()))
            return reply

        async def group_exists(*_: Any, **__: Any) -> bool:
            return True

        client.xreadgroup = noted_read
        client.xgroup_create = group_exists

    async def _watch(self) -> None:
        """Bring FastStream's loop back when it has ended: it stops for good when its group is lost."""
        while not self._stopping.is_set():
            await wait_or_stop(self._stopping, WATCH_INTERVAL_S)
            if self._stopping.is_set():
                return
            self._end_if_hung()
            broker = self._broker
            if broker is not None and not all(subscriber.running for subscriber in broker.subscribers):
                log.error("the consuming loop has ended, starting it again", stream=self._spec.name)
                self._broker = None
                with suppress(Exception):
                    await broker.stop()
                await self._connect()

    def _end_if_hung(self) -> None:
        """End this process when a handler hangs: its thread cannot be stopped, and its entries must go on.

        Whoever supervises us starts another; an entry that does it again and again becomes a dead letter.
        """
        for processor in self._processors:
            if processor.handling_s > self._settings.handler_timeout_s:
                log.critical("the handler hangs, this process ends", stream=processor.key,
                             seconds=round(processor.handling_s))  # fmt: skip
                self._exit_process(HUNG_EXIT_CODE)

    async def check(self) -> str | None:
        """Return what keeps this consumer from working, or None. For readiness."""
        for processor in self._processors:
            if processor.halted:
                return f"halted: {processor.halted}"
            if processor.stalled:
                return f"stalled: {processor.stalled}"
            if processor.handling_s > self._settings.handler_timeout_s / 2:
                return f"{processor.key}: at one batch for {processor.handling_s:.0f} s"
        if any(task.done() for task in self._tasks):
            return "a background task has ended"
        if self._broker is None:
            return "waiting for Redis"
        silent_since = time.monotonic() - LOOP_SILENT_S
        for processor in self._processors:
            if not processor.busy and self._read_at.get(processor.key, 0.0) < silent_since:
                return f"{processor.key} has not been read for {LOOP_SILENT_S:.0f} s"
        try:
            await self._redis.ping()
        except (RedisError, OSError) as error:
            return f"Redis does not answer: {error}"
        return None

    async def stop(self) -> None:
        """Stop reading, finish what is in hand within the drain timeout, and leave nothing behind."""
        self._stopping.set()
        loop = asyncio.get_running_loop()
        abandoning = loop.call_later(self._settings.drain_timeout_s * ABANDON_SHARE, self._abandon)
        for processor in self._processors:
            if processor.halted or processor.stalled:
                processor.stop()
        if self._broker is not None:
            await self._broker.stop()
        if self._tasks:
            # Not cancelled: a commit goes on in its thread, and the index must not be closed under it.
            await asyncio.wait(self._tasks, timeout=self._settings.drain_timeout_s * DRAIN_SHARE)
            await end_tasks(self._tasks)
        abandoning.cancel()
        self._abandon()
        with suppress(RedisError, OSError):
            await run_many(
                self._redis,
                FORGET_CONSUMER,
                [Call((processor.key,), (self._group, self.consumer)) for processor in self._processors],
            )
        await self._redis.aclose()

    def _abandon(self) -> None:
        for processor in self._processors:
            processor.stop()


def _log_failed_start(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the consumer could not start", error=repr(error), exc_info=error)


def _batch_handler(processor: StreamProcessor) -> Any:
    async def handle(entries: list[Entry]) -> None:
        await processor.process(entries)

    return handle
