"""Faults of processes: killed, ended and stalled."""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field

from bench.chaos.world import RECOVERED_S, Result, World

# The supervisor waits up to 10 s before it starts a child that keeps exiting, and that one then has to start.
RESTARTED_S = 25.0
CONSERVED = "every id accepted is searchable exactly once, payload equal; drained within 60 s"


@dataclass(slots=True)
class Kill:
    """End a process at once or with SIGTERM, without telling its supervisor."""

    name: str
    service: str
    number: signal.Signals = signal.SIGKILL
    passes_when: str = f"started again by itself; {CONSERVED}"
    _victims: dict[str, int] = field(default_factory=dict)

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        self._victims = world.stack.signal(self.service, self.number)
        result.add("processes_ended", len(self._victims))

    async def undo(self, world: World, result: Result) -> None:
        async def replaced() -> bool:
            now = world.stack.pids(self.service)
            return set(now) >= set(self._victims) and not set(now.values()) & set(self._victims.values())

        took = await world.until(replaced, RESTARTED_S, 0.1)
        if result.expect(took is not None, f"{self.service} was not started again in {RESTARTED_S:g} s"):
            await world.recovered(result, RESTARTED_S)


@dataclass(slots=True)
class KillRedis(Kill):
    """As `Kill`; in between, ingest must answer 503, and must not take what Redis cannot hold."""

    passes_when: str = f"503 meanwhile, never a false 202; {CONSERVED}"
    _began: float = 0.0

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        self._began = time.monotonic()
        await Kill.apply(self, world, result, length_s)

    async def undo(self, world: World, result: Result) -> None:
        await Kill.undo(self, world, result)
        during = [sample for sample in world.producer.samples if sample.at >= self._began]
        odd = {sample.status for sample in during} - {200, 202, 409, 503}
        result.expect(not odd, f"submits were answered {sorted(odd)} while Redis was away (0: no answer)")
        bare = [sample for sample in during if sample.status == 503 and not sample.retry_after]
        result.expect(not bare, f"{len(bare)} answers 503 had no Retry-After")
        result.add("answers_503", sum(sample.status == 503 for sample in during))


@dataclass(slots=True)
class StallEnrich:
    """Stop one enrich worker for longer than the idle limit: others take its entries over, and then it
    wakes up and finishes them as well."""

    name: str = "stall_enrich"
    passes_when: str = f"its entries are taken over, its late results are fenced off; {CONSERVED}"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        world.stack.signal("enrich", signal.SIGSTOP, only=1)
        result.worst("stalled_s", length_s)
        await asyncio.sleep(length_s)
        backlog = await world.observer.backlog()
        result.expect("a consumer group is missing" not in backlog, backlog)

    async def undo(self, world: World, result: Result) -> None:
        world.stack.signal("enrich", signal.SIGCONT)
        await world.recovered(result, RECOVERED_S)
