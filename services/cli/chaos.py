"""`wireroom chaos`: try to break the delivery promise on this machine."""

from __future__ import annotations

import importlib
import json
import random
import time
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import Failure, stderr, stdout

ROOT = Path(__file__).resolve().parents[2]
MOST_SEED = 1 << 32


def register(app: typer.Typer) -> None:
    app.command()(chaos)


def chaos(
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_SEED, help="Do the faults of this seed again; else a new one."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.1, max=24 * 60, help="How long faults are drawn; scenarios come on top.")
    ] = 5.0,
    faults: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Only these faults and scenarios; `list` lists them.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything that was found there.")
    ] = None,
) -> None:
    """Kill, stall, starve and damage a Wireroom of its own under load, and judge what it lost."""
    if not (ROOT / "bench" / "chaos" / "run.py").is_file():
        raise Failure(
            "the chaos harness is not part of the installed package.",
            "Run it from a checkout of the repository: ./run chaos",
        )
    runner = importlib.import_module("bench.chaos.run")
    report = importlib.import_module("bench.chaos.report")
    machine = importlib.import_module("bench.machine")
    if faults == "list":
        stdout().print("\n".join(runner.NAMES))
        return
    names = tuple(dict.fromkeys(word.strip() for word in faults.split(","))) if faults else runner.NAMES
    if unknown := set(names) - set(runner.NAMES):
        raise typer.BadParameter(
            f"--faults is any of {', '.join(runner.NAMES)}, not {', '.join(sorted(unknown))}."
        )
    chosen = random.randrange(10_000) if seed is None else seed  # noqa: S311  # to be told again, not secret
    command = f"./run chaos --seed {chosen} --minutes {minutes:g}" + (f" --faults {faults}" if faults else "")
    described = machine.describe()
    began = time.monotonic()
    found = runner.run(
        seed=chosen, minutes=minutes, names=names, say=lambda words: stderr().print(words, style="dim")
    )
    seconds = time.monotonic() - began
    report.show(
        stdout(),
        results=found.results,
        violations=found.violations,
        figures=found.figures,
        schedule=found.schedule,
        command=f"{command} · took {seconds:.0f} s",
    )
    if json_file is not None:
        document = runner.as_document(found, seed=chosen, machine=described, command=command, seconds=seconds)
        json_file.write_text(json.dumps(document, indent=2, default=str) + "\n", encoding="utf-8")
    if not found.passed:
        raise Failure("the promise was broken, or a fault was not borne.", f"Do it again with: {command}")
