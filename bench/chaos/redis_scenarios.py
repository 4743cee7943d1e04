"""A Redis that is away with its port closed, full to the brim, wiped, or without its groups."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ResponseError

from bench.chaos.own_redis import OwnRedis
from bench.chaos.probing import probe
from bench.chaos.redis_faults import all_red, livez
from bench.chaos.rolling import log_lines
from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.world import RECOVERED_S, Result, World
from shared.streams import ENRICHED, RAW, STREAMS

CLOSED_S = 30.0
RED_LIMIT_S = 10.0
DOORS = ("single", "keyed", "batch")
FULL_BYTES = 40 << 20
READY_AGAIN_S = 20.0


@asynccontextmanager
async def world_over(setting: Setting, name: str, redis: OwnRedis) -> AsyncIterator[World]:
    """Run a stack over a Redis of the harness."""
    await redis.start()
    stack = scratch_stack(setting.scratch, name, WIREROOM_REDIS_URL=redis.url)
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
    """Memory is full of entries and of somebody else's key, to the last byte; then there is room again."""
    redis = OwnRedis(setting.scratch / "full-redis", max_memory=FULL_BYTES)
    async with world_over(setting, "full", redis) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            client = redis.client()
            try:
                result.measured["filled_mb"] = round(await _fill(client) / 1e6, 1)
                began = time.monotonic()
                while time.monotonic() - began < LOAD_S:
                    for door in DOORS:
                        await probe(world, result, door)
                    await asyncio.sleep(0.5)
                memory: dict[str, Any] = await client.info("memory")
                share = memory["used_memory"] / FULL_BYTES
                result.worst("memory_used_share", share)
                result.expect(share > 0.97, f"memory was only {share:.0%} full: nothing was tried")
                await client.delete("filler")
            finally:
                await client.aclose()
            await world.recovered(result, RECOVERED_S)
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "full")


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


async def redis_replaced(setting: Setting, result: Result) -> None:
    """Redis comes back with nothing: what was indexed stays, and what ingest remembers goes on its way."""
    redis = OwnRedis(setting.scratch / "replaced-redis")
    async with world_over(setting, "replaced", redis) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S)
            await redis.stop(kill=True)
            redis.forget()
            await asyncio.sleep(1)
            await redis.start()
            took = await world.until(world.stack.ready, READY_AGAIN_S, 0.2)
            if result.expect(took is not None, f"not ready: {await world.stack.not_ready()}"):
                result.worst("recovery_s", took or 0)
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "replaced")
        told = [line for line in log_lines(world) if "has lost its state" in str(line.get("event", ""))]
        result.expect(bool(told), "no line of the log says that Redis had lost its state")


async def lost_groups(setting: Setting, result: Result) -> None:
    """Somebody destroys the consumer groups under load: they are made again, and everything is read."""
    stack = scratch_stack(setting.scratch, "groups")
    async with running_world(
        stack, seed=f"{setting.seed}groups", rate=setting.rate, say=setting.say
    ) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            redis = stack.redis()
            try:
                for spec, group in ((RAW, "enrich"), (ENRICHED, "index")):
                    await redis.xgroup_destroy(spec.key(0), group)
                    result.add("groups_destroyed", 1)
                took = await world.until(lambda: _groups_there(redis), READY_AGAIN_S, 0.1)
                if result.expect(took is not None, "the groups were not made again"):
                    result.worst("made_again_s", took or 0)
            finally:
                await redis.aclose()
            await world.until(world.stack.ready, READY_AGAIN_S, 0.2)
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "groups")


async def _groups_there(redis: Any) -> bool:
    for spec in STREAMS:
        found = (
            {info["name"].decode() for info in await redis.xinfo_groups(spec.key(0))}
            if spec.groups
            else set()
        )
        if not set(spec.groups) <= found:
            return False
    return True
