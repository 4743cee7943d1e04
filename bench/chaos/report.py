"""What a run found, as a table for people and as JSON for scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bench.chaos.oracle import Violation
from bench.chaos.rows import in_order, row_verdicts
from bench.chaos.schedule import Planned
from bench.chaos.world import Result

_COLOURS = {"passed": "green", "FAILED": "bold red", "not run": "yellow"}
MOST_SHOWN = 20


def table(results: Sequence[Result]) -> Table:
    """Show every fault with what was measured, row by row of the promise's table."""
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("fault", no_wrap=True)
    shown.add_column("times", justify="right")
    shown.add_column("", no_wrap=True)
    shown.add_column("measured")
    for result in in_order(results):
        shown.add_row(
            result.fault,
            str(result.times or "–"),
            Text(result.verdict, _COLOURS[result.verdict]),
            result.not_run or measured_words(result.measured),
        )
    return shown


def row_table(results: Sequence[Result]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("row", overflow="fold")
    shown.add_column("verdict", no_wrap=True)
    for asks, verdict in row_verdicts(results).items():
        shown.add_row(asks, Text(verdict, _COLOURS.get(verdict, "yellow")))
    return shown


def measured_words(measured: Mapping[str, float]) -> str:
    """Return figures in words: `recovery_s` 1.5 becomes `recovery 1.5 s`."""
    told = []
    for name, value in measured.items():
        base, _, unit = name.rpartition("_")
        if unit in ("s", "ms", "mb"):
            told.append(f"{base.replace('_', ' ')} {value:g} {unit.replace('mb', 'MB')}")
        else:
            told.append(f"{name.replace('_', ' ')} {value:g}")
    return ", ".join(told)


def show(
    console: Console,
    *,
    results: Sequence[Result],
    violations: Sequence[Violation],
    figures: Mapping[str, float | None],
    schedule: Sequence[Planned],
    command: str,
) -> None:
    """Print the run. One that failed tells everything that is needed to do it again."""
    console.print()
    console.print(table(results))
    console.print()
    console.print(row_table(results))
    console.print()
    for result in results:
        for failure in result.failures:
            console.print(
                Text.assemble((result.fault, "bold red"), ": ", failure), highlight=False, soft_wrap=True
            )
    if figures:
        told = ", ".join(
            f"{name.replace('_', ' ')} {'never' if value is None else f'{value:g}'}"
            for name, value in figures.items()
        )
        console.print(Text(f"Under faults: {told}", "dim"))
    if violations:
        console.print(Text(f"{len(violations)} broken promises", "bold red"))
        for violation in violations[:MOST_SHOWN]:
            console.print(Text(f"  {violation.kind}: {violation.article_id or ''} {violation.detail}"))
            lines = [*violation.history, f"receipt: {violation.receipt}"] if violation.article_id else []
            for line in lines:
                console.print(Padding(Text(line, "dim"), (0, 0, 0, 6)))
    if violations or any(result.failures for result in results):
        console.print(Text("Schedule", "bold"))
        for planned in schedule:
            console.print(Text(f"  {planned}"))
    console.print(Text(command, "dim"))


def document(
    *,
    seed: int,
    results: Sequence[Result],
    violations: Sequence[Violation],
    figures: Mapping[str, float | None],
    statuses: Mapping[str, int],
    schedule: Sequence[Planned],
    machine: Mapping[str, Any],
    command: str,
    seconds: float,
) -> dict[str, Any]:
    return {
        "command": command,
        "seed": seed,
        "machine": dict(machine),
        "seconds": round(seconds, 1),
        "passed": passed(results, violations),
        "conservation": dict(figures),
        "answers": dict(statuses),
        "rows": dict(row_verdicts(results)),
        "violations": [violation._asdict() for violation in violations],
        "faults": [
            {
                "fault": result.fault,
                "passes_when": result.passes_when,
                "verdict": result.verdict,
                "times": result.times,
                "measured": result.measured,
                "failures": result.failures,
                "not_run": result.not_run,
            }
            for result in in_order(results)
        ],
        "schedule": [planned._asdict() for planned in schedule],
    }


def passed(results: Sequence[Result], violations: Sequence[Violation]) -> bool:
    return not violations and not any(result.failures for result in results)
