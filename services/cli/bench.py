"""`wireroom bench`: measure this machine, beside a baseline."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import Failure, stderr, stdout

ROOT = Path(__file__).resolve().parents[2]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all figures there too.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(invoke_without_command=True)
    commands.callback()(bench)
    commands.command("search")(bench_search)
    app.add_typer(commands, name="bench")


def bench(
    context: typer.Context,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="NAME", help="throughput, latency, submits, enrich, search; repeatable."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: two minutes, not eight.")
    ] = False,
    json_file: JsonFile = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE", exists=True, dir_okay=False, help="NDJSON articles to submit instead."
        ),
    ] = None,
) -> None:
    """Measure throughput, latency, submits, enriching and search, beside a plain FastStream pipeline.

    `bench search` goes deeper into searching, beside SQLite's FTS5.
    """
    if context.invoked_subcommand is not None:
        return
    runner, report = _modules("bench.run", "bench.report")
    names = frozenset(only or runner.NAMES)
    if unknown := names - set(runner.NAMES):
        raise typer.BadParameter(
            f"--only is one of {', '.join(runner.NAMES)}, not {', '.join(sorted(unknown))}."
        )
    command = " ".join(
        ["./run bench", *(["--quick"] if quick else []), *(f"--only {name}" for name in only or ())]
    )
    with _saying() as say:
        rows, document = runner.run(quick=quick, only=names, data=data, command=command, say=say)
    report.show(stdout(), rows, document["machine"], command, document["seconds"])
    _write(json_file, document)
    if failures := document["failures"]:
        raise Failure("\n".join(f"{name} could not be measured: {why}" for name, why in failures.items()))


def bench_search(
    documents: Annotated[int, typer.Option(min=1_000, help="How many articles are generated.")] = 200_000,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="TEXT", help="Only questions with this in their name; repeatable."),
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Build there, or use what an earlier run has built there."),
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Measure searching in a large corpus, and indexing it, beside SQLite's FTS5 in the same run.

    Exits with 1 when a target was missed.
    """
    runner, showing = _modules("bench.searching.run", "bench.searching.showing")
    command = f"./run bench search --documents {documents}" + "".join(
        f" --only {name!r}" for name in only or ()
    )
    with _saying() as say:
        found = runner.run(
            documents=documents, keep=keep, only=frozenset(only or ()), command=command, say=say
        )
    document = found.document
    showing.show(stdout(), found.measured, found.others, document)
    _write(json_file, document)
    if failures := document["failures"]:
        raise Failure("\n".join(f"{name} could not be measured: {why}" for name, why in failures.items()))
    if not document["met"]:
        raise typer.Exit(1)


def _modules(*names: str) -> list[Any]:
    if not (ROOT / "bench" / "run.py").is_file():
        raise Failure(
            "the benchmarks are not part of the installed package.",
            "Run them from a checkout of the repository: ./run bench",
        )
    return [importlib.import_module(name) for name in names]


@contextmanager
def _saying() -> Iterator[Callable[[str], None]]:
    """Tell on stderr what is being done."""
    with stderr().status("Starting…") as status:

        def say(what: str) -> None:
            status.update(what)
            stderr().print(f"[dim]{what}[/]")

        yield say


def _write(json_file: Path | None, document: dict[str, Any]) -> None:
    if json_file is not None:
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
