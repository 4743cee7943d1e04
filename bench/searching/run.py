"""One run of `wireroom bench search`: build or reuse both indexes, ask both, and search under load."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvloop

from bench import machine, report
from bench.failures import BenchFailed
from bench.report import Row
from bench.searching import rows
from bench.searching.building import build, engine_dir, peer_file
from bench.searching.fts5 import Fts5
from bench.searching.language import make_language
from bench.searching.loading import measure_under_load
from bench.searching.measuring import Measured, measure
from bench.searching.questions import kinds

QUESTIONS = 200
LOAD_S = 30.0
# Questions that are asked under load: what people ask most.
UNDER_LOAD = ("everyday term", "rare term", "three terms, all of them", "phrase")


@dataclass(frozen=True, slots=True)
class Found:
    """`measured` are the questions, `others` the rows of everything else; `document` has all of it."""

    measured: list[Measured]
    others: list[Row]
    document: dict[str, Any]


def run(
    *, documents: int, keep: Path | None, only: frozenset[str], command: str, say: Callable[[str], None]
) -> Found:
    """Measure. `only` names kinds of questions by parts of their names; nothing else is measured then."""
    start, described = time.monotonic(), machine.describe()
    others: list[Row] = []
    failures: dict[str, str] = {}
    with _directory(keep) as parent:
        directory = parent / f"documents-{documents}"
        say(f"{documents:,} articles in both indexes")
        built = build(directory, documents, say)
        measured = list(_measured(directory, built.documents, only, say))
        others += rows.ratio_rows(measured)
        if not only:
            others += rows.building_rows(built)
            say(f"searching while articles are indexed, {LOAD_S:.0f} s")
            try:
                others += rows.load_rows(_under_load(directory, built.documents))
            except* BenchFailed as group:
                failures["under load"] = str(group.exceptions[0])
    all_rows = [*(row for found in measured for row in rows.search_rows(found)), *others]
    details = {found.kind.name: rows.details(found) for found in measured}
    seconds = time.monotonic() - start
    return Found(measured, others, report.document(all_rows, described, details, failures, command, seconds))


def _measured(
    directory: Path, documents: int, only: frozenset[str], say: Callable[[str], None]
) -> Iterator[Measured]:
    everything = kinds(make_language(), documents, QUESTIONS)
    wanted = [kind for kind in everything if not only or any(part in kind.name for part in only)]
    peer = Fts5.open(peer_file(directory))
    try:
        for kind in wanted:
            say(kind.name)
            warm_up = everything[1] if kind is everything[0] else everything[0]
            yield measure(kind, warm_up, engine_dir(directory), peer)
    finally:
        peer.connection.close()


def _under_load(directory: Path, documents: int) -> Any:
    language = make_language()
    asked = [kind for kind in kinds(language, documents, QUESTIONS) if kind.name in UNDER_LOAD]
    with _directory(None) as scratch:
        return uvloop.run(measure_under_load(engine_dir(directory), scratch, language, asked, LOAD_S))


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    directory = Path(tempfile.mkdtemp(prefix="wireroom-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
