"""What goes out: exports, feeds and live streams over HTTP, with the processor time of the serving process.

    python -m bench.sending [--documents 100000] [--streams 200] [--seconds 20] [--keep DIR]
    python -m bench.sending --ingest-url http://127.0.0.1:8001   # of a running Wireroom: from submit to event

The articles are those of bench.search. The server is a process of its own, without Redis: for the live part
it stores 20 articles a second itself, as the service does, with and without listeners.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path

import httpx2
from fastapi import FastAPI

from bench.search import articles, build, material
from services.index.engine.protocol import Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.export.routes import export_router
from services.index.feeds_out.routes import feeds_router
from services.index.live.routes import stream_events, stream_router
from services.index.live.wire import Wire
from services.index.query.parser import parse
from shared.clock import utc_now
from shared.events import ArticleEnriched
from shared.http.limits import Limits
from shared.http.serve import install_http, run, serve
from shared.metrics import Metrics

ARTICLES_PER_S = 20
COMMIT_S = 0.2
_TICK_S = os.sysconf("SC_CLK_TCK")


class NoneSaved:
    """There are no saved searches here."""

    def terms(self, search_id: str) -> None:
        return None

    def name_of(self, search_id: str) -> None:
        return None


async def serving(data_dir: Path, port: int, *, writing: bool) -> None:
    """Serve the index until the process is ended; `writing` adds articles to it all the time."""
    engine, metrics = TantivyEngine(data_dir), Metrics()
    wire = Wire(engine)
    app = FastAPI()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(export_router(engine, NoneSaved(), metrics, None))
    app.include_router(feeds_router(engine, NoneSaved(), metrics, None, None))
    app.include_router(stream_router(wire, NoneSaved(), metrics, None, max_streams=10_000))
    task = asyncio.create_task(write(engine, wire)) if writing else None
    await serve(app, "127.0.0.1", port, drain_timeout_s=2, stop=asyncio.Event())
    if task:
        task.cancel()


async def write(engine: TantivyEngine, wire: Wire) -> None:
    """Store articles that have never been there, titled with the instant they are stored at."""
    stream = articles(material(), 10_000_000)
    run_id = os.urandom(4).hex()
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        at = utc_now()
        batch = [renewed(event, run_id, at) for event in islice(stream, int(ARTICLES_PER_S * COMMIT_S))]
        await asyncio.to_thread(lambda: (engine.upsert_many(batch, at), engine.commit()))  # noqa: B023
        wire.committed(at, [])
        due += COMMIT_S
        await asyncio.sleep(max(due - loop.time(), 0))


def renewed(event: ArticleEnriched, run_id: str, at: datetime) -> ArticleEnriched:
    article_id = run_id + event.article_id[8:]
    article = event.article.model_copy(
        update={"id": article_id, "received_at": at, "published_at": at, "title": f"{at.timestamp():.6f}"}
    )
    return event.model_copy(update={"article_id": article_id, "received_at": at, "article": article})


@contextmanager
def server(data_dir: Path, *flags: str) -> Iterator[tuple[str, int]]:
    """Give the URL and the process id of a server on the index."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "bench.sending", "--serve", str(port), "--keep", str(data_dir), *flags]
    process = subprocess.Popen(command)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx2.get(f"{url}/search.json?size=1", timeout=5)
                break
            except httpx2.TransportError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield url, process.pid
    finally:
        process.terminate()
        process.wait(30)


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK_S


def anonymous_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure_exports(data_dir: Path) -> None:
    with server(data_dir) as (url, pid):
        for query, coding in (
            ("format=ndjson", "identity"), ("format=ndjson", "gzip"),
            ("format=csv", "identity"), ("format=csv", "gzip"),
        ):  # fmt: skip
            began, cpu, memory = time.perf_counter(), cpu_s(pid), anonymous_mb(pid)
            size = most = 0
            headers = {"accept-encoding": coding}
            with httpx2.stream("GET", f"{url}/v1/export?{query}", headers=headers, timeout=60) as answer:
                for piece in answer.iter_raw():
                    size += len(piece)
                    most = max(most, anonymous_mb(pid)) if size % 64 == 0 else most
            took, used = time.perf_counter() - began, cpu_s(pid) - cpu
            grown = max(most, anonymous_mb(pid)) - memory
            print(
                f"export {query:13} {coding:8}  {size / 1e6:7.1f} MB  {took:6.2f} s  "
                f"{size / 1e6 / took:6.1f} MB/s  processor {used:6.2f} s  memory +{grown:.1f} MB"
            )


def measure_feeds(data_dir: Path, repeats: int = 200) -> None:
    with server(data_dir) as (url, pid), httpx2.Client(timeout=30) as client:
        for extension in ("rss", "atom", "json"):
            for path in (f"/search.{extension}?q=minister", f"/search.{extension}?q=minister&content=full"):
                etag = client.get(url + path).headers["etag"]
                for headers in ({}, {"if-none-match": etag}):
                    cpu, times = cpu_s(pid), []
                    for _ in range(repeats):
                        began = time.perf_counter()
                        status = client.get(url + path, headers=headers).status_code
                        times.append((time.perf_counter() - began) * 1000)
                    used = (cpu_s(pid) - cpu) / repeats * 1000
                    print(
                        f"{path:45} {status}  p50 {statistics.median(times):6.2f} ms  "
                        f"processor {used:5.2f} ms"
                    )


async def listen(url: str, query: str, seconds: float, delays: list[float]) -> int:
    """Return how many articles came; `delays` gets the seconds from storing to arrival of one in a commit.

    As little as can be is done with them: the clients share the machine with what is measured.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /v1/stream?{query} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
    count = 0
    try:
        async with asyncio.timeout(seconds):
            while piece := await reader.read(1 << 20):
                count += piece.count(b"\nevent: article") + piece.startswith(b"event: article")
                title = piece.partition(b'"title":"')[2].partition(b'"')[0]
                if title:
                    delays.append(time.time() - float(title))
    except TimeoutError:
        pass
    writer.close()
    return count


async def listen_all(url: str, query: str, count: int, seconds: float, delays: list[float]) -> int:
    listeners = [listen(url, query.format(n=n), seconds, delays) for n in range(count)]
    return sum(await asyncio.gather(*listeners, asyncio.sleep(seconds, 0)))


def measure_live(data_dir: Path, streams: int, seconds: float) -> None:
    cases: Sequence[tuple[str, int, str]] = (
        ("nobody listens", 0, ""),
        ("all hear everything", streams, ""),
        ("each another search", streams, "q=minister+OR+w{n}"),
    )
    for name, count, query in cases:
        with server(data_dir, "--writing") as (url, pid):
            delays: list[float] = []

            time.sleep(1)
            cpu, began = cpu_s(pid), time.perf_counter()
            heard = asyncio.run(listen_all(url, query, count, seconds, delays))
            used = (cpu_s(pid) - cpu) / (time.perf_counter() - began)
            delays.sort()
            told = " ".join(
                f"p{share} {delays[len(delays) * share // 100] * 1000:.0f} ms" for share in (50, 95) if delays
            )
            print(
                f"live: {name:20} {count:4} streams  {heard / seconds:7.0f} events/s  "
                f"processor {used * 100:5.1f} % of a core  from storing to event {told}"
            )


async def measure_waking(data_dir: Path, streams: int, commits: int = 50) -> None:
    """Print what one commit of four articles costs the streams, without HTTP and whatever else runs here."""
    engine, metrics = TantivyEngine(data_dir), Metrics()
    stream, run_id = articles(material(), 10_000_000), os.urandom(4).hex()
    for name, text in (("everything", ""), ("another search each", "minister OR w{n}")):
        wire = Wire(engine)
        heard = [0]

        async def hear(query: Query, wire: Wire = wire, heard: list[int] = heard) -> None:
            async for piece in stream_events(wire, metrics, query, wire.position):
                heard[0] += piece.count(b"event: article")

        nodes = [parse(text.format(n=n), lenient=True).node for n in range(streams)]
        listeners = [asyncio.create_task(hear(Query(node, sort="newest", highlight=False))) for node in nodes]
        await asyncio.sleep(0.5)
        used = 0.0
        for _ in range(commits):
            at = utc_now()
            engine.upsert_many([renewed(event, run_id, at) for event in islice(stream, 4)], at)
            engine.commit()
            began = time.process_time()
            wire.committed(at, [])
            await asyncio.sleep(0.005)
            while wire.asking:  # noqa: ASYNC110  # an event for this bench alone would be more to go wrong
                await asyncio.sleep(0.005)
            used += time.process_time() - began
        print(
            f"{streams} streams of {name}: {used / commits * 1000:.1f} ms of processor a commit of four, "
            f"{heard[0]} events"
        )
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    engine.close()


async def measure_submitted(ingest_url: str, index_url: str, seconds: float, rate: float = 20) -> None:
    """Print how long after its submit to a running Wireroom an article comes over the wire."""
    mark = f"w{os.urandom(4).hex()}"
    sent: dict[str, float] = {}
    came: dict[str, float] = {}

    async def hear(client: httpx2.AsyncClient) -> None:
        async with client.stream("GET", f"{index_url}/v1/stream?q={mark}") as answer:
            async for line in answer.aiter_lines():
                if line.startswith('data: {"id":"'):
                    came[line[13:45]] = time.perf_counter()

    async with httpx2.AsyncClient(timeout=30) as client:
        hearing = asyncio.create_task(hear(httpx2.AsyncClient(timeout=None)))
        await asyncio.sleep(1)
        due = time.perf_counter()
        for event in islice(articles(material(), 10_000_000), int(seconds * rate)):
            body = {
                "title": f"{event.article.title} {mark}",
                "body": event.article.body,
                "id": event.article_id,
            }
            began = time.perf_counter()
            answer = await client.post(f"{ingest_url}/v1/articles", json=body | {"source": mark})
            sent[answer.json()["id"]] = began
            due += 1 / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
        deadline = time.perf_counter() + 20
        while len(came) < len(sent) and time.perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        hearing.cancel()
    took = sorted(came[each] - at for each, at in sent.items() if each in came)
    told = "  ".join(f"p{share} {took[len(took) * share // 100] * 1000:.0f} ms" for share in (50, 95, 99))
    print(f"{len(sent)} submitted, {len(took)} came over the wire, after {told}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--keep", type=Path, help="index to use, made if it is not there")
    parser.add_argument("--only", choices=("export", "feeds", "live"))
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--writing", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--ingest-url", help="of a running Wireroom: measure from submit to event")
    parser.add_argument("--index-url", default="http://127.0.0.1:8003")
    given = parser.parse_args()
    if given.ingest_url:
        asyncio.run(measure_submitted(given.ingest_url, given.index_url, given.seconds))
        return
    if given.serve:
        run(serving(given.keep, given.serve, writing=given.writing))
        return
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = given.keep or Path(scratch)
        engine = TantivyEngine(data_dir)
        if engine.stats().articles == 0:
            build(engine, given.documents)
        print(f"{engine.stats().articles} articles")
        engine.close()
        if given.only in (None, "export"):
            measure_exports(data_dir)
        if given.only in (None, "feeds"):
            measure_feeds(data_dir)
        if given.only in (None, "live"):
            run(measure_waking(data_dir, given.streams))
            measure_live(data_dir, given.streams, given.seconds)


if __name__ == "__main__":
    main()
