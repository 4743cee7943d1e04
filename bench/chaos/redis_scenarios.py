"""A Redis that is away with its port closed, full to the brim, wiped, or without its groups."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ResponseError

from bench.chaos.own_redis import OwnRedis
from bench.chaos.plans import batch_plan
from bench.chaos.probing import probe
from bench.chaos.redis_faults import all_red, livez
from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.world import RECOVERED_S, Result, World
from shared.streams import RAW

CLOSED_S = 30.0
RED_LIMIT_S = 10.0
DOORS = ("single", "keyed", "batch")
FULL_BYTES = 16 << 20
PADDING = 60_000  # characters of an article, so that a few hundred fill the memory
FILLED_WITHIN_S = 60.0
BRIM_S = 10.0
WAITING = 10
READY_AGAIN_S = 20.0


@asynccontextmanager
async def world_over(setting: Setting, name: str, redis: OwnRedis, **variables: str) -> AsyncIterator[World]:
    """Run a stack over a Redis of the harness."""
    await redis.start()
    stack = scratch_stack(setting.scratch, name, WIREROOM_REDIS_URL=redis.url, **variables)
    try:
        async with running_world(
            stack, seed=f"{setting.seed}{name}", rate=setting.rate, say=setting.say
        ) as world:
            yield world
    finally:
        await redis.stop()


async def redis_closed(setting: Setting, result: Result) -> None:
    """Redis is gone for half a minute, its port closed: then it is back with all it had."""
    redis = OwnRedis(setting.scratch / "closed-redis")
    async with world_over(setting, "closed", redis) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            before = world.stack.pids()
            began = time.monotonic()
            await redis.stop(kill=True)
            result.worst("closed_s", CLOSED_S)
            for door in DOORS:
                await probe(world, result, door)
            red = await world.until(lambda: all_red(world), RED_LIMIT_S, 0.2)
            if result.expect(red is not None, f"/readyz was not red everywhere {RED_LIMIT_S:g} s later"):
                result.worst("readyz_red_after_s", time.monotonic() - began)
            while time.monotonic() - began < CLOSED_S:
                await probe(world, result, "single")
                await livez(world, result)
                await asyncio.sleep(1)
            await redis.start()
            await world.recovered(result, RECOVERED_S)
            _nobody_restarted(world, result, before)
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "closed")


def _nobody_restarted(world: World, result: Result, before: dict[str, int]) -> None:
    changed = {name for name, pid in world.stack.pids().items() if before.get(name) != pid}
    result.expect(not changed, f"restarted meanwhile: {sorted(changed)}")


async def redis_full(setting: Setting, result: Result) -> None:
    """Entries fill the memory while nobody reads them; then somebody else's key does, to the last byte.

    Enrich goes on while there is no room at all: what it cannot hand over must wait, and not die.
    """
    redis = OwnRedis(setting.scratch / "full-redis", max_memory=FULL_BYTES)
    many = {"WIREROOM_HIGH_WATER_ENTRIES": "100000", "WIREROOM_LOW_WATER_ENTRIES": "50000"}
    async with world_over(setting, "full", redis, **many) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 3)
            world.stack.signal("enrich", signal.SIGSTOP)
            client = redis.client()
            try:
                await _filled_by_entries(world, result, client)
                await _filled_to_the_brim(world, result, client)
                await client.delete("filler")
            finally:
                await client.aclose()
            # The backlog is real work: it is given the time that its articles take.
            await world.recovered(result, RECOVERED_S + 30)
            await asyncio.sleep(LOAD_S / 3)
        await conclude(world, result, "full")
        letters = len(await world.observer.letters())
        result.expect(letters == 0, f"{letters} entries died of a full Redis")


async def _filled_by_entries(world: World, result: Result, client: Any) -> None:
    """Submit until ingest refuses because of the memory: there must be room left for those who read."""
    deadline = time.monotonic() + FILLED_WITHIN_S
    while "of its memory" not in (await world.stack.not_ready()).get("ingest", ""):
        if not result.expect(time.monotonic() < deadline, "memory was not filled by entries: nothing tried"):
            return
        plans = [batch_plan(world.fresh_name(), 0, n, padding=PADDING) for n in range(20)]
        world.producer.adopt(asyncio.create_task(world.producer.submit_batch(plans)))
        await asyncio.sleep(0.3)
    for door in DOORS:
        await probe(world, result, door)
    result.worst("entries_when_full", await client.xlen(RAW.key(0)))
    result.worst("memory_share_of_entries", await _memory_share(client))


async def _filled_to_the_brim(world: World, result: Result, client: Any) -> None:
    result.measured["filled_by_others_mb"] = round(await _fill(client) / 1e6, 1)
    share = await _memory_share(client)
    result.worst("memory_share", share)
    result.expect(share > 0.97, f"memory was only {share:.0%} full: nothing was tried")
    for door in DOORS:
        await probe(world, result, door)
    before = await client.xlen(RAW.key(0))
    world.stack.signal("enrich", signal.SIGCONT)
    began = time.monotonic()
    while time.monotonic() - began < BRIM_S:
        for door in DOORS:
            # What is handed over makes room, so articles may be taken again although the other key is there.
            await probe(world, result, door, may_be_taken=True)
        await asyncio.sleep(0.5)
    handed_over = before - await client.xlen(RAW.key(0))
    result.measured["handed_over_while_full"] = handed_over
    result.expect(handed_over > 0, "nothing was handed over while the memory was full")


async def _memory_share(client: Any) -> float:
    memory: dict[str, Any] = await client.info("memory")
    return float(memory["used_memory"]) / FULL_BYTES


async def _fill(client: Any) -> int:
    """Write a list until Redis refuses; return its bytes."""
    total = 0
    for size in (1 << 18, 1 << 12, 1 << 6):
        try:
            while True:
                await client.rpush("filler", b"x" * size)
                total += size
        except ResponseError as error:
            if "OOM" not in str(error) and type(error).__name__ != "OutOfMemoryError":
                raise
    return total
