"""Clients that mean harm: connections that never finish, and bodies that would grow without end."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from bench.chaos.ledger import Operation, Outcome
from bench.chaos.texts import Subject
from bench.chaos.world import Result, World

SOCKETS = 200
CLOSED_WITHIN_S = 12.5  # the product's 10 s, one byte a second more, and what a busy machine adds
PROBES = 600
# Below this a difference between two 99th percentiles on a shared machine says nothing.
NOISE_S = 0.025
MAX_GROWTH_BYTES = 48 << 20
ZEROS = bytes(10 << 20)
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
# What may be read of a body after its 413 is 32 MiB; the rest is in the buffers of the kernel.
ENDLESS_BYTES = 64 << 20
# The defaults of WIREROOM_MAX_BODY_BYTES and WIREROOM_MAX_BATCH_BYTES.
ARTICLE_BYTES, BATCH_BYTES = 2 << 20, 64 << 20

_HEAD = b"POST /v1/articles HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
# What is sent at once, and then a byte of what is sent each second (nothing: silence).
TRICKS: dict[str, tuple[bytes, bytes]] = {
    "half a head": (b"POST /v1/articles HTTP/1.1\r\nhost: x\r\ncontent-", b""),
    "half a body": (_HEAD + b'content-length: 4000\r\n\r\n{"title": "never fin', b""),
    "half a chunk": (_HEAD + b'transfer-encoding: chunked\r\n\r\nff\r\n{"title": "never', b""),
    "a head in drops": (b"POST /v1/articles HTTP/1.1\r\nhost: x\r\nx-long: ", b"y"),
    "a body in drops": (_HEAD + b'content-length: 4000\r\n\r\n{"title": "', b"y"),
}


@dataclass(slots=True)
class SlowLoris:
    """200 connections that hold on to the service in five ways, while others submit as ever."""

    name: str = "slow_loris"
    passes_when: str = (
        f"{SOCKETS} sockets of {len(TRICKS)} kinds closed within about 10 s; "
        "p99 of good submits under twice the baseline"
    )
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        baseline = await _submit_p99(world)
        began = time.monotonic()
        tricks = [list(TRICKS.values())[n % len(TRICKS)] for n in range(SOCKETS)]
        closing = [asyncio.create_task(self._hold(world, *trick)) for trick in tricks]
        during = await _submit_p99(world)
        result.worst("baseline_p99_ms", baseline * 1000)
        result.worst("p99_ms", during * 1000)
        result.expect(
            during < max(2 * baseline, NOISE_S),
            f"p99 of good submits went from {baseline * 1000:.1f} to {during * 1000:.1f} ms",
        )
        done, left = await asyncio.wait(closing, timeout=max(CLOSED_WITHIN_S - (time.monotonic() - began), 0))
        result.expect(not left, f"{len(left)} of {SOCKETS} sockets were open after {CLOSED_WITHIN_S:g} s")
        for task in left:
            task.cancel()
        for task in done:
            result.worst("closed_after_s", task.result())

    async def _hold(self, world: World, data: bytes, drop: bytes) -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.stack.ports["ingest"])
        self._writers.append(writer)
        writer.write(data)
        dripping = asyncio.create_task(_drip(writer, drop)) if drop else None
        with contextlib.suppress(OSError):
            while await reader.read(4096):
                pass
        if dripping is not None:
            dripping.cancel()
        return time.monotonic() - began

    async def undo(self, world: World, result: Result) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()


async def _drip(writer: asyncio.StreamWriter, drop: bytes) -> None:
    with contextlib.suppress(OSError):
        while True:
            await asyncio.sleep(1)
            writer.write(drop)
            await writer.drain()


async def _submit_p99(world: World) -> float:
    """Return the 99th percentile of submits of one article, one after the other.

    After the first they are duplicates: the same way through ingest and Redis, and nothing for enrich to do,
    which would compete with what is measured next.
    """
    subject = Subject(f"zq{world.fresh_name()}good")
    operation = Operation("publish", 1, subject.text(1).digest)
    obligation = world.ledger.open(subject.article_id, subject.word)
    took = []
    async with httpx2.AsyncClient(base_url=world.stack.url("ingest"), timeout=10, trust_env=False) as client:
        for number in range(PROBES):
            before = obligation.begin(operation)
            began = time.monotonic()
            response = await client.post("/v1/articles", json=subject.payload(1, revision=1))
            took.append(time.monotonic() - began)
            if response.is_success:
                outcome: Outcome = "accepted" if number == 0 else "duplicate"
                obligation.settle(before, operation, outcome, at_s=0, revision=1)
    return sorted(took)[int(PROBES * 0.99)]


def bombs() -> dict[str, tuple[bytes, dict[str, str], int]]:
    """Return bodies that are small and would be huge, with their headers and the status they must get."""
    once = gzip.compress(ZEROS, 9)
    article = json.dumps({"title": "x", "body": "y" * (10 << 20)}).encode()
    return {
        "gzip": (once, {"content-encoding": "gzip"}, 415),
        "gzip in gzip": (gzip.compress(once, 9), {"content-encoding": "gzip, gzip"}, 415),
        "deflate": (zlib.compress(ZEROS, 9), {"content-encoding": "deflate"}, 415),
        "br": (once, {"content-encoding": "br"}, 415),
        "not said to be gzip": (once, {}, 400),
        "too large": (article, {}, 413),
    }


@dataclass(slots=True)
class Bombs:
    """Compressed bodies that would grow a thousandfold; bodies over the limit with and without a length."""

    name: str = "bombs"
    passes_when: str = "each refused as 400, 413 or 415 with its reason; memory flat; submits go on"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        pid = world.stack.pids("ingest")["ingest"]
        before = resident_bytes(pid, peak=True)
        async with httpx2.AsyncClient(
            base_url=world.stack.url("ingest"), timeout=20, trust_env=False
        ) as client:
            for name, (body, headers, expected) in bombs().items():
                for path in ("/v1/articles", "/v1/articles/batch"):
                    if path.endswith("batch") and name in ("not said to be gzip", "too large"):
                        continue  # a batch may be larger, and answers line by line
                    await _refused(client, result, name, path, body, headers, expected)
            await _endless(world, result, "/v1/articles", ARTICLE_BYTES)
            await _endless(world, result, "/v1/articles/batch", BATCH_BYTES)
            await _declared_too_large(world, result)
        growth = resident_bytes(pid, peak=True) - before
        result.worst("memory_growth_mb", growth / 1e6)
        result.expect(growth < MAX_GROWTH_BYTES, f"ingest's memory grew by {growth / 1e6:.0f} MB")

    async def undo(self, world: World, result: Result) -> None:
        return


async def _endless(world: World, result: Result, path: str, limit: int) -> None:
    """Send chunks without end: 413 comes after the limit, and a close soon after that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.stack.ports["ingest"])
    writer.write(_HEAD.replace(b"/v1/articles", path.encode()) + b"transfer-encoding: chunked\r\n\r\n")
    answering = asyncio.create_task(reader.readline())
    sent = sent_before_answer = 0
    with contextlib.suppress(OSError):
        while sent < limit + ENDLESS_BYTES:
            writer.write(CHUNK)
            await writer.drain()
            await asyncio.sleep(0)  # drain() alone does not let the answer in while the socket takes all
            sent += len(CHUNK)
            if not answering.done():
                sent_before_answer = sent
    writer.close()
    try:
        answer = await asyncio.wait_for(answering, CLOSED_WITHIN_S)
    except (TimeoutError, OSError) as error:
        answer = type(error).__name__.encode()
    result.add("bodies", 1)
    result.expect(b" 413 " in answer, f"a body without end to {path} was answered {answer!r}")
    result.worst("over_the_limit_mb", (sent_before_answer - limit) / 1e6)
    result.expect(
        sent < limit + ENDLESS_BYTES, f"{path} took {sent} bytes of a body without end, and did not close"
    )


async def _declared_too_large(world: World, result: Result) -> None:
    """A length over the limit is refused by the head alone: nothing of the body is waited for."""
    for path, limit in (("/v1/articles", ARTICLE_BYTES), ("/v1/articles/batch", BATCH_BYTES)):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.stack.ports["ingest"])
        head = _HEAD.replace(b"/v1/articles", path.encode()) + b"content-length: %d\r\n\r\n" % (limit + 1)
        writer.write(head)
        try:
            answer = await asyncio.wait_for(reader.readline(), CLOSED_WITHIN_S)
        except (TimeoutError, OSError) as error:
            answer = type(error).__name__.encode()
        writer.close()
        result.add("bodies", 1)
        result.expect(b" 413 " in answer, f"{limit + 1} bytes declared to {path} were answered {answer!r}")


async def _refused(
    client: httpx2.AsyncClient,
    result: Result,
    name: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    expected: int,
) -> None:
    headers = {"content-type": "application/json"} | headers
    try:
        response = await client.post(path, content=body, headers=headers)
    except httpx2.HTTPError as error:
        result.failures.append(f"{name} to {path} was not answered: {type(error).__name__}")
        return
    result.add("bodies", 1)
    result.expect(
        response.status_code == expected and bool(response.json().get("detail")),
        f"{name} to {path} was answered {response.status_code}: {response.text[:120]}",
    )


def resident_bytes(pid: int, *, peak: bool = False) -> int:
    """Return what a process holds in memory, or the most that it ever held."""
    field = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    return 0
