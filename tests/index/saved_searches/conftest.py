"""An index service's storing side with saved searches, a clock to turn, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.index.archive import Archive
from services.index.engine.protocol import IndexableEvent
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.handler import StoreHandler
from services.index.saved_searches.documents import SavedSearchInput
from services.index.saved_searches.parts import SavedSearchParts
from services.index.saved_searches.records import SavedSearch
from services.index.settings import IndexSettings
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Entry, Result
from tests.support import NOW

Answer = str | bytes | None
_INPUT = TypeAdapter(SavedSearchInput)


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def type(self) -> str:
        return str(self.document["type"])

    @property
    def webhook_id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """Takes webhooks on loopback. `answer` says what to a request: status line and headers; None hangs up."""

    answer: Callable[[Received], Answer] = lambda _: "204 No Content"
    received: list[Received] = field(default_factory=list)
    port: int = 0
    # Requests that are not answered until it is set.
    hold: asyncio.Event | None = None
    server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.received]

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            # Values are wanted as they came.
            for line in head[1:]:
                name, colon, value = line.partition(": ")
                if colon:
                    headers[name.lower()] = value
            body = await reader.readexactly(int(headers["content-length"]))
            one = Received(headers, body)
            self.received.append(one)
            if self.hold is not None:
                await self.hold.wait()
            answer = self.answer(one)
            if isinstance(answer, str):
                writer.write(f"HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n".encode())
            elif answer is not None:
                writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@dataclass
class World:
    data_dir: Path
    clock: Clock
    engine: TantivyEngine
    archive: Archive
    metrics: Metrics
    saved: SavedSearchParts
    handler: StoreHandler

    def save(self, name: str = "Storms", q: str = "storm", **fields: Any) -> SavedSearch:
        return self.saved.service.create(_INPUT.validate_python({"name": name, "q": q, **fields}))

    async def handler_only(self, *events: IndexableEvent) -> Sequence[Result]:
        """Do what comes before the acknowledgement."""
        return await self.handler([Delivery(Entry(f"{n}-0", {}), event) for n, event in enumerate(events, 1)])

    async def store(self, *events: IndexableEvent) -> Sequence[Result]:
        results = await self.handler_only(*events)
        await self.saved.matcher.spread()
        return results

    async def deliver(self) -> None:
        await self.saved.matcher.spread()
        await self.saved.deliverer.deliver_due()

    def current(self, search: SavedSearch) -> SavedSearch:
        found = self.saved.searches.get(search.id)
        assert found is not None
        return found

    def pending(self, search: SavedSearch) -> int:
        statistics = self.saved.service.statistics(search)
        assert statistics is not None
        return statistics.pending

    def log(self, search: SavedSearch) -> list[tuple[str, int | None]]:
        """Outcomes and statuses of all attempts, the oldest first."""
        found = self.saved.service.history.deliveries(search.key, None, 1000)
        return [(one.outcome, one.status) for one in reversed(found)]

    def value(self, name: str, **labels: str) -> float:
        found = self.metrics.registry.get_sample_value(name, labels)
        return 0.0 if found is None else found


def settings_of(data_dir: Path, **changes: Any) -> IndexSettings:
    return IndexSettings(data_dir=data_dir, webhook_timeout_s=5.0, **changes)


def open_world(data_dir: Path, clock: Clock, **changes: Any) -> World:
    metrics = Metrics()
    engine, archive = TantivyEngine(data_dir), Archive(data_dir)
    saved = SavedSearchParts.open(settings_of(data_dir, **changes), engine, metrics, clock, lambda: 0.5)
    handler = StoreHandler(
        engine,
        archive,
        metrics,
        full_batch=100,
        commit_interval_s=0,
        stored=saved.matcher,
        clock=clock,
    )
    return World(data_dir, clock, engine, archive, metrics, saved, handler)


async def close_world(world: World) -> None:
    await world.saved.close()
    world.engine.close()
    world.archive.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    opened = open_world(tmp_path, Clock())
    yield opened
    await close_world(opened)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    started = Receiver()
    await started.start()
    yield started
    if started.hold is not None:
        started.hold.set()
    await started.stop()
