"""What a run found, as a table for people and as JSON for scripts. Every figure comes from the run itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both systems. `target` is None where none was set; `note` explains what the name cannot.

    `ours` or `baseline` is infinite when it never came to an end, None when it was not measured.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    ours: float | None
    baseline: float | None = None
    target: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None or self.ours is None:
            return None
        return self.ours < self.target if self.better == "lower" else self.ours >= self.target

    @property
    def times_better(self) -> float | None:
        """Return how many times better ours is: above 1 it wins, below 1 the baseline does."""
        if not self.ours or not self.baseline or math.isinf(self.ours) or math.isinf(self.baseline):
            return None
        return self.baseline / self.ours if self.better == "lower" else self.ours / self.baseline

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "unit": self.unit,
            "better": self.better,
            "wireroom": _finite(self.ours),
            "baseline": _finite(self.baseline),
            "times_better": _finite(self.times_better),
            "target": self.target,
            "met": self.met,
            "note": self.note,
        }


def _finite(value: float | None) -> float | None:
    """JSON knows no infinity."""
    return round(value, 4) if value is not None and math.isfinite(value) else None


def number(value: float | None) -> str:
    if value is None:
        return "–"
    if math.isinf(value):
        return "never"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row], baseline: str = "baseline") -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("measured")
    for title in ("wireroom", baseline, "ratio", "target", ""):
        shown.add_column(title, justify="left" if title == "" else "right", no_wrap=True)
    for row in rows:
        sign = "<" if row.better == "lower" else "≥"
        shown.add_row(
            Text.assemble(row.name, (f"  {row.unit}", "dim")),
            number(row.ours),
            number(row.baseline),
            "–" if row.times_better is None else f"{row.times_better:.1f}×",
            "" if row.target is None else f"{sign} {row.target:,.0f}",
            _verdict(row.met),
        )
    return shown


def _verdict(met: bool | None) -> Text:
    if met is None:
        return Text("")
    return Text("met", "green") if met else Text("MISSED", "bold red")


def machine_line(machine: dict[str, Any]) -> str:
    return (
        f"{machine['cores']} cores of {machine['cpu']}"
        f" · Python {machine['python']} · Redis {machine['redis']}"
        f" · revision {machine['revision']} · load average {machine['load_average']} before"
    )


def show(
    console: Console,
    rows: Sequence[Row],
    machine: dict[str, Any],
    command: str,
    seconds: float,
    *,
    baseline: str = "baseline",
    described: str = "the baseline, bench/baseline.py",
) -> None:
    console.print()
    console.print(table(rows, baseline))
    console.print()
    for row in rows:
        if row.note:
            console.print(Text.assemble((f"{row.name}: ", ""), (row.note, "dim")))
    for line in (
        f"ratio: how many times better Wireroom is than {described}",
        machine_line(machine),
        f"{command} · took {seconds:.0f} s",
    ):
        console.print(Text(line, "dim"))


def document(
    rows: Sequence[Row],
    machine: dict[str, Any],
    details: dict[str, Any],
    failures: dict[str, str],
    command: str,
    seconds: float,
) -> dict[str, Any]:
    """Return the whole run for a script; `met` is whether no target was missed and nothing failed."""
    return {
        "command": command,
        "machine": machine,
        "seconds": round(seconds, 1),
        "met": not failures and all(row.met is not False for row in rows),
        "rows": [row.as_json() for row in rows],
        "details": details,
        "failures": failures,
    }
