"""`wireroom eval`: score the service's own models and rules on annotated files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext, redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from services.cli import options
from services.cli.output import Failure, harmless, plural, print_json, stderr, stdout

if TYPE_CHECKING:
    from services.cli.evaluation.report import Report

MAX_COMPLAINTS = 10

STDIN = Path("-")


def _readable(path: Path) -> Path:
    if path != STDIN and not path.exists():
        raise typer.BadParameter(f"{path} does not exist.")
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a directory.")
    return path


File = Annotated[Path, typer.Argument(metavar="FILE", callback=_readable, help="JSONL; - is standard input.")]
ModelsDir = Annotated[
    Path | None,
    typer.Option(
        "--models-dir",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="Models to score; else those that ship.",
    ),
]
Coarse = Annotated[
    bool,
    typer.Option("--coarse", help="Only PER, ORG and LOC: GPE, LOC and FAC are one, the rest is ignored."),
]


def _backend(part: str, kinds: str) -> Any:
    return typer.Option(
        "--backend",
        metavar="NAME",
        envvar=f"WIREROOM_{part}_BACKEND",
        help=f"What to score: builtin, {kinds} an entry point of wireroom.{part.lower()}.",
    )


def _model(part: str) -> Any:
    return typer.Option(
        "--model", metavar="PATH", envvar=f"WIREROOM_{part}_MODEL", help="The backend's own model."
    )


EntitiesBackend = Annotated[str, _backend("ENTITIES", "spacy, gliner, or")]
EntitiesModel = Annotated[Path | None, _model("ENTITIES")]
EntitiesLabels = Annotated[
    str,
    typer.Option(
        "--labels",
        metavar="MAP",
        envvar="WIREROOM_ENTITIES_LABELS",
        help="PER=PERSON, MISC=: theirs and ours.",
    ),
]
SentimentBackend = Annotated[str, _backend("SENTIMENT", "or")]
SentimentModel = Annotated[Path | None, _model("SENTIMENT")]

evaluations = typer.Typer(
    name="eval",
    help="Score this service's own models and rules on JSONL files.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def register(app: typer.Typer) -> None:
    app.add_typer(evaluations)


@evaluations.command()
def ner(
    file: File,
    coarse: Coarse = False,
    json: options.JsonOutput = False,
    models_dir: ModelsDir = None,
    backend: EntitiesBackend = "builtin",
    model: EntitiesModel = None,
    labels: EntitiesLabels = "",
) -> None:
    r"""Entities by strict spans: {"text", "entities": \[\[start, end, label]]}."""
    from services.cli.evaluation import ner as kind
    from services.cli.evaluation.backends import Chosen

    chosen = Chosen(backend, model, labels)
    _run(kind, partial(kind.evaluate, coarse=coarse, chosen=chosen), file, json, models_dir)


@evaluations.command()
def sentiment(
    file: File,
    json: options.JsonOutput = False,
    models_dir: ModelsDir = None,
    backend: SentimentBackend = "builtin",
    model: SentimentModel = None,
) -> None:
    r"""Sentiment, towards a target if given: {"text", "target": \[start, end], "label"}."""
    from services.cli.evaluation import sentiment as kind
    from services.cli.evaluation.backends import Chosen

    chosen = Chosen(backend, model)
    _run(kind, partial(kind.evaluate, chosen=chosen), file, json, models_dir)


@evaluations.command()
def related(file: File, json: options.JsonOutput = False, models_dir: ModelsDir = None) -> None:
    """Related links and stories, in the order of the file: {"id", "title", "body", "cluster"}."""
    from services.cli.evaluation import related as kind

    _run(kind, kind.evaluate, file, json, models_dir)


@evaluations.command()
def duplicates(file: File, json: options.JsonOutput = False, models_dir: ModelsDir = None) -> None:
    """Near duplicates, in the order of the file: {"id", "text", "duplicate_of"}."""
    from services.cli.evaluation import duplicates as kind

    _run(kind, kind.evaluate, file, json, models_dir)


@evaluations.command()
def topics(file: File, json: options.JsonOutput = False, models_dir: ModelsDir = None) -> None:
    """Topics: {"title", "body", "topic"}, or "text" for both; "topic" is a code, a name or a list."""
    from services.cli.evaluation import topics as kind

    _run(kind, kind.evaluate, file, json, models_dir)


@evaluations.command()
def clean(file: File, json: options.JsonOutput = False, models_dir: ModelsDir = None) -> None:
    """Extraction and clean-up by words: {"html", "text"} or {"page_text", "text"}."""
    from services.cli.evaluation import clean as kind

    _run(kind, kind.evaluate, file, json, models_dir)


@evaluations.command()
def quotes(file: File, json: options.JsonOutput = False, models_dir: ModelsDir = None) -> None:
    """Quotes and their speakers: {"text", "quotes": [{"start", "end", "speaker"}]}."""
    from services.cli.evaluation import quotes as kind

    _run(kind, kind.evaluate, file, json, models_dir)


def _run(
    kind: Any,
    evaluate: Callable[[Iterable[Any], Path | None], Report],
    path: Path,
    as_json: bool,
    models_dir: Path | None,
) -> None:
    """Evaluate a file and print the report. Fails when not one line of it is of this kind."""
    from services.cli.evaluation.records import Records

    complaints = 0

    def complain(line: int, reason: str) -> None:
        nonlocal complaints
        complaints += 1
        if complaints <= MAX_COMPLAINTS:
            stderr().print(f"line {line}: {harmless(reason)}; skipped", markup=False, soft_wrap=True)

    # What a plug-in prints is not part of the report.
    with _opened(path) as file, redirect_stdout(sys.stderr):
        records = Records(file, kind.parse, complain)
        report = evaluate(records, models_dir)
    if complaints > MAX_COMPLAINTS:
        stderr().print(f"… and {plural(complaints - MAX_COMPLAINTS, 'more line')} skipped")
    if not records.used:
        raise Failure(f"{path} has no line that can be scored.", f"Each line is to be like {kind.FORMAT}")
    report.counts["malformed_lines"] = records.malformed
    if as_json:
        print_json(report.document())
    else:
        _show(report)


def _opened(path: Path) -> Any:
    stdin: BinaryIO = sys.stdin.buffer
    return nullcontext(stdin) if path == STDIN else path.open("rb")


def _show(report: Report) -> None:
    from rich.table import Table

    from shared.memory import peak_memory_mb

    console = stdout()
    measures = Table(box=None, show_header=False, pad_edge=False)
    for at, (name, value) in enumerate(report.measures.items()):
        measures.add_row(name.replace("_", " "), f"{value:.4f}", style="bold" if at == 0 else "")
    console.print(measures)
    if report.labels:
        console.print()
        console.print(_label_table(report))
    counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in report.counts.items())
    speed = report.speed
    console.print(f"\n{counts}", style="dim", soft_wrap=True)
    console.print(
        f"{speed.words:,} words in {speed.seconds:.2f} s of processor time: "
        f"{speed.words_per_second:,} words/s, {peak_memory_mb():,} MB of memory at most",
        style="dim",
        soft_wrap=True,
    )


def _label_table(report: Report) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("label")
    for heading in ("precision", "recall", "F1", "expected", "predicted"):
        table.add_column(heading, justify="right")
    for label, score in report.labels.items():
        ratios = (f"{value:.3f}" for value in (score.precision, score.recall, score.f1))
        table.add_row(harmless(label)[:40], *ratios, f"{score.expected:,}", f"{score.predicted:,}")
    return table
