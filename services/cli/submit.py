"""`wireroom submit`: hand in articles from files, a pipe or their addresses."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import options
from services.cli.addresses import is_address, send_addresses
from services.cli.client import ServiceClient, ingest_client
from services.cli.documents import Document, Overrides, Unreadable, documents_in
from services.cli.output import Failure, as_typed, harmless, plural, print_json, stderr, stdout
from services.cli.submission import Arrival, Progress, Summary, no_progress, send_all, wait_until_searchable

MAX_SHOWN_REJECTIONS = 20


def register(app: typer.Typer) -> None:
    app.command()(submit)


def submit(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|URL…",
            help="JSON, NDJSON, text, HTML, or an address to fetch; - reads what a pipe brings.",
        ),
    ],
    source: Annotated[str | None, typer.Option(help="Publisher, for articles that name none.")] = None,
    url: Annotated[str | None, typer.Option(help="Address of the one article, if it has none.")] = None,
    id: Annotated[str | None, typer.Option(help="Publisher's id of the one article, if it has none.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Return only once all are searchable.")] = False,
    timeout_s: Annotated[
        float, typer.Option("--timeout", min=1, help="With --wait: give up after so many seconds of no news.")
    ] = 60.0,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Submit articles. Running it again is safe: what was taken before counts as duplicate.

    For archives, and for files of any size, there is `wireroom import`.
    """
    if (url or id) and len(files) > 1:
        raise typer.BadParameter("--url and --id are for one article: name one file.")
    urls = [name for name in files if is_address(name)]
    files = [name for name in files if not is_address(name)]
    if url and urls:
        raise typer.BadParameter("--url is for a file: an address has one.")
    missing = [name for name in files if name != "-" and not Path(name).is_file()]
    if missing:
        raise Failure(f"{missing[0]} is not a file.", "Nothing was submitted.")
    items = _read(files, Overrides(source, url, id))
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        with _progress_bar(files) as progress:
            summary = send_all(client, items, progress)
        _add_addresses(summary, client, urls, Overrides(source, None, id))
        arrival = _wait(client, summary.ids, timeout_s) if wait else None
    if json_output:
        print_json({**summary.as_json(), **_arrival_json(arrival)})
    else:
        _show(summary, arrival)
    if summary.rejected or (arrival is not None and (arrival.lost or arrival.waiting)):
        raise typer.Exit(1)


def _add_addresses(summary: Summary, client: ServiceClient, urls: list[str], overrides: Overrides) -> None:
    """Submit the articles at `urls`, and note in `summary` what became of them."""
    if not urls:
        return
    started = time.monotonic()
    with stderr().status("Fetching…") as status:
        for outcome in send_addresses(client, urls, overrides, lambda text: status.update(_escaped(text))):
            summary.outcomes.append(outcome)
    summary.seconds += time.monotonic() - started


def _read(files: list[str], overrides: Overrides) -> Iterator[Document | Unreadable]:
    for name in files:
        if name == "-":
            yield from documents_in(sys.stdin.buffer, "stdin", overrides)
            continue
        try:
            with Path(name).open("rb") as file:
                yield from documents_in(file, name, overrides)
        except OSError as error:
            yield Unreadable(name, f"cannot be read: {error.strerror}")


@contextmanager
def _progress_bar(files: list[str]) -> Iterator[Progress]:
    """A bar over the bytes of the files, on a terminal only and gone when done."""
    if not stderr().is_terminal:
        yield no_progress
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    total = None if "-" in files else sum(Path(name).stat().st_size for name in files)
    columns = (
        TextColumn("Submitting"),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[sent]:,} articles, {task.fields[rate]:,.0f}/s"),
        TimeElapsedColumn(),
        TextColumn("[yellow]{task.fields[notice]}"),
    )
    with Progress(*columns, console=stderr(), transient=True) as bar:
        task_id = bar.add_task("submit", total=total, sent=0, rate=0.0, notice="")

        def advance(documents: int, size: int, notice: str) -> None:
            task = bar.tasks[0]
            sent = task.fields["sent"] + documents
            rate = sent / task.elapsed if task.elapsed else 0.0
            bar.update(task_id, advance=size, sent=sent, rate=rate, notice=notice)

        yield advance


def _wait(client: ServiceClient, ids: list[str], timeout_s: float) -> Arrival:
    with stderr().status("Waiting until all are searchable…") as status:

        def tell(arrival: Arrival) -> None:
            status.update(f"Waiting until all are searchable… {arrival.searchable:,} of {len(ids):,}")

        return wait_until_searchable(client, ids, timeout_s, tell)


def _arrival_json(arrival: Arrival | None) -> dict[str, Any]:
    if arrival is None:
        return {}
    return {"searchable": arrival.searchable, "lost": arrival.lost, "still_waiting": list(arrival.waiting)}


def _show(summary: Summary, arrival: Arrival | None) -> None:
    console = stdout()
    for outcome in summary.rejected[:MAX_SHOWN_REJECTIONS]:
        why = harmless(outcome.error or "no reason given")
        console.print(f"[red]✗[/] {_escaped(outcome.origin)}  {_escaped(why)}", soft_wrap=True)
    if len(summary.rejected) > MAX_SHOWN_REJECTIONS:
        console.print(f"  … and {len(summary.rejected) - MAX_SHOWN_REJECTIONS} more (--json lists all)")
    counts = ", ".join(
        (
            f"{summary.count('accepted'):,} accepted",
            plural(summary.count("duplicate"), "duplicate"),
            f"{len(summary.rejected):,} rejected",
        )
    )
    mark = "[yellow]![/]" if summary.rejected else "[green]✓[/]"
    console.print(f"{mark} {counts} in {summary.seconds:.1f} s")
    if arrival is not None:
        _show_arrival(arrival)
    if len(summary.ids) == 1:
        console.print(f"  [dim]{as_typed(f'wireroom show {summary.ids[0]}')}[/]", soft_wrap=True)


def _show_arrival(arrival: Arrival) -> None:
    console = stdout()
    mark = "[yellow]![/]" if arrival.waiting or arrival.lost else "[green]✓[/]"
    console.print(f"{mark} {arrival.searchable:,} searchable")
    for article_id, status in list(arrival.lost.items())[:MAX_SHOWN_REJECTIONS]:
        console.print(f"[red]✗[/] {article_id}  {status.replace('_', '-')}", soft_wrap=True)
    if arrival.waiting:
        console.print(
            f"  {plural(len(arrival.waiting), 'article')} still on the way; `wireroom doctor` shows more."
        )


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)
