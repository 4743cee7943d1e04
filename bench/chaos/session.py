"""One stack with its producer and observer: load it, harm it, drain it, judge it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bench.chaos.faults import FAULTS
from bench.chaos.ledger import Ledger
from bench.chaos.observing import Observer
from bench.chaos.oracle import Violation, judge
from bench.chaos.producer import Producer
from bench.chaos.schedule import Planned
from bench.chaos.stack import Stack
from bench.chaos.world import Result, World

FINISH_S = 30.0


@asynccontextmanager
async def running_world(
    stack: Stack, *, seed: str, rate: float, say: Callable[[str], None], ledger: Ledger | None = None
) -> AsyncIterator[World]:
    """Start the stack and yield its world; stop it whatever happens."""
    ledger = ledger or Ledger()
    producer = Producer(stack.url("ingest"), ledger, seed, rate)
    observer = Observer(stack)
    try:
        await stack.start()
        yield World(stack, ledger, producer, observer, stack.data_dir.parent, say)
    finally:
        await producer.close()
        await observer.close()
        await stack.stop()


@asynccontextmanager
async def under_load(world: World) -> AsyncIterator[None]:
    """Submit while the body runs, then wait for what is under way."""
    task = asyncio.create_task(world.producer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await world.producer.finish(FINISH_S)


async def carry_out(world: World, planned: Sequence[Planned], seconds: float) -> dict[str, Result]:
    """Do the planned faults under load; return a result per fault."""
    results = {name: Result(name, FAULTS[name]().passes_when) for name in {one.fault for one in planned}}
    began = time.monotonic()
    async with under_load(world):
        for one in planned:
            await asyncio.sleep(max(began + one.at_s - time.monotonic(), 0))
            world.say(f"{time.monotonic() - began:6.1f} s  {one.fault}")
            await do(world, one, results[one.fault])
        await asyncio.sleep(max(began + seconds - time.monotonic(), 0))
    return results


async def do(world: World, planned: Planned, result: Result) -> None:
    """Apply one fault and undo it. A fault that cannot be applied as meant has failed, and says so."""
    fault = FAULTS[planned.fault]()
    result.times += 1
    known = len(result.failures)
    try:
        await fault.apply(world, result, planned.length_s)
    except Exception as error:
        result.failures.append(f"could not be carried out: {type(error).__name__}: {error}")
    finally:
        await fault.undo(world, result)
    for failure in result.failures[known:]:
        world.say(f"          {planned.fault}: {failure}")


async def verdict(world: World, name: str) -> tuple[list[Violation], dict[str, float | None]]:
    """Wait for the drain and judge everything; return the violations and the figures."""
    drained_s, backlog = await world.observer.drained()
    fresh_s = await world.observer.fresh(world.producer, name)
    seen = await world.observer.observe(world.ledger, drained_s=drained_s, backlog=backlog, fresh_s=fresh_s)
    violations = judge(world.ledger, seen)
    figures: dict[str, float | None] = {
        "drained_s": None if drained_s is None else round(drained_s, 2),
        "fresh_s": None if fresh_s is None else round(fresh_s, 2),
        "articles": len(world.ledger.obligations()),
        "accepted": world.ledger.accepted,
        "unsettled": sum(one.unsettled for one in world.ledger.obligations()),
        "served": len(seen.walk),
        "dead_letters": len(seen.letters),
    }
    return violations, figures


def scratch_stack(scratch: Path, name: str, **variables: str) -> Stack:
    return Stack(scratch / name, variables)
