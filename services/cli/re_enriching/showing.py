"""The report and the progress of `wireroom re-enrich` on a terminal."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from services.cli.output import harmless, plural

_TELL_EVERY_S = 30.0
_LISTED = 8


class TerminalProgress:
    """A bar where there is a terminal, else a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("[dim]{task.description}[/]"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("Reading the archive", total=None, rate="")
        self._to_do = self._done = 0
        self._began_at = self._told_at = time.monotonic()

    def __enter__(self) -> TerminalProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def reading(self, left_bytes: int) -> None:
        description = f"Reading the archive, {left_bytes / 1e6:,.0f} MB left"
        self._bar.update(self._task, description=description)

    def forgets(self, articles: int) -> None:
        self._console.print(
            f"[dim]Beginning anew: {plural(articles, 'article')} made by other models or for another query "
            "were waiting and are forgotten.[/]"
        )

    def begin(self, to_do: int, done_before: int) -> None:
        self._to_do = to_do
        self._began_at = self._told_at = time.monotonic()
        self._bar.reset(self._task, total=to_do, description="Re-enriching", rate="")
        if done_before:
            self._console.print(f"[dim]Going on: {plural(done_before, 'article')} were done before.[/]")

    def advance(self, articles: int) -> None:
        self._done += articles
        now = time.monotonic()
        rate = self._done / max(now - self._began_at, 1e-3)
        self._bar.update(self._task, advance=articles, rate=f"{rate:,.0f}/s")
        if not self._console.is_terminal and now - self._told_at > _TELL_EVERY_S:
            self._told_at = now
            left_s = (self._to_do - self._done) / rate
            self._console.print(
                f"{self._done:,} of {self._to_do:,} articles, {rate:,.0f}/s, {left_s / 60:.0f} min left"
            )


def show_report(console: Console, report: dict[str, Any]) -> None:
    total = report["re_enriched"]
    asked = f"{report['wanted']:,} of {plural(report['articles'], 'article')}"
    if report["query"] is not None:
        asked += f" match {harmless(report['query'])}"
    console.print(
        Text(
            f"{asked}: {report['up_to_date']:,} up to date, {total:,} re-enriched, "
            f"{report['failed']:,} failed"
        )
    )
    if total:
        _show_changes(console, report, total)
        _show_examples(console, report["examples"])
    for failure in report["failures"][:_LISTED]:
        reason = f"  {failure['articles']:,} failed, {failure['first_id']} first: {failure['reason']}"
        console.print(Text.assemble(("✗", "red"), harmless(reason)))
    damaged = report["damaged_records"] + report["damaged_frames"]
    if damaged:
        console.print(f"[yellow]![/] {plural(damaged, 'part')} of the archive could not be read")


def _show_changes(console: Console, report: dict[str, Any], total: int) -> None:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(2):
        table.add_column(justify="right")
    table.add_column()
    for part, count in report["changed"].items():
        if part != "anything" and not count:
            continue
        table.add_row(f"{count:,}", f"{count / total:.1%}", f"{part} changed")
    console.print(table)
    for title, counts in (
        ("entities added", report["entities"]["added"]),
        ("entities removed", report["entities"]["removed"]),
        ("sentiment", report["sentiment"]["labels"]),
        ("languages", report["languages"]),
        ("topics added", report["topics"]["added"]),
        ("topics removed", report["topics"]["removed"]),
    ):
        if counts:
            words = ", ".join(f"{one['name']} {one['articles']:,}" for one in counts[:_LISTED])
            console.print(Text.assemble((f"{title}  ", "bold"), harmless(words)))
    if report["versions"]:
        console.print("[bold]versions[/]")
    for one in report["versions"]:
        console.print(Text(f"  {harmless(one['name'])} ({one['articles']:,})"))


def _show_examples(console: Console, examples: list[dict[str, Any]]) -> None:
    if examples:
        console.print("[bold]examples[/]")
    for example in examples:
        console.print(Text(f"  {example['id']}  {_one_line(example['title'])}"))
        for part, before in example["before"].items():
            console.print(
                Text.assemble(
                    (f"    {part}: ", "dim"), (_one_line(before), "red"), " → ",
                    (_one_line(example["after"][part]), "green"),
                )
            )  # fmt: skip


def _one_line(text: str) -> str:
    return harmless(" ".join(text.split()))
