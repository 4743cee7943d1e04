"""The measurements of a running pipeline. Each is the same for Wireroom and for the baseline.

throughput  Articles go to `POST /v1/articles/batch` from two connections as fast as they are answered; the
            clock runs from the first byte until a search counts all of them.
latency     Open loop: an article is due each 1/rate seconds, whether or not earlier ones were answered, and
            its clock starts when it was due. It stops when `GET /v1/articles/{id}` answers 200, asked at once
            whenever a search, repeated each 20 ms, counts more articles than before.
submits     Single submits on keep-alive connections, each sending its next one when the last was answered, to
            an ingest with a Redis and no consumers; divided by the processor time that ingest took.

The client runs in the benchmark's own process, on the same cores; what it takes is reported as `client`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench import machine
from bench.client import Address, Answer, Connection, Pool, connections, request_bytes, send_all
from bench.failures import BenchFailed
from bench.systems import Ingest, System

CLIENT = "client"
OTHERS = "others"
BATCH_PATH = "/v1/articles/batch"
BATCH_ARTICLES = 250
BATCH_CONNECTIONS = 2
SUBMIT_CONNECTIONS = 64
LATENCY_CONNECTIONS = 32
POLL_S = 0.02
# Counting costs the index about a millisecond, which must not weigh on its throughput.
COUNT_INTERVAL_S = 0.1
COUNT_REQUEST = request_bytes("GET", "/v1/search?q=&size=1&sort=newest&count=exact")


def _others_cores(cpu: dict[str, float], seconds: float) -> float:
    """Return how many cores other programs kept busy meanwhile."""
    return cpu.get(OTHERS, 0.0) / seconds if seconds else 0.0


@dataclass(slots=True)
class Throughput:
    """`searchable` is less than `articles` when time ran out; the rate is of those that made it."""

    articles: int
    searchable: int
    seconds: float
    submit_seconds: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.searchable / self.seconds

    @property
    def cpu_ms_per_article(self) -> dict[str, float]:
        """Without what other programs took, which is no cost of an article."""
        return {
            name: round(value / max(self.searchable, 1) * 1000, 2)
            for name, value in self.cpu.items()
            if name != OTHERS
        }

    @property
    def others_cores(self) -> float:
        return _others_cores(self.cpu, self.seconds)


@dataclass(slots=True)
class Latency:
    """Seconds from when a submit was due to when it was answered, and to when it was searchable."""

    rate: float
    articles: int
    answered_s: list[float] = field(default_factory=list)
    searchable_s: list[float] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def others_cores(self) -> float:
        return _others_cores(self.cpu, self.seconds)

    @property
    def missing(self) -> int:
        return self.articles - len(self.searchable_s)


@dataclass(slots=True)
class Submits:
    requests: int
    seconds: float
    cpu_s: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_s

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that at least `share` of all values do not exceed; infinity if there is none."""
    if not values:
        return float("inf")
    ordered = sorted(values)
    return ordered[max(-(-int(share * 1000) * len(ordered) // 1000), 1) - 1]


def batches(lines: Sequence[bytes], size: int = BATCH_ARTICLES) -> Iterator[bytes]:
    for start in range(0, len(lines), size):
        body = b"\n".join(lines[start : start + size]) + b"\n"
        yield request_bytes("POST", BATCH_PATH, body, "application/x-ndjson")


@asynccontextmanager
async def _measured_cpu(system: System) -> AsyncIterator[dict[str, float]]:
    """Yield what holds processor seconds by service, of us and of all others, once the body is done."""
    used: dict[str, float] = {}
    busy_before = machine.busy_seconds()
    before, client_before = machine.cpu_by_service(system.pids), time.process_time()
    yield used
    used |= machine.difference(machine.cpu_by_service(system.pids), before)
    used[CLIENT] = round(time.process_time() - client_before, 3)
    used[OTHERS] = max(round(machine.busy_seconds() - busy_before - sum(used.values()), 3), 0.0)


async def count_searchable(connection: Connection) -> int:
    answer = await connection.send(COUNT_REQUEST)
    if answer.status != 200:
        raise BenchFailed(f"search answered {answer.status}: {answer.body[:300]!r}")
    return int(json.loads(answer.body)["total"])


async def measure_throughput(system: System, lines: Sequence[bytes], limit_s: float) -> Throughput:
    """Submit all of `lines`, none of which may be known yet, and wait until they are searchable."""
    async with (
        connections(system.index, 1) as [index],
        connections(system.ingest, BATCH_CONNECTIONS) as opened,
    ):
        before = await count_searchable(index)
        async with _measured_cpu(system) as cpu:
            start = time.perf_counter()
            submitting = asyncio.create_task(_submit_batches(opened, lines))
            searchable, submitted_s = 0, 0.0
            while searchable < len(lines) and time.perf_counter() - start < limit_s:
                await asyncio.sleep(COUNT_INTERVAL_S)
                searchable = await count_searchable(index) - before
                if submitting.done() and not submitted_s:
                    submitted_s = time.perf_counter() - start
                    submitting.result()
            seconds = time.perf_counter() - start
        submitting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await submitting
    return Throughput(len(lines), searchable, seconds, submitted_s or seconds, cpu)


async def _submit_batches(opened: list[Connection], lines: Sequence[bytes]) -> None:
    requests = batches(lines)

    async def keep_sending(connection: Connection) -> None:
        for request in requests:
            answer = await connection.send(request)
            while answer.status == 503:  # the pipeline is full: it says when to come again
                await asyncio.sleep(max(answer.retry_after_s, POLL_S))
                answer = await connection.send(request)
            _require_all_accepted(answer)

    async with asyncio.TaskGroup() as group:
        for connection in opened:
            group.create_task(keep_sending(connection))


def _require_all_accepted(answer: Answer) -> None:
    document = json.loads(answer.body) if answer.status == 200 else {}
    if answer.status != 200 or document["duplicates"] or document["rejected"]:
        raise BenchFailed(f"a batch was not accepted whole: {answer.status} {answer.body[:300]!r}")


async def measure_latency(system: System, lines: Sequence[bytes], rate: float, patience_s: float) -> Latency:
    """Submit at `rate` a second; wait up to `patience_s` after the last one for what is missing."""
    found, start = Latency(rate, len(lines)), time.perf_counter()
    async with _measured_cpu(system) as found.cpu:
        await _Watch(system, found).run(lines, patience_s)
    found.seconds = time.perf_counter() - start
    return found


class _Watch:
    """Submits on schedule, and notes when each article can be found."""

    def __init__(self, system: System, found: Latency) -> None:
        self._found = found
        self._submitters = Pool(system.ingest, LATENCY_CONNECTIONS)
        self._readers = Pool(system.index, 4)
        self._outstanding: dict[str, float] = {}
        self._all_sent = False

    async def run(self, lines: Sequence[bytes], patience_s: float) -> None:
        try:
            already = await self._count()
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look(already))
                await self._submit_all(lines)
                self._all_sent = True
                done, _ = await asyncio.wait({looking}, timeout=patience_s)
                if not done:
                    looking.cancel()
        finally:
            self._submitters.close()
            self._readers.close()

    async def _submit_all(self, lines: Sequence[bytes]) -> None:
        start = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as group:
            for number, line in enumerate(lines):
                due = start + number / self._found.rate
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self._submit(request_bytes("POST", "/v1/articles", line), due))

    async def _submit(self, request: bytes, due: float) -> None:
        answer = await self._submitters.send(request)
        if answer.status != 202:
            raise BenchFailed(f"a submit was answered {answer.status}: {answer.body[:300]!r}")
        self._found.answered_s.append(time.perf_counter() - due)
        self._outstanding[json.loads(answer.body)["id"]] = due

    async def _look(self, already: int) -> None:
        while not (self._all_sent and not self._outstanding):
            fresh = await self._count() - already - len(self._found.searchable_s)
            if fresh > 0 and self._outstanding:
                await self._find(fresh)
            await asyncio.sleep(POLL_S)

    async def _count(self) -> int:
        answer = await self._readers.send(COUNT_REQUEST)
        return int(json.loads(answer.body)["total"])

    async def _find(self, fresh: int) -> None:
        """Ask for the oldest outstanding articles, more than have come: workers overtake each other."""
        ids = iter(list(self._outstanding)[: 2 * fresh + 20])

        async def ask() -> None:
            for article_id in ids:
                answer = await self._readers.send(request_bytes("GET", f"/v1/articles/{article_id}"))
                if answer.status == 200:
                    self._found.searchable_s.append(time.perf_counter() - self._outstanding.pop(article_id))

        await asyncio.gather(*(ask() for _ in range(4)))


async def measure_submits(ingest: Ingest, lines: Sequence[bytes], warm_up: int) -> Submits:
    """Submit all of `lines` singly, the first `warm_up` of them uncounted."""
    requests = [request_bytes("POST", "/v1/articles", line) for line in lines]
    async with connections(ingest.address, SUBMIT_CONNECTIONS) as opened:
        _require_accepted(await send_all(opened, iter(requests[:warm_up])))
        cpu_before, start = machine.cpu_seconds(ingest.pid), time.perf_counter()
        answers = await send_all(opened, iter(requests[warm_up:]))
        seconds, cpu_s = time.perf_counter() - start, machine.cpu_seconds(ingest.pid) - cpu_before
    _require_accepted(answers)
    return Submits(len(answers), seconds, cpu_s)


def _require_accepted(answers: Sequence[Answer]) -> None:
    refused = [answer for answer in answers if answer.status != 202 or b'"accepted"' not in answer.body]
    if refused:
        raise BenchFailed(f"{len(refused)} submits were not accepted, first {refused[0]!r}")


async def enriched_share(address: Address, sample: int) -> dict[str, float]:
    """Return the share of the newest articles that each step left its result on: all steps must be on."""
    async with connections(address, 1) as [connection]:
        answer = await connection.send(
            request_bytes("GET", f"/v1/search?q=&size={sample}&sort=newest&collapse=false")
        )
        ids = [hit["id"] for hit in json.loads(answer.body)["hits"]]
        articles = []
        for article_id in ids:
            answer = await connection.send(request_bytes("GET", f"/v1/articles/{article_id}"))
            articles.append(json.loads(answer.body))
    fields = ("language", "entities", "sentiment", "topics", "keyphrases", "related", "story_id")
    return {
        name: round(sum(bool(a.get(name)) for a in articles) / max(len(articles), 1), 3) for name in fields
    }
