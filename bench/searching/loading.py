"""Searching over HTTP while articles are indexed at a steady rate: an index service, its Redis, and us.

Articles are put on the enriched stream as enrichment does; the service archives and commits them. Meanwhile
questions go to /v1/search on one connection at a steady rate, whole pages with snippets and facets.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlencode

from pydantic_core import from_json
from redis.asyncio import Redis

from bench import machine
from bench.client import Address, Connection, connections, request_bytes
from bench.failures import BenchFailed
from bench.processes import environment, private_redis, running, wait_ready
from bench.searching.language import LanguageModel
from bench.searching.news import NOW, Newsroom
from bench.searching.questions import Kind
from bench.systems import SERVICE_ARGV
from services.supervisor.ports import free_port
from shared.events import encode_event
from shared.streams import ENRICHED, EVENT_FIELD

ARTICLES_PER_S = 100.0
QUESTIONS_PER_S = 10.0
WARM_UP_S = 3.0
SEED = 97
LINKED_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class UnderLoad:
    """Milliseconds of each answer; how many articles were put in and became searchable meanwhile.

    `service_cores` is what the index service used; `others_cores` what other programs took from it.
    """

    answered_ms: list[float]
    put: int
    indexed: int
    seconds: float
    service_cores: float
    others_cores: float


@dataclass(frozen=True, slots=True)
class _Service:
    address: Address
    redis_url: str
    pids: tuple[int, ...]


async def measure_under_load(
    directory: Path, scratch: Path, language: LanguageModel, kinds: Sequence[Kind], seconds: float
) -> UnderLoad:
    """Work on a copy, so that the index stays what it was. Raises BenchFailed."""
    count = int((seconds + WARM_UP_S) * ARTICLES_PER_S)
    events = [
        encode_event(event)
        for event in Newsroom(language, SEED).articles(count, days=count / ARTICLES_PER_S / 86_400, until=NOW)
    ]
    copy_index(directory, scratch / "data")
    with _service(scratch) as service:
        async with (
            Redis.from_url(service.redis_url) as redis,
            connections(service.address, 1) as [connection],
        ):
            before = await _documents(connection)
            feeding = asyncio.create_task(_feed(redis, events))
            try:
                await _ask(connection, _requests(kinds), WARM_UP_S)
                used, busy = _used(service), machine.busy_seconds()
                own, start = time.process_time(), time.perf_counter()
                answered = await _ask(connection, _requests(kinds), seconds)
                elapsed = time.perf_counter() - start
                service_s = _used(service) - used
                others_s = machine.busy_seconds() - busy - service_s - (time.process_time() - own)
                put = await feeding
                indexed = await _settled(connection, before, put)
            finally:
                feeding.cancel()
    return UnderLoad(answered, put, indexed, elapsed, service_s / elapsed, max(others_s / elapsed, 0.0))


def copy_index(source: Path, target: Path) -> None:
    """Copy a data directory. Large files of an index are never changed, only replaced: they are linked."""
    for folder, _, names in os.walk(source):
        to = target / Path(folder).relative_to(source)
        to.mkdir(parents=True, exist_ok=True)
        for name in names:
            path = Path(folder) / name
            if path.stat().st_size < LINKED_BYTES or "index-" not in folder or not _linked(path, to / name):
                shutil.copyfile(path, to / name)


def _linked(path: Path, to: Path) -> bool:
    try:
        to.hardlink_to(path)
    except OSError:  # on another file system
        return False
    return True


@contextmanager
def _service(directory: Path) -> Iterator[_Service]:
    port = free_port()
    with private_redis(directory) as redis:
        env = environment(
            WIREROOM_REDIS_URL=redis.url,
            WIREROOM_INDEX_PORT=str(port),
            WIREROOM_DATA_DIR=str(directory / "data"),
            WIREROOM_LOG_LEVEL="WARNING",
        )
        with running("index", [*SERVICE_ARGV, "index"], env, directory) as process:
            wait_ready(f"http://127.0.0.1:{port}/readyz", process, "index", directory)
            yield _Service(Address("127.0.0.1", port), redis.url, (process.pid, redis.pid))


def _used(service: _Service) -> float:
    return sum(machine.cpu_seconds(pid) for pid in service.pids)


async def _feed(redis: Redis, events: Sequence[bytes]) -> int:
    """Put the articles on the stream in order, each at its time; return how many."""
    key, start = ENRICHED.key(0), time.perf_counter()
    for number, event in enumerate(events):
        wait_s = start + number / ARTICLES_PER_S - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        await redis.xadd(key, {EVENT_FIELD: event})
    return len(events)


def _requests(kinds: Sequence[Kind]) -> Iterator[bytes]:
    texts = [
        asked.text for questions in zip(*(kind.asked for kind in kinds), strict=True) for asked in questions
    ]
    for text in cycle(texts):
        yield request_bytes("GET", f"/v1/search?{urlencode({'q': text, 'facets': 'entities,sources'})}")


async def _ask(connection: Connection, requests: Iterator[bytes], seconds: float) -> list[float]:
    """Ask at a steady rate. A question that is late because the one before took long counts from its time."""
    answered: list[float] = []
    start = time.perf_counter()
    for number, request in enumerate(requests):
        due = start + number / QUESTIONS_PER_S
        if due - start > seconds:
            break
        if (wait_s := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
            due = time.perf_counter()  # how late sleep wakes us is ours, not the service's
        answer = await connection.send(request)
        if answer.status != 200:
            raise BenchFailed(f"a search was answered {answer.status}: {answer.body[:300]!r}")
        answered.append((time.perf_counter() - due) * 1000)
    return answered


async def _documents(connection: Connection) -> int:
    answer = await connection.send(request_bytes("GET", "/v1/search?count=exact&size=1"))
    return int(from_json(answer.body)["total"])


async def _settled(connection: Connection, before: int, put: int) -> int:
    """Return how many of the articles are searchable within ten seconds after the last was put in."""
    deadline = time.perf_counter() + 10.0
    while True:
        indexed = await _documents(connection) - before
        if indexed >= put or time.perf_counter() > deadline:
            return indexed
        await asyncio.sleep(0.2)
