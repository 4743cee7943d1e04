"""Measurements into the rows of the table, with the targets that were set for two cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.enriching import Enriching
from bench.measures import SUBMIT_CONNECTIONS, Latency, Submits, Throughput, percentile
from bench.report import Row
from bench.searches import Built, SearchTimes

TARGET_SEARCHABLE_MS = 1_000.0
TARGET_ARTICLES_PER_S = 130.0
TARGET_SUBMITS_PER_CPU_S = 2_500.0
TARGET_SEARCH_MS = 10.0
TARGET_ENRICHED_PER_CPU_S = 150.0
TARGET_WORKER_MB = 300.0
# Less than this is the system itself.
NOISE_CORES = 0.15


@dataclass(slots=True)
class Pipeline:
    """What was measured of one running pipeline; None where it was not asked for."""

    throughput: Throughput | None = None
    latency: Latency | None = None


def tail_ms(found: Latency, share: float) -> float:
    """Return a percentile; articles that never came count as never, so that they cannot improve it."""
    return percentile([*found.searchable_s, *[float("inf")] * found.missing], share) * 1000


def percentiles_ms(seconds: Sequence[float], missing: int) -> dict[str, float | None]:
    found = Latency(0, len(seconds) + missing, searchable_s=list(seconds))
    values = {f"p{share * 100:.0f}": tail_ms(found, share) for share in (0.5, 0.95, 0.99)}
    return {name: None if value == float("inf") else round(value, 1) for name, value in values.items()}


def by_kind(times: SearchTimes) -> dict[str, dict[str, float]]:
    return {
        kind: {"p50": round(percentile(each, 0.5), 2), "p95": round(percentile(each, 0.95), 2)}
        for kind, each in times.by_kind.items()
    }


def latency_rows(ours: Latency | None, baseline: Latency | None) -> list[Row]:
    if ours is None or baseline is None:
        return []
    note = f"at {ours.rate:.0f} articles/s"
    if baseline.rate < ours.rate:
        note += f"; the baseline at {baseline.rate:.0f}, which it can bear"
    note += _noise("Wireroom", ours) + _noise("the baseline", baseline)
    shares = ((0.5, None), (0.95, TARGET_SEARCHABLE_MS), (0.99, None))
    return [
        Row(
            f"submit → searchable, p{share * 100:.0f}",
            "ms",
            "lower",
            tail_ms(ours, share),
            tail_ms(baseline, share),
            target,
            note if target is not None else "",
        )
        for share, target in shares
    ]


def _noise(name: str, found: Throughput | Latency) -> str:
    if found.others_cores <= NOISE_CORES:
        return ""
    return f"; other programs took {found.others_cores:.1f} cores from {name}"


def throughput_rows(ours: Throughput | None, baseline: Throughput | None) -> list[Row]:
    if ours is None or baseline is None:
        return []
    note = f"{ours.articles:,} articles in batches, all steps on; the baseline {baseline.articles:,}"
    for name, found in (("Wireroom", ours), ("the baseline", baseline)):
        note += _noise(name, found)
        if found.searchable < found.articles:
            note += f"; {name} was cut off at {found.searchable:,}"
    head = Row(
        "batch → searchable",
        "articles/s",
        "higher",
        ours.rate,
        baseline.rate,
        TARGET_ARTICLES_PER_S,
        note,
    )
    theirs = baseline.cpu_ms_per_article
    return [
        head,
        *(
            Row(f"  processor, {service}", "ms/article", "lower", ms, theirs.get(service))
            for service, ms in ours.cpu_ms_per_article.items()
        ),
    ]


def submits_row(ours: Submits, baseline: Submits) -> Row:
    return Row(
        "single submits",
        "per CPU-second",
        "higher",
        ours.per_cpu_second,
        baseline.per_cpu_second,
        TARGET_SUBMITS_PER_CPU_S,
        f"of the ingest process; {SUBMIT_CONNECTIONS} keep-alive connections, no consumers; "
        f"per second of clock {ours.per_second:,.0f}, the baseline {baseline.per_second:,.0f}",
    )


def search_rows(built: Built, engine: SearchTimes, http: SearchTimes, baseline: SearchTimes) -> list[Row]:
    kinds = len(http.by_kind)
    note = (
        f"{built.documents:,} documents, {kinds} kinds of question alike; "
        "the baseline gives neither highlights nor facets"
    )
    both = ((share, percentile(http.all, share), percentile(baseline.all, share)) for share in (0.5, 0.95))
    found = [
        Row(
            f"search over HTTP, p{share * 100:.0f}",
            "ms",
            "lower",
            ours_ms,
            baseline_ms,
            TARGET_SEARCH_MS if share == 0.95 else None,
            note if share == 0.95 else "",
        )
        for share, ours_ms, baseline_ms in both
    ]
    for where, times in (("over HTTP", http), ("in engine", engine)):
        kind, worst_ms = times.worst
        name = f"search {where}, slowest kind"
        found.append(Row(name, "ms", "lower", worst_ms, None, TARGET_SEARCH_MS, f"p95 of {kind}"))
    return found


def enrich_rows(found: Enriching) -> list[Row]:
    costs = sorted(found.ms_by_step.items(), key=lambda pair: -pair[1])
    return [
        Row(
            f"enriched per CPU second, {found.words:.0f} words",
            "articles",
            "higher",
            found.articles_per_cpu_second,
            target=TARGET_ENRICHED_PER_CPU_S,
            note="ms an article: " + ", ".join(f"{name} {cost:.2f}" for name, cost in costs if cost >= 0.01),
        ),
        Row("memory of an enrich worker, peak", "MB", "lower", found.peak_mb, target=TARGET_WORKER_MB),
    ]
