"""What a fault works with, and where it writes down whether it was borne."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.chaos.ledger import Ledger
from bench.chaos.observing import Observer
from bench.chaos.producer import Producer
from bench.chaos.stack import Stack

RECOVERED_S = 10.0


@dataclass(slots=True)
class Result:
    """One row of the report: how often a fault was done, what was measured, and what was not borne."""

    fault: str
    passes_when: str
    times: int = 0
    measured: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    not_run: str = ""

    @property
    def verdict(self) -> str:
        if self.not_run:
            return "not run"
        return "FAILED" if self.failures else "passed"

    def expect(self, holds: bool, otherwise: str) -> bool:
        """Note a failure, worded as what was found, unless the criterion holds."""
        if not holds:
            self.failures.append(otherwise)
        return holds

    def worst(self, name: str, value: float) -> None:
        """Keep the greatest value seen of a figure."""
        self.measured[name] = round(max(value, self.measured.get(name, value)), 3)

    def add(self, name: str, value: float) -> None:
        self.measured[name] = round(self.measured.get(name, 0) + value, 3)


@dataclass(slots=True)
class World:
    """A running stack, its producer, and what both are judged by."""

    stack: Stack
    ledger: Ledger
    producer: Producer
    observer: Observer
    scratch: Path
    say: Callable[[str], None]
    numbers: int = 0

    def fresh_name(self) -> str:
        """Return a name that no other subject of this run has."""
        self.numbers += 1
        return f"{self.producer.seed}f{self.numbers}"

    async def until(
        self, condition: Callable[[], Awaitable[bool]], within_s: float, poll_s: float = 0.05
    ) -> float | None:
        """Return the seconds until `condition` held, None if it did not within `within_s`."""
        began = time.monotonic()
        while not await condition():
            if time.monotonic() - began > within_s:
                return None
            await asyncio.sleep(poll_s)
        return time.monotonic() - began

    async def recovered(self, result: Result, within_s: float = RECOVERED_S) -> float | None:
        """Wait until everything is ready again; a failure of the fault if that takes longer."""
        took = await self.until(self.stack.ready, within_s, 0.1)
        if took is None:
            result.failures.append(f"not ready {within_s:g} s later: {await self.stack.not_ready()}")
            # The next fault shall not be blamed for this one.
            await self.until(self.stack.ready, 60, 0.2)
        else:
            result.worst("recovery_s", took)
        return took


class Fault(Protocol):
    """Something done to the stack under load. `undo` runs whatever happened in `apply`."""

    name: str
    passes_when: str

    async def apply(self, world: World, result: Result, length_s: float) -> None: ...
    async def undo(self, world: World, result: Result) -> None: ...
