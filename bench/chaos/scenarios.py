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
from bench.chaos.rolling import EXIT_LIMIT_S, end_service
from bench.chaos.session import running_world, scratch_stack, under_load, verdict
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
