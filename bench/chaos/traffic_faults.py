"""Faults that come in by the front door, and a consumer that does not keep up."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from bench.chaos.ledger import Operation
from bench.chaos.plans import batch_plan
from bench.chaos.probing import probe
from bench.chaos.process_faults import CONSERVED
from bench.chaos.texts import Subject
from bench.chaos.world import RECOVERED_S, Result, World
from shared.streams import RAW

IDENTICAL = 100
SOCKETS = 50
CLOSED_WITHIN_S = 12.0  # the product's 10 s, and what a busy machine adds
PROBES = 150
# Below this a difference between two 99th percentiles on a shared machine says nothing.
NOISE_S = 0.025


@dataclass(slots=True)
class IdenticalSubmits:
    """The same new article 100 times at once."""

    name: str = "identical_submits"
    passes_when: str = "one document; one answer `accepted`, the others `duplicate`"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        subject = Subject(f"zq{world.fresh_name()}")
        payload = subject.payload(1, revision=None)
        operation = Operation("publish", 1, subject.text(1).digest)
        obligation = world.ledger.open(subject.article_id, subject.word)
        before = obligation.begin(operation)
        responses = await asyncio.gather(
            *(world.producer.request("POST", "/v1/articles", json=payload) for _ in range(IDENTICAL))
        )
        answers = [r.json() for r in responses if r is not None and r.status_code == 202]
        if answers:
            obligation.settle(before, operation, "accepted", at_s=0, revision=answers[0]["revision"])
        told = Counter(answer["status"] for answer in answers)
        ids = {(answer["id"], answer["revision"]) for answer in answers}
        result.expect(len(answers) == IDENTICAL, f"{IDENTICAL - len(answers)} were not answered 202")
        result.expect(told["accepted"] == 1, f"{told['accepted']} of them were called accepted")
        result.expect(ids == {(subject.article_id, 1)}, f"they were given {sorted(ids)}")

    async def undo(self, world: World, result: Result) -> None:
        return


@dataclass(slots=True)
class IdempotencyConflict:
    """The same Idempotency-Key with another body, and with the same one."""

    name: str = "idempotency_conflict"
    passes_when: str = "409 for another body; the first answer again for the same"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        key = world.fresh_name()
        subject, other = Subject(f"zq{key}"), Subject(f"zq{key}other")
        operation = Operation("publish", 1, subject.text(1).digest)
        obligation = world.ledger.open(subject.article_id, subject.word)
        world.ledger.open(other.article_id, other.word)  # refused, so it must stay absent
        before = obligation.begin(operation)
        answers = []
        for one in (subject, other, subject):
            response = await world.producer.request(
                "POST", "/v1/articles", json=one.payload(1, revision=None), headers={"idempotency-key": key}
            )
            answers.append((response.status_code, response.content) if response is not None else (0, b""))
        if answers[0][0] == 202:
            obligation.settle(before, operation, "accepted", at_s=0, revision=1)
        codes = [status for status, _ in answers]
        result.expect(codes == [202, 409, 202], f"answered {codes}, not 202, 409, 202")
        result.expect(answers[0] == answers[2], "the same body was not given the first answer again")

    async def undo(self, world: World, result: Result) -> None:
        return


@dataclass(slots=True)
class SlowLoris:
    """Connections that send half a head or half a body and then nothing, and a body that is a gzip bomb."""

    name: str = "slow_loris"
    passes_when: str = (
        f"{SOCKETS} sockets closed within about 10 s; gzip is 415; "
        "good requests' p99 under twice the baseline"
    )
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        baseline = await _p99(world)
        began = time.monotonic()
        half_head = b"POST /v1/articles HTTP/1.1\r\nhost: x\r\ncontent-"
        half_body = (
            b"POST /v1/articles HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b'content-length: 4000\r\n\r\n{"title": "never fin'
        )
        closing = [
            asyncio.create_task(self._hold(world, half_head if n % 2 else half_body)) for n in range(SOCKETS)
        ]
        during = await _p99(world)
        result.worst("baseline_p99_ms", baseline * 1000)
        result.worst("p99_ms", during * 1000)
        result.expect(
            during < max(2 * baseline, NOISE_S),
            f"p99 of good requests went from {baseline * 1000:.1f} to {during * 1000:.1f} ms",
        )
        await _gzip_bomb(world, result)
        done, left = await asyncio.wait(closing, timeout=max(CLOSED_WITHIN_S - (time.monotonic() - began), 0))
        result.expect(not left, f"{len(left)} of {SOCKETS} sockets were open after {CLOSED_WITHIN_S:g} s")
        for task in left:
            task.cancel()
        for task in done:
            result.worst("closed_after_s", task.result())

    async def _hold(self, world: World, data: bytes) -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_connection("127.0.0.1", world.stack.ports["ingest"])
        self._writers.append(writer)
        writer.write(data)
        with contextlib.suppress(OSError):
            while await reader.read(4096):
                pass
        return time.monotonic() - began

    async def undo(self, world: World, result: Result) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()


async def _p99(world: World) -> float:
    """Return the 99th percentile of receipts asked for one after the other."""
    took = []
    path = f"{world.stack.url('ingest')}/v1/articles/{'0' * 32}/receipt"
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        for _ in range(PROBES):
            began = time.monotonic()
            await client.get(path)
            took.append(time.monotonic() - began)
    return sorted(took)[int(PROBES * 0.99)]


async def _gzip_bomb(world: World, result: Result) -> None:
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        response = await client.post(
            f"{world.stack.url('ingest')}/v1/articles",
            content=b"\x1f\x8b" + bytes(1000),
            headers={"content-encoding": "gzip", "content-type": "application/json"},
        )
    result.expect(response.status_code == 415, f"a gzip body was answered {response.status_code}")


@dataclass(slots=True)
class SlowConsumer:
    """All enrich workers stop; submits go on, faster than before, until the high-water mark."""

    name: str = "slow_consumer"
    passes_when: str = (
        f"at the high-water mark 503 with Retry-After; memory flat; nothing un-acked trimmed; {CONSERVED}"
    )

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        world.stack.signal("enrich", signal.SIGSTOP)
        filled = await self._fill(world)
        result.add("batch_articles", filled)
        await asyncio.sleep(1)
        length, memory = await self._measure(world)
        measured_at = time.monotonic()
        result.worst("entries_at_the_mark", length)
        for door in ("single", "keyed", "batch"):
            await probe(world, result, door)
        await asyncio.sleep(length_s / 2)
        later, memory_later = await self._measure(world)
        # A takedown is taken even then.
        takedowns = sum(
            sample.method == "DELETE" and sample.status == 202 and sample.at + sample.seconds > measured_at
            for sample in world.producer.samples
        )
        result.expect(
            later <= length + takedowns,
            f"the stream grew from {length} to {later} entries above the mark, {takedowns} of them takedowns",
        )
        result.worst("memory_growth_mb", (memory_later - memory) / 1e6)
        result.expect(memory_later - memory < 8e6, f"memory grew by {(memory_later - memory) / 1e6:.1f} MB")
        await self._nothing_trimmed(world, result)

    async def _fill(self, world: World) -> int:
        """Submit batches until one is refused; return how many articles were sent."""
        sent = 0
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            name = world.fresh_name()
            plans = [batch_plan(name, 0, n) for n in range(50)]
            task = asyncio.create_task(world.producer.submit_batch(plans))
            done, _ = await asyncio.wait({task}, timeout=1.5)
            sent += len(plans)
            if not done:
                # It is refused and tries again until there is room: part of the load from now on.
                world.producer.adopt(task)
                return sent
            await asyncio.sleep(0.1)
        return sent

    async def _measure(self, world: World) -> tuple[int, int]:
        """Return the entries of the raw stream, and the bytes that Redis and ingest use."""
        redis = world.stack.redis()
        try:
            used = int((await redis.info("memory"))["used_memory"])
            length = int(await redis.xlen(RAW.key(0)))
        finally:
            await redis.aclose()
        return length, used + _resident_bytes(world.stack.pids("ingest")["ingest"])

    async def _nothing_trimmed(self, world: World, result: Result) -> None:
        redis = world.stack.redis()
        try:
            for row in await redis.xpending_range(RAW.key(0), "enrich", "-", "+", 1000):
                entry_id: Any = row["message_id"]
                held = await redis.xrange(RAW.key(0), entry_id, entry_id)
                result.expect(bool(held), f"pending entry {entry_id.decode()} was trimmed")
        finally:
            await redis.aclose()

    async def undo(self, world: World, result: Result) -> None:
        world.stack.signal("enrich", signal.SIGCONT)
        # The backlog is real work: it is given the time that its articles take.
        await world.recovered(result, RECOVERED_S + 30)


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
