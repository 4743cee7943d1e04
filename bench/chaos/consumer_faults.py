"""Consumers that do not keep up: stopped, and ten times as slow as they are."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass
from typing import Any

from bench.chaos.hostile_clients import resident_bytes
from bench.chaos.plans import batch_plan
from bench.chaos.probing import probe
from bench.chaos.process_faults import CONSERVED
from bench.chaos.world import RECOVERED_S, Result, World
from shared.streams import RAW


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
        return length, used + resident_bytes(world.stack.pids("ingest")["ingest"])

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


@dataclass(slots=True)
class TenfoldSlower(SlowConsumer):
    """All enrich workers run a tenth of the time, so the backlog shrinks slowly while submits go on."""

    name: str = "tenfold_slower"
    passes_when: str = (
        "503 with Retry-After at the high-water mark, and no flapping; memory flat; nothing un-acked "
        f"trimmed; {CONSERVED}"
    )
    _slowing: asyncio.Task[None] | None = None

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        self._slowing = asyncio.create_task(_slow_down(world))
        began = time.monotonic()
        result.add("batch_articles", await self._fill(world))
        before = _memory(world)
        turned_on, was_full = 0, False
        while time.monotonic() - began < length_s:
            full = await _is_full(world)
            turned_on += full and not was_full
            was_full = full
            await asyncio.sleep(0.2)
        refused = [one for one in world.producer.samples if one.at >= began and one.status == 503]
        result.add("answers_503", len(refused))
        result.expect(bool(refused), "no submit was refused: nothing was tried")
        result.expect(all(one.retry_after for one in refused), "a 503 had no Retry-After")
        result.worst("times_turned_on", turned_on)
        result.expect(turned_on <= 2, f"backpressure was turned on {turned_on} times in {length_s:.0f} s")
        growth = _memory(world) - before
        result.worst("memory_growth_mb", growth / 1e6)
        result.expect(growth < 24e6, f"memory grew by {growth / 1e6:.1f} MB")
        await self._nothing_trimmed(world, result)

    async def undo(self, world: World, result: Result) -> None:
        if self._slowing is not None:
            self._slowing.cancel()
        await SlowConsumer.undo(self, world, result)


async def _slow_down(world: World) -> None:
    while True:
        world.stack.signal("enrich", signal.SIGSTOP)
        await asyncio.sleep(0.45)
        world.stack.signal("enrich", signal.SIGCONT)
        await asyncio.sleep(0.05)


async def _is_full(world: World) -> bool:
    """Whether ingest answers that the pipeline is full, as its readiness says it."""
    document = await world.stack.not_ready()
    return "the pipeline is full" in document.get("ingest", "")


def _memory(world: World) -> int:
    """Return the bytes that Redis and all services hold."""
    return sum(map(resident_bytes, world.stack.pids().values()))
