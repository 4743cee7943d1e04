"""The ingest service in this process, over a real Redis; and as a process of its own where that matters."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.streams import EVENT_FIELD, RAW
from tests.support import mark_state

Start = Callable[..., Awaitable[httpx2.AsyncClient]]

ARTICLE: dict[str, Any] = {
    "id": "2023/06/19/1",
    "url": "https://www.example.com/news/1?utm_source=rss",
    "title": "Ministers meet in Bali",
    "body": "Ministers of twenty countries met in Bali on Monday.",
    "source": "Example Wire",
    "published_at": "2023-06-19T14:00:00Z",
}


@pytest.fixture
async def start_ingest(redis: Redis, redis_url: str) -> AsyncIterator[Start]:
    """Start the service with the given settings and return a client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, ready: bool = True, **settings: Any) -> httpx2.AsyncClient:
            given = {"redis_url": redis_url, "backlog_interval_s": 0.2, **settings}
            # As the index service does at its first start.
            await mark_state(redis, given.get("partitions", 1), "first")
            app = create_app(IngestSettings(**given))
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx2.ASGITransport(app=app)
            client = await stack.enter_async_context(
                httpx2.AsyncClient(transport=transport, base_url="http://ingest", timeout=20)
            )
            while ready and (await client.get("/readyz")).status_code != 200:
                pass
            return client

        yield start


@pytest.fixture
async def ingest(start_ingest: Start) -> httpx2.AsyncClient:
    """A client of an open ingest service, as on loopback with no secret configured."""
    return await start_ingest()


@pytest.fixture
def events(redis: Redis) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """Return what is on the raw stream, oldest first."""

    async def read() -> list[dict[str, Any]]:
        return [json.loads(fields[EVENT_FIELD]) for _, fields in await redis.xrange(RAW.key(0))]

    return read
