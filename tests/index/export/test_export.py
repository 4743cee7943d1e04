"""Exports over real connections: complete, of one moment, in little memory, and never cut off in silence."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.index.api import answer_index_failed
from services.index.engine.protocol import IndexFailed, Query, ScanPage
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.export import routes
from services.index.export.routes import export_router
from services.index.query.nodes import Node
from services.index.query.parser import parse
from shared.events import Related
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.articles import NOW, article_id, enriched, minutes, retracted
from tests.index.saved import OneSaved
from tests.index.serving import ask, served
from tests.support import eventually


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def app_of(engine: Any, keys: ApiKeys | None = None, metrics: Metrics | None = None) -> FastAPI:
    app = FastAPI()
    metrics = metrics or Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.add_exception_handler(IndexFailed, answer_index_failed)
    app.include_router(export_router(engine, OneSaved(), metrics, keys, now=lambda: NOW))
    return app


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://index",
        headers={"accept-encoding": "identity"},
    )


def fill(engine: TantivyEngine, count: int, **fields: Any) -> None:
    engine.upsert_many(
        [enriched(str(n), f"T{n}", published_at=NOW - minutes(n), **fields) for n in range(count)], NOW
    )
    engine.commit()


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


async def test_ndjson_holds_every_match_as_it_is_served(engine: TantivyEngine) -> None:
    fill(engine, 300, body="word " * 500)
    engine.upsert_many([enriched("x", "Other", language="fr"), retracted("7")], NOW)
    engine.commit()
    async with client_of(app_of(engine)) as client:
        response = await client.get("/v1/export", params={"language": "en"})
    assert response.headers["content-type"] == "application/x-ndjson; charset=utf-8"
    assert response.headers["content-disposition"] == 'attachment; filename="wireroom-2026-11-20.ndjson"'
    articles = lines_of(response.content)
    assert [article["title"] for article in articles] == [f"T{n}" for n in range(300) if n != 7]
    held = engine.get(article_id("0"))
    assert held is not None and response.content.startswith(held.json + b"\n")  # type: ignore[union-attr]


async def test_links_to_articles_that_are_gone_are_left_out(engine: TantivyEngine) -> None:
    links = tuple(
        Related(kind="similar", id=article_id(key), title=key, why="alike")
        for key in ("kept", "gone", "never")
    )
    cited = Related(kind="cited", url="https://e.example/", why="linked")
    engine.upsert_many(
        [enriched("a", related=(*links, cited)), enriched("kept"), enriched("gone"), retracted("gone")], NOW
    )
    engine.commit()
    async with client_of(app_of(engine)) as client:
        articles = lines_of((await client.get(f"/v1/export?q=id:{article_id('a')}")).content)
    assert [link.get("title") for link in articles[0]["related"]] == ["kept", None]


async def test_csv_is_a_table_with_a_head(engine: TantivyEngine) -> None:
    fill(engine, 3, source="=cmd|' /C calc'!A0")
    async with client_of(app_of(engine)) as client:
        response = await client.get("/v1/export?format=csv")
        marked = await client.get("/v1/export?format=csv&bom=true")
        empty = await client.get("/v1/export?format=csv&q=nothing")
    assert response.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))
    assert [row["title"] for row in rows] == ["T0", "T1", "T2"]
    assert {row["source"] for row in rows} == {"'=cmd|' /C calc'!A0"}
    assert marked.content == b"\xef\xbb\xbf" + response.content
    assert empty.content.startswith(b"id,revision,title,") and empty.content.count(b"\n") == 1


async def test_a_saved_search_is_exported_by_its_id(engine: TantivyEngine) -> None:
    engine.upsert_many(
        [enriched("a", "The pier"), enriched("b", "A bridge"), enriched("c", "Le pier", language="fr")], NOW
    )
    engine.commit()
    async with client_of(app_of(engine)) as client:
        found = lines_of((await client.get("/v1/export?saved=abc")).content)
        unknown = await client.get("/v1/export?saved=abd")
        both = await client.get("/v1/export?saved=abc&language=fr")
    assert [article["title"] for article in found] == ["The pier"]
    assert unknown.status_code == 404
    assert both.status_code == 400 and both.json()["errors"][0]["pointer"] == "query/saved"


async def test_nothing_found_is_an_empty_file(engine: TantivyEngine) -> None:
    async with client_of(app_of(engine)) as client:
        response = await client.get("/v1/export")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("format=xml", "query/format"),
        ("bom=true", "query/bom"),
        ("q=(a", "query/q"),
        ("from=x", "query/from"),
    ],
)
async def test_a_wrong_parameter_is_named(engine: TantivyEngine, query: str, place: str) -> None:
    async with client_of(app_of(engine)) as client:
        response = await client.get(f"/v1/export?{query}")
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == place


async def test_reading_needs_a_key_where_there_are_keys(engine: TantivyEngine) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('s3cret')}", "WIREROOM_READ_KEYS")
    async with client_of(app_of(engine, keys)) as client:
        assert (await client.get("/v1/export")).status_code == 401
        assert (await client.get("/v1/export", headers={"x-api-key": "s3cret"})).status_code == 200


async def test_it_is_compressed_for_whoever_takes_that(engine: TantivyEngine) -> None:
    fill(engine, 500, body="word " * 200)
    async with served(app_of(engine)) as port:
        reader, writer = await ask(port, "/v1/export", accept_encoding="br, gzip", connection="close")
        answer = await reader.read(-1)
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head and b"vary: Accept-Encoding" in head
    content = gzip.decompress(dechunked(body))
    assert len(lines_of(content)) == 500 and len(body) < len(content) / 5


def dechunked(body: bytes) -> bytes:
    """Raises AssertionError unless the body ends as it should."""
    parts = []
    while True:
        size, _, body = body.partition(b"\r\n")
        assert size, "the body was cut off"
        if int(size, 16) == 0:
            return b"".join(parts)
        parts.append(body[: int(size, 16)])
        assert len(body) >= int(size, 16) + 2, "the body was cut off"
        body = body[int(size, 16) + 2 :]


class Failing:
    """An engine whose disk gives up in the middle of a scan."""

    def __init__(self, engine: TantivyEngine, good_batches: int) -> None:
        self._engine = engine
        self._left = good_batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def scan(self, query: Query, place: object | None = None) -> ScanPage:
        if self._left == 0:
            raise IndexFailed("a document has no json")
        self._left -= 1
        return self._engine.scan(query, place)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_failure_in_the_middle_cannot_be_taken_for_the_end(
    engine: TantivyEngine, coding: str
) -> None:
    fill(engine, 500, body="word " * 500)
    async with served(app_of(Failing(engine, 2))) as port:
        async with httpx2.AsyncClient() as client:
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.get(f"http://127.0.0.1:{port}/v1/export", headers={"accept-encoding": coding})
        reader, writer = await ask(port, "/v1/export", accept_encoding=coding)
        assert b" 503 " in await reader.readline()
        writer.close()


async def test_a_failure_at_once_is_told_by_the_status(engine: TantivyEngine) -> None:
    async with client_of(app_of(Failing(engine, 0))) as client:
        response = await client.get("/v1/export")
    assert response.status_code == 503 and response.headers["retry-after"]


def counting(engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the batches that are read."""
    batches: list[int] = []
    scan = engine.scan

    def counted(query: Query, place: object | None = None) -> ScanPage:
        page = scan(query, place)
        batches.append(len(page.articles))
        return page

    monkeypatch.setattr(engine, "scan", counted)
    return batches


async def test_no_more_is_read_than_the_client_takes(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(engine, 1_200, body="word " * 4_000)  # 24 MB, more than all buffers on the way
    batches = counting(engine, monkeypatch)
    async with served(app_of(engine)) as port:
        reader, writer = await ask(port, "/v1/export")
        await reader.readline()
        seen = -1
        while seen != len(batches):
            seen = len(batches)
            await asyncio.sleep(0.3)
        assert 0 < sum(batches) < 1_000
        # Who hangs up ends the work.
        writer.transport.abort()
        await asyncio.sleep(0.3)
        ended = len(batches)
        await asyncio.sleep(0.3)
        assert len(batches) == ended and sum(batches) < 1_000


def anonymous_bytes() -> int:
    """Return the memory of this process that is no file's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"RssAnon:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) * 1024


async def test_an_export_takes_the_same_memory_however_long_it_is(engine: TantivyEngine) -> None:
    fill(engine, 700, body="word " * 4_000)
    async with served(app_of(engine)) as port:
        for measured in (False, True):  # the first warms what is made once
            reader, writer = await ask(port, "/v1/export?format=csv", connection="close")
            await reader.readline()
            before, most, size = anonymous_bytes(), 0, 0
            while piece := await reader.read(64 * 1024):
                size += len(piece)
                most = max(most, anonymous_bytes() - before)
            writer.close()
            assert size > 14_000_000
            if measured:
                assert most < 8_000_000


async def test_articles_that_come_meanwhile_disturb_nothing(engine: TantivyEngine) -> None:
    fill(engine, 1_000, body="word " * 4_000)
    async with served(app_of(engine)) as port:
        reader, writer = await ask(port, "/v1/export", connection="close")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head
        for round_ in range(3):
            engine.upsert_many(
                [
                    enriched(str(n), "moved", revision=2 + round_, published_at=NOW - minutes(990))
                    for n in range(50)
                ]
                + [enriched(f"new-{round_}", "new", published_at=NOW - minutes(999.5))]
                + [retracted(str(999 - round_))],
                NOW,
            )
            engine.commit()
        content = dechunked(await reader.read(-1))
        writer.close()
    assert [article["title"] for article in lines_of(content)] == [f"T{n}" for n in range(997)]


async def test_there_is_a_bound_on_exports_at_once(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "MAX_EXPORTS", 1)
    asked_for: set[Node] = set()
    scan = TantivyEngine.scan

    def noting(self: TantivyEngine, query: Query, *place: Any) -> ScanPage:
        asked_for.add(query.node)
        return scan(self, query, *place)

    monkeypatch.setattr(TantivyEngine, "scan", noting)
    fill(engine, 1_000, body="word " * 4_000)
    metrics = Metrics()
    async with served(app_of(engine, metrics=metrics)) as port, httpx2.AsyncClient() as client:
        reader, held = await ask(port, "/v1/export")
        # Only now is it the one that is held, and not the one that is refused.
        assert b" 200 " in await reader.readline()
        refused = await eventually(lambda: _refused(client, port))
        assert refused.headers["retry-after"]
        # Who is refused has the index read nothing; the one that is held goes on to read.
        assert asked_for.isdisjoint({parse("T1", lenient=False).node})
        held.transport.abort()

        async def free() -> bool:
            return (await client.get(f"http://127.0.0.1:{port}/v1/export?q=T1")).status_code == 200

        await eventually(free)
    assert b'wireroom_exported_articles_total{format="ndjson"}' in metrics.exposition()


async def _refused(client: httpx2.AsyncClient, port: int) -> httpx2.Response | None:
    response = await client.get(f"http://127.0.0.1:{port}/v1/export?q=T1")
    return response if response.status_code == 503 else None


def test_a_compressed_export_that_is_cut_off_is_no_gzip_file() -> None:
    from services.index.export.compression import Gzip

    stream = Gzip()
    piece = stream.piece(b"x" * 1_000_000)
    with pytest.raises(EOFError):
        gzip.decompress(piece)
    assert zlib.decompress(piece + stream.end(), 31) == b"x" * 1_000_000
