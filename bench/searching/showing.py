"""The figures of `wireroom bench search` for people: one line for each kind of question."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench import report
from bench.measures import percentile
from bench.report import Row, number
from bench.searching.measuring import Measured, Times
from bench.searching.rows import target_cpu_ms


def show(
    console: Console, measured: Sequence[Measured], others: Sequence[Row], document: dict[str, Any]
) -> None:
    """Print the questions, then the other rows, then what it was measured on."""
    console.print()
    if measured:
        console.print(_questions(measured))
        console.print(
            Text(
                "Milliseconds, the caches of our engine empty; again: p99 of CPU, caches filled. Targets: "
                "p99 of CPU. ratio: times less CPU than FTS5 at p50. Ours counts what is found, too.",
                "dim",
            )
        )
    report.show(
        console, others, document["machine"], document["command"], document["seconds"],
        baseline="FTS5", described="SQLite FTS5, bench/searching/fts5.py",
    )  # fmt: skip
    verdict = Text("all targets met", "green") if document["met"] else Text("a target was MISSED", "bold red")
    console.print(verdict)


def _questions(measured: Sequence[Measured]) -> Table:
    shown = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    shown.add_column("asked")
    for title in ("CPU p50", "p99", "again", "wall p50", "p99", "FTS5 CPU", "p99", "ratio", "target", ""):
        shown.add_column(title, justify="left" if not title else "right", no_wrap=True)
    for found in measured:
        peer = _pair(found.peer) if found.peer else ("–", "–")
        ours = percentile(found.first.cpu, 0.5)
        ratio = f"{percentile(found.peer.cpu, 0.5) / ours:.1f}×" if found.peer and ours else "–"
        target = target_cpu_ms(found)
        met = percentile(found.first.cpu, 0.99) < target
        shown.add_row(
            found.kind.name,
            *_pair(found.first),
            number(percentile(found.again.cpu, 0.99)),
            number(percentile(found.first.wall, 0.5)),
            number(percentile(found.first.wall, 0.99)),
            *peer,
            ratio,
            f"< {target:.0f}",
            Text("met", "green") if met else Text("MISSED", "bold red"),
        )
    return shown


def _pair(times: Times) -> tuple[str, str]:
    return number(percentile(times.cpu, 0.5)), number(percentile(times.cpu, 0.99))
