"""The live wire over real connections: nothing lost, nothing twice, no client another's burden."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.index.archive import Archive
from services.index.engine.protocol import ArrivalKey, Hit, IndexableEvent, IndexFailed, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.live import wire
from services.index.live.routes import stream_events, stream_router
from services.index.live.wire import Wire
from services.index.query.nodes import Term
from services.index.reindex import reindex
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http, serve
from shared.metrics import Metrics
from tests.conftest import free_port
from tests.index.articles import NOW, article_id, enriched, retracted
from tests.index.saved import OneSaved
from tests.support import eventually


class Desk:
    """An index that is written to as the service writes, and served."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.metrics = Metrics()
        self.archive = Archive(data_dir)
        self.engine = TantivyEngine(data_dir)
        self.wire = Wire(self.engine)
        self.at = NOW
        self.port = 0

    def store(self, *events: IndexableEvent) -> None:
        self.at += timedelta(seconds=1)
        outcomes = self.engine.upsert_many(events, self.at)
        self.archive.append(events, self.at)
        self.engine.commit()
        self.wire.committed(self.at, [one.article_id for one in outcomes if one.outcome == "retracted"])

    def app(self, keys: ApiKeys | None = None, max_streams: int = 20) -> FastAPI:
        app = FastAPI()
        install_http(app, metrics=self.metrics, limits=Limits())
        app.include_router(stream_router(self.wire, OneSaved(), self.metrics, keys, max_streams=max_streams))
        return app

    @asynccontextmanager
    async def serving(self, **options: Any) -> AsyncIterator[asyncio.Event]:
        self.port, stop, started = free_port(), asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(
            serve(
                self.app(**options), "127.0.0.1", self.port,
                drain_timeout_s=6, stop=stop, started=started, on_drain=self.wire.end,
            )
        )  # fmt: skip
        await started.wait()
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(serving, 10)

    def close(self) -> None:
        self.engine.close()
        self.archive.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.close()


class Listener:
    """A client that keeps what it is told, and resumes as a browser does."""

    def __init__(self, desk: Desk, query: str = "") -> None:
        self.desk = desk
        self.query = query
        self.events: list[tuple[str, str]] = []
        self.last_id: str | None = None
        self.beats = 0
        self.ended = False
        self.started = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Listener:
        self._task = asyncio.create_task(self._listen())
        await asyncio.wait_for(self.started.wait(), 5)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        headers = {"last-event-id": self.last_id} if self.last_id else {}
        url = f"http://127.0.0.1:{self.desk.port}/v1/stream?{self.query}"
        async with (
            httpx2.AsyncClient(timeout=None) as client,
            client.stream("GET", url, headers=headers) as response,
        ):
            assert response.status_code == 200, await response.aread()
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            await self._read(response)
        self.ended = True

    async def _read(self, response: httpx2.Response) -> None:
        name = ""
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "retry":
                self.started.set()
            elif field == "event":
                name = value
            elif field == "id":
                self.last_id = value
            elif field == "data":
                self.events.append((name, json.loads(value)["id"]))
            elif line == ":":
                self.beats += 1

    def heard(self, article: str) -> bool:
        return article in self.articles()

    def articles(self) -> list[str]:
        return [each for name, each in self.events if name == "article"]


def ids(*keys: str) -> list[str]:
    return [article_id(key) for key in keys]


async def test_articles_come_as_they_become_searchable(desk: Desk) -> None:
    desk.store(enriched("before"))
    async with desk.serving(), Listener(desk) as listener:
        desk.store(enriched("a"))
        desk.store(enriched("b"), retracted("c"))
        await eventually(lambda: listener.articles() == ids("a", "b"))
        desk.store(enriched("a", revision=2))
        await eventually(lambda: listener.articles() == ids("a", "b", "a"))


async def test_only_what_matches_comes(desk: Desk) -> None:
    async with desk.serving(), Listener(desk, "q=pier&language=en&sentiment=negative") as listener:
        desk.store(
            enriched("a", body="The pier.", sentiment=-0.9),
            enriched("b", body="The pier.", sentiment=0.9),
            enriched("c", body="A bridge.", sentiment=-0.9),
            enriched("d", body="The pier.", sentiment=-0.9, language="fr"),
        )
        desk.store(enriched("e", body="Piers.", sentiment=-0.9))
        await eventually(lambda: listener.articles() == ids("a", "e"))


async def test_a_saved_search_is_listened_to_by_its_id(desk: Desk) -> None:
    async with desk.serving(), Listener(desk, "saved=abc") as listener:
        desk.store(enriched("a", "The pier"), enriched("b", "A bridge"))
        desk.store(enriched("c", "Piers"))
        await eventually(lambda: listener.articles() == ids("a", "c"))


async def test_who_comes_back_misses_nothing_and_hears_nothing_twice(desk: Desk) -> None:
    async with desk.serving():
        async with Listener(desk) as listener:
            desk.store(*(enriched(f"a{n}") for n in range(5)))
            await eventually(lambda: len(listener.articles()) == 5)
        desk.store(*(enriched(f"b{n}") for n in range(230)))
        desk.store(enriched("c"))
        async with listener:
            await eventually(lambda: len(listener.articles()) == 236)
            desk.store(enriched("d"))
            await eventually(lambda: listener.articles()[-1] == article_id("d"))
    assert len(listener.articles()) == len(set(listener.articles())) == 237


async def test_it_is_resumed_from_the_middle_of_a_commit(desk: Desk) -> None:
    async with desk.serving():
        async with Listener(desk) as listener:
            desk.store(*(enriched(str(n)) for n in range(30)))
            await eventually(lambda: len(listener.articles()) == 30)
        first = listener.articles()
        key = desk.wire.position.indexed_us
        for seen in (0, 1, 17, 29):
            async with Listener(desk, f"last_event_id={key}-{first[seen][:16]}") as again:
                desk.store(enriched(f"end-{seen}"))
                await eventually(partial(again.heard, article_id(f"end-{seen}")))
            assert again.articles()[: 29 - seen] == first[seen + 1 :]


async def test_it_is_resumed_after_a_restart_and_a_reindex(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    async with desk.serving(), Listener(desk) as listener:
        desk.store(*(enriched(f"a{n}") for n in range(10)))
        await eventually(lambda: len(listener.articles()) == 10)
    desk.store(*(enriched(f"b{n}") for n in range(10)))
    desk.close()
    reindex(tmp_path)
    again = Desk(tmp_path)
    again.at = desk.at
    listener.desk = again
    async with again.serving(), listener:
        again.store(enriched("c"))
        await eventually(lambda: listener.articles()[-1] == article_id("c"))
    assert len(listener.articles()) == len(set(listener.articles())) == 21
    again.close()


async def test_what_is_taken_down_is_told_to_all(desk: Desk) -> None:
    desk.store(enriched("a"), enriched("b"))
    async with desk.serving(), Listener(desk, "q=nothing") as listener:
        desk.store(retracted("a"), retracted("b", withheld=True, revision=2))
        await eventually(lambda: listener.events == [("retracted", article_id(key)) for key in "ab"])


async def test_what_is_restored_stays(desk: Desk) -> None:
    desk.store(enriched("a"))
    async with desk.serving(), Listener(desk) as listener:
        desk.store(retracted("a"))
        desk.store(enriched("a", epoch=1))  # both before the stream has looked
        await eventually(lambda: len(listener.events) == 2)
        assert [name for name, _ in listener.events] == ["retracted", "article"]


async def test_takedowns_that_were_missed_are_told_on_return(desk: Desk) -> None:
    async with desk.serving():
        async with Listener(desk) as listener:
            desk.store(enriched("a"))
            await eventually(lambda: listener.articles() == ids("a"))
        desk.store(retracted("a"))
        async with listener:
            await eventually(lambda: ("retracted", article_id("a")) in listener.events)


async def test_takedowns_that_were_missed_are_told_after_a_restart_too(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.at = NOW + timedelta(minutes=1)
    async with desk.serving(), Listener(desk) as listener:
        desk.store(enriched("a"), enriched("b"))
        await eventually(lambda: len(listener.articles()) == 2)
    desk.store(retracted("a", received_at=desk.at), enriched("c"))
    desk.close()
    again = Desk(tmp_path)
    listener.desk = again
    async with again.serving(), listener:
        await eventually(lambda: len(listener.articles()) == 3)
    assert ("retracted", article_id("a")) in listener.events
    again.close()


async def test_silence_is_filled_with_heartbeats(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = stream_events(desk.wire, desk.metrics, Query(), desk.wire.position, heartbeat_s=0.05)
    assert (await anext(silent)).startswith(b"retry: ")
    assert [await anext(silent) for _ in range(3)] == [b":\n\n"] * 3
    await silent.aclose()  # type: ignore[attr-defined]


async def test_streams_end_at_once_when_the_service_does(desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    async with desk.serving() as stop, Listener(desk) as one, Listener(desk, "q=x") as other:
        began = loop.time()
        stop.set()
        await eventually(lambda: one.ended and other.ended, within_s=2)
    assert loop.time() - began < 3


async def test_a_stream_that_is_asked_for_at_the_end_is_refused(desk: Desk) -> None:
    desk.wire.end()
    transport = httpx2.ASGITransport(app=desk.app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        response = await client.get("/v1/stream")
    assert response.status_code == 503 and response.headers["retry-after"]


async def test_there_is_a_bound_on_streams_and_hanging_up_frees_one(desk: Desk) -> None:
    async with desk.serving(max_streams=2), httpx2.AsyncClient() as client:
        url = f"http://127.0.0.1:{desk.port}/v1/stream"
        async with Listener(desk), Listener(desk):
            assert b"wireroom_streams_open 2.0" in desk.metrics.exposition()
            refused = await client.get(url)
            assert refused.status_code == 503 and refused.headers["retry-after"]
        await eventually(lambda: b"wireroom_streams_open 0.0" in desk.metrics.exposition())
        async with Listener(desk) as listener:
            desk.store(enriched("a"))
            await eventually(lambda: listener.articles() == ids("a"))


@pytest.mark.parametrize(
    ("query", "headers", "place"),
    [
        ("last_event_id=x", {}, "query/last_event_id"),
        ("", {"last-event-id": "1-2"}, "header/last-event-id"),
        ("q=(a", {}, "query/q"),
        ("sentiment=sad", {}, "query/sentiment"),
    ],
)
async def test_a_wrong_parameter_is_named(
    desk: Desk, query: str, headers: dict[str, str], place: str
) -> None:
    transport = httpx2.ASGITransport(app=desk.app())
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        response = await client.get(f"/v1/stream?{query}", headers=headers)
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"].startswith(place)


async def test_listening_needs_a_key_where_there_are_keys(desk: Desk) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('s3cret')}", "WIREROOM_READ_KEYS")
    transport = httpx2.ASGITransport(app=desk.app(keys))
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        assert (await client.get("/v1/stream")).status_code == 401


class Asked:
    """An engine that counts what it is asked, and may fail."""

    def __init__(self, engine: TantivyEngine) -> None:
        self._engine = engine
        self.questions: list[tuple[Query, ArrivalKey | None]] = []
        self.fails = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def arrivals(self, query: Query, after: ArrivalKey | None, limit: int) -> tuple[Hit, ...]:
        self.questions.append((query, after))
        if self.fails:
            raise IndexFailed("a document has no card")
        return self._engine.arrivals(query, after, limit)


async def take(streams: Sequence[AsyncIterator[bytes]]) -> list[bytes]:
    return await asyncio.wait_for(asyncio.gather(*(anext(stream) for stream in streams)), 5)


async def test_what_many_ask_is_asked_once(desk: Desk) -> None:
    engine = Asked(desk.engine)
    desk.wire = Wire(engine)  # type: ignore[arg-type]
    queries = [Query(node=Term("word"), highlight=False) for _ in range(10)]
    streams = [stream_events(desk.wire, desk.metrics, each, desk.wire.position) for each in queries]
    await take(streams)
    waiting = asyncio.gather(*(anext(stream) for stream in streams))
    await eventually(lambda: engine.questions)
    desk.store(enriched("other", body="nothing of it"))
    desk.store(enriched("a", body="word"))
    assert len(set(await asyncio.wait_for(waiting, 5))) == 1
    # Whether they were asked at first, or had nothing to hear of the first commit: at one place they are one.
    assert len(engine.questions) <= 3
    late = stream_events(desk.wire, desk.metrics, queries[0], desk.wire.position)
    await take([late])
    before = len(engine.questions)
    waiting = asyncio.gather(*(anext(stream) for stream in [*streams, late]))
    desk.store(enriched("b", body="word"))
    assert len(set(await asyncio.wait_for(waiting, 5))) == 1
    assert len(engine.questions) - before <= 2
    for stream in [*streams, late]:
        await stream.aclose()  # type: ignore[attr-defined]


async def test_who_hangs_up_takes_the_answer_from_nobody(desk: Desk) -> None:
    desk.store(*(enriched(str(n)) for n in range(3)))
    asked = [asyncio.create_task(desk.wire.after(Query(), ArrivalKey(0, ""))) for _ in range(2)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert (await asked[1]).count == 3


async def test_a_stream_ends_when_the_index_fails_and_is_resumed_when_it_is_mended(desk: Desk) -> None:
    engine = Asked(desk.engine)
    desk.wire = Wire(engine)  # type: ignore[arg-type]
    async with desk.serving():
        listener = Listener(desk)
        async with listener:
            desk.store(enriched("a"))
            await eventually(lambda: listener.articles() == ids("a"))
            engine.fails = True
            desk.store(enriched("b"))
            await eventually(lambda: listener.ended)
        engine.fails = False
        async with listener:
            await eventually(lambda: listener.articles() == ids("a", "b"))


async def test_answers_are_kept_for_a_bounded_number_of_questions(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_ANSWERS", 4)
    desk.store(enriched("a"))
    batches = [await desk.wire.after(Query(), ArrivalKey(n, "")) for n in range(20)]
    assert {batch.count for batch in batches} == {1}
    assert len(desk.wire._answers) <= 4


async def test_a_client_that_does_not_read_holds_up_nobody(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk.serving():
        _, deaf = await asyncio.open_connection("127.0.0.1", desk.port, limit=1024)
        deaf.write(b"GET /v1/stream HTTP/1.1\r\nhost: x\r\n\r\n")
        async with Listener(desk) as listener:
            for n in range(20):
                desk.store(*(enriched(f"{n}-{m}", "t" * 900, "b" * 300) for m in range(100)))
            await eventually(lambda: len(listener.articles()) == 2_000, within_s=20)
        deaf.transport.abort()
