"""`wireroom bench`: measure this machine, beside a baseline."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import Failure, stderr, stdout

ROOT = Path(__file__).resolve().parents[2]


def register(app: typer.Typer) -> None:
    app.command()(bench)


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="NAME", help="throughput, latency, submits, enrich, search; repeatable."
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Less of everything: two minutes, not eight.")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures there too.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="FILE", exists=True, dir_okay=False, help="NDJSON articles to submit instead."
        ),
    ] = None,
) -> None:
    """Measure throughput, latency, submits, enriching and search, beside a plain FastStream pipeline."""
    if not (ROOT / "bench" / "run.py").is_file():
        raise Failure(
            "the benchmarks are not part of the installed package.",
            "Run them from a checkout of the repository: ./run bench",
        )
    runner = importlib.import_module("bench.run")
    report = importlib.import_module("bench.report")
    names = frozenset(only or runner.NAMES)
    if unknown := names - set(runner.NAMES):
        raise typer.BadParameter(
            f"--only is one of {', '.join(runner.NAMES)}, not {', '.join(sorted(unknown))}."
        )
    command = " ".join(
        ["./run bench", *(["--quick"] if quick else []), *(f"--only {name}" for name in only or ())]
    )
    with stderr().status("Starting…") as status:

        def say(what: str) -> None:
            status.update(what)
            stderr().print(f"[dim]{what}[/]")

        rows, document = runner.run(quick=quick, only=names, data=data, command=command, say=say)
    report.show(stdout(), rows, document["machine"], command, document["seconds"])
    if json_file is not None:
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if failures := document["failures"]:
        raise Failure("\n".join(f"{name} could not be measured: {why}" for name, why in failures.items()))
