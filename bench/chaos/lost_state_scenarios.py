"""Redis loses what it was given: flushed, replaced by an empty one, or without a group or a stream."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

from redis.exceptions import ResponseError

from bench.chaos.losses import loss_is_told
from bench.chaos.own_redis import OwnRedis
from bench.chaos.plans import Plan, make_step
from bench.chaos.redis_scenarios import world_over
from bench.chaos.scenarios import LOAD_S, READY_AGAIN_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.texts import Subject
from bench.chaos.world import Result, World
from shared.streams import ENRICHED, RAW, STREAMS, StreamSpec

WAITING = 10


async def flushall(setting: Setting, result: Result) -> None:
    """Everything in Redis is lost at once, under load; nothing that was accepted need be."""
    stack = scratch_stack(setting.scratch, "flushall")
    async with running_world(stack, seed=f"{setting.seed}flush", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S)
        kept, gone = Subject(f"zq{world.fresh_name()}kept"), Subject(f"zq{world.fresh_name()}gone")
        # Without revisions of their own: the service must know how far it has counted.
        first, second = make_step("publish", kept, 1, None), make_step("publish", kept, 2, None)
        await world.producer.carry_out(Plan("flushed", kept, "single", True, (first, second)))
        taken_down = make_step("publish", gone, 1, None), make_step("take_down", gone, 1, None)
        await world.producer.carry_out(Plan("flushed", gone, "single", True, taken_down))
        await world.observer.drained()
        before, _ = await world.observer.walk()
        await _flush_under_load(world, result)
        after, _ = await world.observer.walk()
        missing = set(before) - set(after)
        result.expect(not missing, f"{len(missing)} articles that were served are not any more")
        await _after_the_flush(world, result, kept, gone)
        await conclude(world, result, "flush")
        await loss_is_told(world, result, "redis has lost its state")


async def _flush_under_load(world: World, result: Result) -> None:
    async with under_load(world):
        await asyncio.sleep(LOAD_S / 2)
        redis = world.stack.redis()
        await redis.flushall()
        await redis.aclose()
        took = await world.until(world.stack.ready, READY_AGAIN_S, 0.2)
        if result.expect(took is not None, f"not ready: {await world.stack.not_ready()}"):
            result.worst("recovery_s", took or 0)
        await asyncio.sleep(LOAD_S / 2)


async def _after_the_flush(world: World, result: Result, kept: Subject, gone: Subject) -> None:
    """What is known of articles from before: corrections go on counting, takedowns stay final."""
    await world.producer.carry_out(
        Plan("flushed", kept, "single", True, (make_step("publish", kept, 3, None),))
    )
    answer = world.ledger.open(kept.article_id, kept.word).answers[-1]
    result.expect(
        (answer.outcome, answer.revision) == ("accepted", 3),
        f"the second correction was answered {answer.outcome}, revision {answer.revision}",
    )
    await world.producer.carry_out(
        Plan("flushed", gone, "single", True, (make_step("publish", gone, 1, None),))
    )
    answer = world.ledger.open(gone.article_id, gone.word).answers[-1]
    result.expect(answer.outcome == "refused", f"what had been taken down was answered {answer.outcome}")


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
        await loss_is_told(world, result, "redis has lost its state")


async def lost_groups(setting: Setting, result: Result) -> None:
    """Somebody destroys the consumer groups under load, then a stream: all is made again, and all is read."""
    stack = scratch_stack(setting.scratch, "groups")
    async with running_world(
        stack, seed=f"{setting.seed}groups", rate=setting.rate, say=setting.say
    ) as world:
        async with under_load(world):
            redis = stack.redis()
            try:
                for spec, group in ((RAW, "enrich"), (ENRICHED, "index")):
                    await asyncio.sleep(LOAD_S / 3)
                    await redis.xgroup_destroy(spec.key(0), group)
                    result.add("groups_destroyed", 1)
                    await _made_again(world, result, redis)
                for spec in (RAW, ENRICHED):
                    await asyncio.sleep(LOAD_S / 3)
                    await _delete_stream(world, result, redis, spec)
                    await _made_again(world, result, redis)
            finally:
                await redis.aclose()
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "groups")
        lost = int(result.measured["groups_destroyed"] + result.measured["streams_deleted"])
        await loss_is_told(world, result, "redis has lost a consumer group", least=lost)


async def _delete_stream(world: World, result: Result, redis: Any, spec: StreamSpec) -> None:
    """Delete a stream while entries wait on it, its readers stopped."""
    reader = spec.groups[0]
    world.stack.signal(reader, signal.SIGSTOP)
    try:
        await world.until(lambda: _waits(redis, spec), LOAD_S, 0.1)
        result.add("entries_deleted", await redis.xlen(spec.key(0)))
        await redis.delete(spec.key(0))
        result.add("streams_deleted", 1)
    finally:
        world.stack.signal(reader, signal.SIGCONT)


async def _waits(redis: Any, spec: StreamSpec) -> bool:
    return int(await redis.xlen(spec.key(0))) >= WAITING


async def _made_again(world: World, result: Result, redis: Any) -> None:
    took = await world.until(lambda: _groups_there(redis), READY_AGAIN_S, 0.1)
    if result.expect(took is not None, "the groups were not made again"):
        result.worst("made_again_s", took or 0)
    await world.until(world.stack.ready, READY_AGAIN_S, 0.2)


async def _groups_there(redis: Any) -> bool:
    for spec in STREAMS:
        if not spec.groups:
            continue
        try:
            found = {info["name"].decode() for info in await redis.xinfo_groups(spec.key(0))}
        except ResponseError:  # no such key
            return False
        if not set(spec.groups) <= found:
            return False
    return True
