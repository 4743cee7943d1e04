"""Faults that need a start and a stop of their own, or end with a loss that is to be counted."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.oracle import Violation
from bench.chaos.plans import make_plan
from bench.chaos.poison import raw_fields
from bench.chaos.rolling import EXIT_LIMIT_S, end_service, log_lines
from bench.chaos.session import running_world, scratch_stack, under_load, verdict
from bench.chaos.texts import Subject
from bench.chaos.tracing import traced_redis, unsynced_replies
from bench.chaos.world import Result, World
from shared.streams import EVENT_FIELD, RAW

READY_AGAIN_S = 20.0
POISONS = 30  # with two workers: 20 may die before both halt, and the rest after a restart
LOAD_S = 6.0


@dataclass(frozen=True, slots=True)
class Setting:
    """What a scenario is run with."""

    scratch: Path
    seed: int
    rate: float
    say: Callable[[str], None]


Scenario = Callable[[Setting, Result], Awaitable[None]]


async def conclude(world: World, result: Result, name: str) -> None:
    """Judge everything, and count each violation as a failure of the scenario."""
    violations, figures = await verdict(world, name)
    note_violations(result, violations)
    result.worst("drained_s", figures["drained_s"] or 60.0)
    result.measured["articles"] = figures["articles"] or 0


def note_violations(result: Result, violations: list[Violation], most: int = 5) -> None:
    for one in violations[:most]:
        evidence = f" [{'; '.join(line.strip() for line in one.history)}] receipt {one.receipt}"
        about = f"{one.article_id} {one.detail}{evidence}" if one.article_id else one.detail
        result.failures.append(f"{one.kind}: {about}")
    if len(violations) > most:
        result.failures.append(f"and {len(violations) - most} violations more")


async def sigterm_under_load(setting: Setting, result: Result) -> None:
    """Each service is told to end in turn, then the whole stack is, and started again: submits never stop."""
    stack = scratch_stack(setting.scratch, "sigterm")
    async with running_world(stack, seed=f"{setting.seed}term", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            for service in ("ingest", "enrich", "index"):
                await end_service(world, result, service)
            code, seconds = await stack.stop()
            result.worst("exit_s", seconds)
            result.expect(code == 0, f"`wireroom up` exited with {code}")
            result.expect(seconds <= EXIT_LIMIT_S, f"`wireroom up` took {seconds:.1f} s to exit")
            await stack.start()
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "term")


async def too_many_invalid(setting: Setting, result: Result) -> None:
    """A burst of invalid entries: enrich halts and says so; after a restart the good ones go on."""
    stack = scratch_stack(setting.scratch, "halt")
    async with running_world(stack, seed=f"{setting.seed}halt", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
        await world.observer.drained()
        redis = stack.redis()
        try:
            for number in range(POISONS):
                await redis.xadd(RAW.key(0), raw_fields({EVENT_FIELD: f"no event {number}".encode()}))
        finally:
            await redis.aclose()

        async def halted() -> bool:
            return "halted" in (await stack.not_ready()).get("enrich", "")

        took = await world.until(halted, 15, 0.2)
        result.expect(took is not None, f"enrich did not say that it halted: {await stack.not_ready()}")
        await asyncio.sleep(1)
        dead = len(await world.observer.letters())
        result.worst("dead_when_halted", dead)
        result.expect(dead < POISONS, f"all {dead} invalid entries were drained into dead letters")
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            stack.signal("enrich", signal.SIGTERM)
            await asyncio.sleep(1)
        await conclude(world, result, "halt")
        dead = len(await world.observer.letters())
        result.expect(dead == POISONS, f"{dead} of {POISONS} invalid entries are dead letters in the end")


async def flushall(setting: Setting, result: Result) -> None:
    """Everything in Redis is lost at once, under load; what had been indexed must not be."""
    stack = scratch_stack(setting.scratch, "flushall")
    async with running_world(stack, seed=f"{setting.seed}flush", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S)
        await world.observer.drained()
        kept, gone = Subject(f"zq{world.fresh_name()}kept"), Subject(f"zq{world.fresh_name()}gone")
        await _publish(world, kept, 1)
        await _publish(world, kept, 2)
        await _publish(world, gone, 1)
        await world.producer.request("DELETE", f"/v1/articles/{gone.article_id}")
        await world.observer.drained()
        before, _ = await world.observer.walk()
        await _flush_under_load(world, result)
        after, _ = await world.observer.walk()
        missing = set(before) - set(after)
        result.expect(not missing, f"{len(missing)} articles that were served are not any more")
        await _after_the_flush(world, result, kept, gone)


async def _publish(world: World, subject: Subject, version: int) -> int:
    payload = subject.payload(version, revision=None)
    response = await world.producer.request("POST", "/v1/articles", json=payload)
    return response.status_code if response is not None else 0


async def _flush_under_load(world: World, result: Result) -> None:
    known = {one.article_id for one in world.ledger.obligations()}
    async with under_load(world):
        await asyncio.sleep(LOAD_S / 2)
        redis = world.stack.redis()
        await redis.flushall()
        await redis.aclose()
        ready = await world.until(world.stack.ready, READY_AGAIN_S, 0.2)
        result.expect(
            ready is not None, f"not ready {READY_AGAIN_S:g} s later: {await world.stack.not_ready()}"
        )
        await asyncio.sleep(LOAD_S / 2)
    drained_s, backlog = await world.observer.drained()
    result.expect(drained_s is not None, f"not drained: {backlog}")
    fresh_s = await world.observer.fresh(world.producer, "flush")
    if result.expect(fresh_s is not None, "a fresh article was not searchable within 5 s"):
        result.worst("fresh_s", fresh_s or 0)
    new = [one for one in world.ledger.obligations() if one.accepted and one.article_id not in known]
    sights = await asyncio.gather(*map(world.observer.sight, new))
    lost = sum(sight.status == 404 for sight in sights)
    result.measured["in_flight_lost"] = lost
    if lost:
        told = [line for line in log_lines(world) if "lost" in str(line.get("event", "")).lower()]
        result.expect(bool(told), f"{lost} accepted articles are lost, and no line of the log says so")


async def _after_the_flush(world: World, result: Result, kept: Subject, gone: Subject) -> None:
    """What is known of articles from before: corrections go on counting, takedowns stay final."""
    await _publish(world, kept, 3)

    async def corrected() -> bool:
        sight = await world.observer.sight(world.ledger.open(kept.article_id, kept.word))
        return sight.digest == kept.text(3).digest

    took = await world.until(corrected, 5, 0.2)
    result.expect(took is not None, "a correction was accepted with 202, and the old revision stays served")
    status = await _publish(world, gone, 1)
    result.expect(status == 409, f"an article that had been taken down was answered {status}, not 409")


async def fsync_before_answer(setting: Setting, result: Result) -> None:
    """Trace Redis: between reading a submit and replying to it, it must have synced its append-only file."""
    stack = scratch_stack(setting.scratch, "fsync")
    async with running_world(stack, seed=f"{setting.seed}fsync", rate=setting.rate, say=setting.say) as world:
        trace = await traced_redis(stack.pids("redis")["redis"], setting.scratch / "redis.strace")
        if trace is None:
            result.not_run = "strace is not installed, or may not trace here"
            return
        try:
            for number in range(10):
                await world.producer.carry_out(make_plan(world.producer.seed, number, kind="plain"))
        finally:
            lines = await trace()
        replies, unsynced = unsynced_replies(lines)
        result.measured["submits_traced"] = replies
        result.expect(replies >= 10, f"only {replies} of 10 submits were seen in the trace")
        result.expect(unsynced == 0, f"{unsynced} submits were answered before the file was synced")
