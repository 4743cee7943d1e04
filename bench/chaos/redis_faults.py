"""Faults of Redis: stopped, and out of memory."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.probing import ANSWER_LIMIT_S, TRANSIT_S, probe
from bench.chaos.world import RECOVERED_S, Result, World

LIVEZ_LIMIT_S = 1.0
RED_LIMIT_S = 10.0
READS = (f"/v1/articles/{'0' * 32}/receipt", "/v1/dead-letters")


@dataclass(slots=True)
class PauseRedis:
    """SIGSTOP: connections stay open, and nothing answers."""

    name: str = "pause_redis"
    passes_when: str = (
        "503 with Retry-After within 2 s; /readyz red and /livez green; "
        "recovery within 10 s without a restart"
    )
    _before: dict[str, int] = field(default_factory=dict)

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        self._before = world.stack.pids()
        began = time.monotonic()
        world.stack.signal("redis", signal.SIGSTOP)
        result.worst("paused_s", length_s)
        await asyncio.gather(
            *(probe(world, result, door) for door in ("single", "keyed", "batch")),
            *(_reading(world, result, path) for path in READS),
        )
        red = await world.until(lambda: all_red(world), RED_LIMIT_S - (time.monotonic() - began), 0.2)
        if result.expect(red is not None, f"/readyz was not red everywhere {RED_LIMIT_S:g} s later"):
            result.worst("readyz_red_after_s", time.monotonic() - began)
        while time.monotonic() - began < length_s:
            await probe(world, result, "single")
            await livez(world, result)
            await asyncio.sleep(1)
        _answered_in_time(world, result, began)

    async def undo(self, world: World, result: Result) -> None:
        world.stack.signal("redis", signal.SIGCONT)
        await world.recovered(result, RECOVERED_S)
        changed = {name for name, pid in world.stack.pids().items() if self._before.get(name) != pid}
        result.expect(not changed, f"restarted meanwhile: {sorted(changed)}")


def _answered_in_time(world: World, result: Result, began: float) -> None:
    """Hold the producer's own submits to the limit too: they were in every stage when Redis stopped."""
    waits = [
        sample.at + sample.seconds - max(sample.at, began)
        for sample in world.producer.samples
        if sample.at + sample.seconds >= began
    ]
    if waits:
        result.worst("submit_answer_s", max(waits))
        late = sum(wait > ANSWER_LIMIT_S + TRANSIT_S for wait in waits)
        result.expect(
            late == 0, f"{late} of {len(waits)} submits were answered late, one after {max(waits):.2f} s"
        )


async def _reading(world: World, result: Result, path: str) -> None:
    status, took = await world.observer.status("ingest", path)
    result.worst("read_answer_s", took)
    result.expect(status == 503, f"GET {path} was answered {status}")
    result.expect(
        took <= ANSWER_LIMIT_S + TRANSIT_S,
        f"GET {path} was answered after {took:.2f} s, not within {ANSWER_LIMIT_S:g} s",
    )


async def all_red(world: World) -> bool:
    answers = await asyncio.gather(
        *(world.observer.status(name, "/readyz") for name in ("ingest", "enrich", "index"))
    )
    return all(status == 503 for status, _ in answers)


async def livez(world: World, result: Result) -> None:
    for service in ("ingest", "enrich", "index"):
        status, took = await world.observer.status(service, "/livez")
        result.expect(status == 200, f"/livez of {service} answered {status}")
        result.expect(took <= LIVEZ_LIMIT_S, f"/livez of {service} took {took:.1f} s")


@dataclass(slots=True)
class RedisOutOfMemory:
    """Set maxmemory below what is used, as if something had filled it."""

    name: str = "redis_out_of_memory"
    passes_when: str = "503 with Retry-After; nothing accepted is lost; recovers by itself once there is room"
    _limit: int = 0

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        redis = world.stack.redis()
        try:
            memory: dict[str, Any] = await redis.info("memory")
            self._limit = int(memory["maxmemory"])
            await redis.config_set("maxmemory", max(int(memory["used_memory"]) // 2, 1 << 20))
            began = time.monotonic()
            while time.monotonic() - began < length_s:
                for door in ("single", "keyed", "batch"):
                    await probe(world, result, door)
                await asyncio.sleep(0.5)
        finally:
            await redis.aclose()

    async def undo(self, world: World, result: Result) -> None:
        redis = world.stack.redis()
        try:
            await redis.config_set("maxmemory", self._limit)
        finally:
            await redis.aclose()
        await world.recovered(result, RECOVERED_S)
