"""`wireroom import`: whole archives, of any size, from files.

`wireroom submit` is for a few articles by hand: it lists each and can wait until they are searchable. Both
send batches by `services.cli.submission`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.client import ingest_client
from services.cli.output import Failure, as_typed, harmless, plural, print_json, show_failure, stderr, stdout

if TYPE_CHECKING:
    from services.cli.imports.entries import Options
    from services.cli.imports.running import Result
    from services.cli.imports.state import Memory

# As long as ingest answers at all, a full pipeline is only slow; a restart of it takes a moment.
PATIENCE_S = 3600.0
RECONNECT_S = 120.0
INCOMPLETE = 3
INTERRUPTED = 130
MAX_SHOWN = 12


def register(app: typer.Typer) -> None:
    app.command("import")(import_files)


def import_files(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…",
            help="NDJSON, JSON, CSV, TSV, WARC, mbox, .eml, HTML or text, also .gz or .zst; "
            "a folder of such; - reads what a pipe brings.",
        ),
    ],
    format: Annotated[
        str | None,
        typer.Option(help="ndjson, json, csv, tsv, warc, mbox, eml, html or text; else by itself."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="Publisher, for articles that name none; else a page's host, a mail's sender."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Language, for articles that name none: en, pt-BR.")
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=NAME,…", help="Fields of JSON, columns of CSV: title=headline."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of text files, where they do not tell it themselves.")
    ] = None,
    restart: Annotated[
        bool, typer.Option("--restart", help="From the start, whatever was sent before.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write all counts and reasons there, as JSON."),
    ] = None,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Import archives of articles: large files, at the speed of the pipeline; goes on where it was stopped.

    Exit code: 0 all was taken, 3 some was skipped or rejected (the report says why), 1 it could not go on,
    130 it was stopped; after the last two, the same command goes on from there.
    """
    from services.cli.imports.files import check, jobs_in, total_bytes
    from services.cli.imports.formats import FORMATS
    from services.cli.imports.running import Import
    from services.cli.imports.telling import pace
    from services.cli.submission import Sender

    wanted = _options(source, language, encoding, mapping or [])
    chosen = next((known for known in FORMATS if known == format), None)
    if format is not None and chosen is None:
        raise typer.BadParameter(f"--format is one of {', '.join(FORMATS)}.")
    check(paths)
    if report is not None:
        _write(report, {})  # a report that cannot be written is better told now than in the end
    named = ingest_url or os.environ.get("WIREROOM_INGEST_URL") or ""
    started = time.monotonic()
    failure: Failure | None = None
    stopped = False
    with (
        closing(_memory(data_dir)) as memory,
        ingest_client(data_dir, ingest_url, api_key_file) as client,
        pace(total_bytes(paths, of_any_name=chosen is not None)) as shown,
    ):
        sender = Sender(
            client,
            lambda _documents, _bytes, notice: shown.wait(notice) if notice else None,
            door="file",
            patience_s=PATIENCE_S,
            reconnect_s=RECONNECT_S,
        )
        work = Import(sender, memory, shown, wanted, chosen, named, restart)
        try:
            work.run(jobs_in(paths, of_any_name=chosen is not None))
        except KeyboardInterrupt:
            stopped = True
        except Failure as error:
            failure = error
    document = _document(work.result, sender.duplicates_of_resent, time.monotonic() - started)
    if report is not None:
        _write(report, document)
    if json_output:
        print_json(document)
    else:
        _show(work.result, sender.duplicates_of_resent, document["seconds"], stopped=stopped)
    if failure is not None:
        show_failure(failure)
    raise typer.Exit(_exit_code(work.result, stopped=stopped, failed=failure is not None))


def _exit_code(result: Result, *, stopped: bool, failed: bool) -> int:
    if stopped:
        return INTERRUPTED
    if failed:
        return 1
    return 0 if result.tally.clean else INCOMPLETE


def _options(source: str | None, language: str | None, encoding: str | None, mapping: list[str]) -> Options:
    from services.cli.imports.entries import Options
    from services.cli.imports.mapping import FieldMap
    from services.cli.imports.text_coding import known_encoding

    try:
        codec = None if encoding is None else known_encoding(encoding)
        return Options(source, language, codec, FieldMap.parse(mapping))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _memory(data_dir: Path | None) -> Memory:
    """Return what remembers imports; without a place to write, an import works and cannot go on later."""
    from services.cli.imports.state import Memory
    from services.supervisor.instance import default_data_dir

    directory = data_dir or default_data_dir()
    try:
        return Memory(directory)
    except (OSError, sqlite3.Error) as error:
        stderr().print(
            f"[yellow]![/] {directory} cannot be used: {error}. If this is stopped, it starts anew.",
            soft_wrap=True,
        )
        return Memory(None)


def _document(result: Result, resent: int, seconds: float) -> dict[str, Any]:
    return {
        "finished": result.finished,
        "files": result.files,
        "files_done_before": result.done_before,
        "entries_done_before": result.resumed,
        "entries": result.tally.entries,
        **result.tally.as_json(),
        "duplicates_of_batches_sent_again": resent,
        "seconds": round(seconds, 3),
    }


def _write(path: Path, document: dict[str, Any]) -> None:
    try:
        path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write the report to {path}: {error.strerror}") from error


def _show(result: Result, resent: int, seconds: float, *, stopped: bool) -> None:
    from rich.markup import escape

    tally, console = result.tally, stdout()
    counts = [f"{tally.accepted:,} accepted", plural(tally.duplicates, "duplicate")]
    for words, counter in (
        ("rejected", tally.rejected),
        ("skipped", tally.skipped),
        ("passed over", tally.passed_over),
    ):
        if counter:
            counts.append(f"{counter.total():,} {words}")
    mark = "[green]✓[/]" if result.finished and tally.clean else "[yellow]![/]"
    console.print(f"{mark} {', '.join(counts)} in {seconds:.1f} s", soft_wrap=True)
    if result.done_before:
        what = plural(result.done_before, "file was", "files were")
        console.print(f"  {what} imported before; --restart imports again.")
    if resent:
        console.print(
            f"  {plural(resent, 'duplicate is', 'duplicates are')} of batches that had to be sent again."
        )
    if result.resumed:
        console.print(f"  {plural(result.resumed, 'entry', 'entries')} of these in an earlier run.")
    for reason, count in tally.passed_over.most_common(MAX_SHOWN):
        console.print(f"  [dim]passed over {count:,}  {escape(harmless(reason))}[/]", soft_wrap=True)
    for words, counter in (("skipped", tally.skipped), ("rejected", tally.rejected)):
        for reason, count in counter.most_common(MAX_SHOWN):
            console.print(f"[red]✗[/] {words} {count:,}  {escape(harmless(reason))}", soft_wrap=True)
            for example in tally.examples.get(reason, ())[:3]:
                line = escape(harmless(f"{example['origin']}  {example['detail']}".rstrip()))
                console.print(f"    [dim]{line}[/]", soft_wrap=True)
    for damage in tally.damage[:MAX_SHOWN]:
        console.print(f"[red]✗[/] damaged  {escape(harmless(damage))}", soft_wrap=True)
    if stopped or not result.finished:
        console.print(as_typed("Not all was read: the same `wireroom import` command goes on from here."))
