"""A consumer of articles.raw on the test's own Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.metrics import Metrics
from shared.runtime.consumer import StreamConsumer
from shared.runtime.delivery import Handler
from shared.settings import ServiceSettings
from shared.streams import ENRICHED, RAW

Start = Callable[..., Any]


@pytest.fixture
async def start(redis: Redis, redis_url: str) -> AsyncIterator[Start]:
    """Start a consumer of articles.raw with a given handler; every consumer is stopped after the test."""
    consumers: list[StreamConsumer] = []

    async def start_consumer(
        handler: Handler,
        *,
        max_records: int = 50,
        exit_process: Callable[[int], Any] = pytest.fail,
        **settings: Any,
    ) -> StreamConsumer:
        values: dict[str, Any] = {"retry_base_s": 0.02, "reclaim_idle_s": 0.4, "drain_timeout_s": 3}
        consumer = StreamConsumer(
            ServiceSettings(redis_url=redis_url, **(values | settings)),
            spec=RAW,
            group="enrich",
            handler=handler,
            next_spec=ENRICHED,
            max_records=max_records,
            metrics=Metrics(),
            exit_process=exit_process,
        )
        consumers.append(consumer)
        await consumer.start()
        return consumer

    yield start_consumer
    for consumer in consumers:
        await consumer.stop()
