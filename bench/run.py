"""One run of `wireroom bench`: what is measured, in which order, with how much, and for how long at most.

Wireroom and the baseline are measured one after the other in the same run, each with the same processes
and an append-only Redis of its own that syncs every write, by the same client and the same articles.
Each gets its throughput measured before its latency, so that latency is that of a corpus and an index with
thousands of articles in them. The machine is otherwise as it is: the load average printed says how busy.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from bench import articles, enriching, machine, measures, report, rows, searches, systems
from bench.failures import BenchFailed
from bench.measures import Latency, Submits, Throughput
from bench.report import Row
from bench.systems import BASELINE, OURS, System

NAMES = ("throughput", "latency", "submits", "enrich", "search")
LATENCY_RATE = 50.0
WARM_UP_ARTICLES = 100
SUBMITS_WARM_UP = 1_000
# A rate that leaves the baseline some room: at its limit, its latency would be that of its queue.
BEARABLE_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured. Limits bound the run: what is not done by then is reported as it stands."""

    articles: int
    baseline_articles: int
    throughput_limit_s: float
    latency_s: float
    latency_patience_s: float
    submits: int
    baseline_submits: int
    enriched: int
    documents: int
    build_limit_s: float
    searches_per_kind: int


FULL = Plan(6_000, 1_500, 75.0, 25.0, 10.0, 20_000, 6_000, 2_000, 100_000, 150.0, 200)
QUICK = Plan(1_500, 400, 25.0, 10.0, 5.0, 6_000, 3_000, 600, 20_000, 40.0, 60)


@dataclass(frozen=True, slots=True)
class Wire:
    """Where articles come from: made ones, or the lines of a file."""

    newest_at: datetime
    file: Path | None = None

    def lines(self, series: str, count: int, skip: int = 0) -> list[bytes]:
        """Return `count` articles, fewer if the file has fewer. Different series of made ones never meet.

        Raises BenchFailed when the file has none left.
        """
        if self.file is not None:
            left = articles.read_lines(self.file, skip + count)[skip:]
            if not left:
                raise BenchFailed(f"{self.file} has no more than {skip:,} articles; this needs more")
            return left
        made = articles.make_articles(count, series=series, newest_at=self.newest_at)
        return [articles.encode(article) for article in made]


class Bench:
    """Measures what `only` names and gathers rows and details; `failures` says which part failed, and why."""

    def __init__(self, plan: Plan, only: frozenset[str], wire: Wire, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._only = only
        self._wire = wire
        self._say = say
        self.rows: list[Row] = []
        self.details: dict[str, Any] = {}
        self.failures: dict[str, str] = {}

    def run(self) -> None:
        """Measure part by part; one that fails does not take the figures of the others along."""
        parts: tuple[tuple[frozenset[str], Callable[[], None]], ...] = (
            (frozenset({"throughput", "latency"}), self._measure_pipelines),
            (frozenset({"submits"}), self._measure_submits),
            (frozenset({"enrich"}), self._measure_enrich),
            (frozenset({"search"}), self._measure_search),
        )
        for names, measure in parts:
            if names & self._only:
                try:
                    measure()
                except* BenchFailed as group:  # a task group wraps even a single one
                    self.failures[" and ".join(sorted(names & self._only))] = _first(group)

    # --- the pipeline -----------------------------------------------------------------------------

    def _measure_pipelines(self) -> None:
        ours = self._pipeline(OURS)
        baseline = self._pipeline(BASELINE)
        self.rows += rows.latency_rows(ours.latency, baseline.latency)
        self.rows += rows.throughput_rows(ours.throughput, baseline.throughput)

    def _pipeline(self, name: str) -> rows.Pipeline:
        start = systems.wireroom if name == OURS else systems.baseline
        self._say(f"{name}: starting")
        found = rows.Pipeline()
        with _directory() as directory, start(directory) as system:
            self._warm_up(system)
            if "throughput" in self._only or name == BASELINE:
                found.throughput = self._throughput(system)
            if "latency" in self._only:
                found.latency = self._latency(system, latency_rate(name, found.throughput))
            if name == OURS:
                self.details["steps"] = uvloop.run(measures.enriched_share(system.index, 50))
        return found

    def _warm_up(self, system: System) -> None:
        """Let both import, load and allocate what they do only once."""
        lines = self._wire.lines("warm-up", WARM_UP_ARTICLES)
        uvloop.run(measures.measure_throughput(system, lines, self._plan.throughput_limit_s))

    def _throughput(self, system: System) -> Throughput:
        count = self._plan.articles if system.name == OURS else self._plan.baseline_articles
        lines = self._wire.lines("throughput", count, skip=WARM_UP_ARTICLES)
        self._say(f"{system.name}: {len(lines):,} articles in batches, until all are searchable")
        found = uvloop.run(measures.measure_throughput(system, lines, self._plan.throughput_limit_s))
        self._detail(
            "throughput", system.name, asdict(found) | {"cpu_ms_per_article": found.cpu_ms_per_article}
        )
        return found

    def _latency(self, system: System, rate: float) -> Latency:
        count = int(rate * self._plan.latency_s)
        lines = self._wire.lines("latency", count, skip=WARM_UP_ARTICLES + self._plan.articles)
        self._say(f"{system.name}: {rate:.0f} articles/s for {self._plan.latency_s:.0f} s")
        found = uvloop.run(measures.measure_latency(system, lines, rate, self._plan.latency_patience_s))
        self._detail(
            "latency",
            system.name,
            {
                "rate": rate,
                "articles": found.articles,
                "missing": found.missing,
                "answered_ms": rows.percentiles_ms(found.answered_s, 0),
                "searchable_ms": rows.percentiles_ms(found.searchable_s, found.missing),
                "cpu": found.cpu,
            },
        )
        return found

    # --- submits ----------------------------------------------------------------------------------

    def _measure_submits(self) -> None:
        self.rows.append(rows.submits_row(self._submits(OURS), self._submits(BASELINE)))

    def _submits(self, name: str) -> Submits:
        count = self._plan.submits if name == OURS else self._plan.baseline_submits
        lines = self._wire.lines("submits", count)
        self._say(f"{name}: {len(lines):,} single submits to ingest alone")
        with _directory() as directory, systems.ingest_alone(name, directory) as ingest:
            found = uvloop.run(measures.measure_submits(ingest, lines, min(SUBMITS_WARM_UP, len(lines) // 4)))
        self._detail("submits", name, asdict(found) | {"per_second": found.per_second})
        return found

    # --- enrich -----------------------------------------------------------------------------------

    def _measure_enrich(self) -> None:
        count = self._plan.enriched
        self._say(f"{count:,} articles of {enriching.WORDS} words through the steps of one enrich worker")
        found = enriching.measure_in_a_process(count)
        self.details["enrich"] = asdict(found) | {"articles_per_cpu_second": found.articles_per_cpu_second}
        self.rows += rows.enrich_rows(found)

    # --- search -----------------------------------------------------------------------------------

    def _measure_search(self) -> None:
        plan = self._plan
        with _directory() as directory:
            ours, baseline = directory / OURS, directory / BASELINE
            self._say(f"indexing {plan.documents:,} documents for each")
            built = searches.build(ours, baseline, plan.documents, plan.build_limit_s)
            self._say(f"searching {built.documents:,} documents")
            engine, engine_cpu = searches.measure_engine(ours, plan.searches_per_kind)
            with systems.index_alone(OURS, ours, directory) as address:
                http = uvloop.run(searches.measure_http(address, plan.searches_per_kind))
            with systems.index_alone(BASELINE, baseline, directory) as address:
                theirs = uvloop.run(searches.measure_http(address, plan.searches_per_kind, baseline=True))
        self.details["search"] = {
            "documents": built.documents,
            "indexed_per_second": round(built.ours_per_s, 1),
            "engine_ms": rows.by_kind(engine),
            "engine_processor_ms": rows.by_kind(engine_cpu),
            "http_ms": rows.by_kind(http),
            "baseline_http_ms": rows.by_kind(theirs),
        }
        self.rows += rows.search_rows(built, engine, http, theirs)

    def _detail(self, what: str, name: str, found: dict[str, Any]) -> None:
        self.details.setdefault(what, {})[name] = found


def latency_rate(name: str, throughput: Throughput | None) -> float:
    if name == OURS or throughput is None:
        return LATENCY_RATE
    return max(min(LATENCY_RATE, throughput.rate * BEARABLE_SHARE), 1.0)


@contextmanager
def _directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="wireroom-bench-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _first(group: ExceptionGroup[BenchFailed]) -> str:
    error: Exception = group
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def run(
    *,
    quick: bool,
    only: frozenset[str],
    data: Path | None,
    command: str,
    say: Callable[[str], None],
) -> tuple[list[Row], dict[str, Any]]:
    """Measure, and return the rows and the JSON document."""
    start, described = time.monotonic(), machine.describe()
    bench = Bench(QUICK if quick else FULL, only, Wire(datetime.now(UTC), data), say)
    bench.run()
    seconds = time.monotonic() - start
    document = report.document(bench.rows, described, bench.details, bench.failures, command, seconds)
    return bench.rows, document
