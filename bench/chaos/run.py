"""One run: faults on a schedule under load, the verdict, and then the scenarios with a stack of their own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.chaos import (
    bug_scenarios,
    clock_scenarios,
    disk_scenarios,
    kill_scenarios,
    lost_state_scenarios,
    redis_scenarios,
    report,
    scenarios,
    skew_scenarios,
)
from bench.chaos.faults import FAULTS
from bench.chaos.oracle import Violation
from bench.chaos.process_faults import CONSERVED
from bench.chaos.rows import ORDER
from bench.chaos.scenarios import Scenario, Setting
from bench.chaos.schedule import Planned, make_schedule
from bench.chaos.session import carry_out, running_world, scratch_stack, verdict
from bench.chaos.world import Result

RATE = 20.0

SCENARIOS: dict[str, tuple[Scenario, str]] = {
    "sigterm_under_load": (
        scenarios.sigterm_under_load,
        "each service, then `wireroom up`, exits 0 within 20 s; no loss",
    ),
    "fsync_before_answer": (
        scenarios.fsync_before_answer,
        "Redis syncs its file before a submit is answered",
    ),
    "too_many_invalid": (
        scenarios.too_many_invalid,
        "over 10% invalid: enrich halts and says so; the good ones go on after a restart",
    ),
    "flushall": (
        lost_state_scenarios.flushall,
        f"noticed and told, groups made again, revisions and takedowns hold; {CONSERVED}",
    ),
    "index_disk_full": (disk_scenarios.index_disk_full, f"no ack before a commit; {CONSERVED}"),
    "redis_disk_full": (disk_scenarios.redis_disk_full, f"503; recovers by itself; {CONSERVED}"),
    "index_damaged": (
        disk_scenarios.index_damaged,
        "flipped, truncated or deleted: found at start, rebuilt from the archive, counts equal",
    ),
    "kills": (kill_scenarios.kills, f"{kill_scenarios.KILLS} kill -9 under load; {CONSERVED}"),
    "redis_closed": (
        redis_scenarios.redis_closed,
        "503 with Retry-After within 2 s; /readyz red and /livez green; recovery within 10 s without a "
        f"restart; {CONSERVED}",
    ),
    "redis_full": (redis_scenarios.redis_full, f"503 with Retry-After; recovers by itself; {CONSERVED}"),
    "redis_replaced": (
        lost_state_scenarios.redis_replaced,
        f"told in the log, state restored, what was in flight is published again; {CONSERVED}",
    ),
    "lost_groups": (
        lost_state_scenarios.lost_groups,
        f"groups and streams: noticed, told and made again; {CONSERVED}",
    ),
    "poison_deploy": (
        bug_scenarios.poison_deploy,
        "5 attempts (10 deaths at most), then a dead letter with reason and bytes; neighbours unharmed; "
        "all replayed by the fixed version",
    ),
    "version_skew": (
        skew_scenarios.version_skew,
        f"rolling restart to a next version and back: exit 0 within 20 s, its field survives; {CONSERVED}",
    ),
    "clock_off": (
        clock_scenarios.clock_off,
        f"±6 minutes: a sender's webhook is 401 with the reason; a service's own clock: {CONSERVED}",
    ),
}
NAMES = tuple(ORDER)


@dataclass(slots=True)
class Run:
    """Everything that was found."""

    schedule: tuple[Planned, ...] = ()
    results: list[Result] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    figures: dict[str, float | None] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return report.passed(self.results, self.violations)


def run(
    *, seed: int, minutes: float, names: Sequence[str], say: Callable[[str], None], rate: float = RATE
) -> Run:
    """Do the faults and scenarios of `names`; the minutes are those of the schedule."""
    scratch = Path(tempfile.mkdtemp(prefix="wireroom-chaos-"))
    try:
        found = asyncio.run(_run(Setting(scratch, seed, rate, say), minutes * 60, names))
    except BaseException:
        say(f"The data and the logs are left in {scratch}")
        raise
    if found.passed:
        shutil.rmtree(scratch, ignore_errors=True)
    else:
        say(f"The data and the logs are left in {scratch}")
    return found


async def _run(setting: Setting, seconds: float, names: Sequence[str]) -> Run:
    found = Run(schedule=make_schedule(setting.seed, seconds, [name for name in names if name in FAULTS]))
    if found.schedule:
        await _scheduled(setting, seconds, found)
    absent = {name for name in names if name in FAULTS} - {one.fault for one in found.schedule}
    for name in sorted(absent):
        result = Result(
            name, FAULTS[name]().passes_when, not_run="it did not fit into the time: give --minutes"
        )
        found.results.append(result)
    for name, (scenario, passes_when) in SCENARIOS.items():
        if name in names:
            found.results.append(await _scenario(setting, name, scenario, passes_when))
    return found


async def _scheduled(setting: Setting, seconds: float, found: Run) -> None:
    stack = scratch_stack(setting.scratch, "scheduled")
    async with running_world(stack, seed=str(setting.seed), rate=setting.rate, say=setting.say) as world:
        results = await carry_out(world, found.schedule, seconds)
        setting.say("The faults have stopped; waiting for the drain, and judging.")
        found.violations, found.figures = await verdict(world, "end")
        found.statuses = dict(world.producer.statuses)
    found.results += [results[name] for name in FAULTS if name in results]


async def _scenario(setting: Setting, name: str, scenario: Scenario, passes_when: str) -> Result:
    """Run one scenario; whatever it raises is a failure of its own, and the others go on."""
    result = Result(name, passes_when)
    began = time.monotonic()
    setting.say(name)
    try:
        await scenario(setting, result)
    except Exception as error:
        result.failures.append(f"could not be carried out: {type(error).__name__}: {error}")
    result.times = result.times or int(not result.not_run)
    for failure in result.failures:
        setting.say(f"          {name}: {failure}")
    setting.say(f"          took {time.monotonic() - began:.0f} s")
    return result


def as_document(
    found: Run, *, seed: int, machine: dict[str, Any], command: str, seconds: float
) -> dict[str, Any]:
    """Return the whole run for a script."""
    return report.document(
        seed=seed,
        results=found.results,
        violations=found.violations,
        figures=found.figures,
        statuses=found.statuses,
        schedule=found.schedule,
        machine=machine,
        command=command,
        seconds=seconds,
    )
