"""The rows of the promise's table, and which faults and scenarios answer for each. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.chaos.world import Result


class Row(NamedTuple):
    """One line of "faults and what passes", in the words of its question."""

    asks: str
    names: tuple[str, ...]


ROWS: tuple[Row, ...] = (
    Row(
        "kill -9 of ingest, enrich, index, 20 times under load",
        ("kills", "kill_ingest", "kill_enrich", "kill_index", "stall_enrich"),
    ),
    Row("kill -9 of Redis, and SIGTERM", ("kill_redis", "term_redis")),
    Row("Redis away for 30 s (SIGSTOP; closed port)", ("pause_redis", "redis_closed")),
    Row("Redis disk full; Redis out of memory", ("redis_disk_full", "redis_out_of_memory", "redis_full")),
    Row("index disk full at commit", ("index_disk_full",)),
    Row("index bytes flipped, truncated, deleted", ("index_damaged",)),
    Row("slow consumer ×10", ("slow_consumer", "tenfold_slower")),
    Row("a poison article, a poison batch", ("poison", "poison_deploy")),
    Row("over 10% invalid", ("too_many_invalid",)),
    Row(
        "the same submit 100 times at once; the same Idempotency-Key with another body",
        ("identical_submits", "idempotency_conflict"),
    ),
    Row("correction or delete before its create; reordered revisions", ("reordered_revisions",)),
    Row("SIGTERM under load; rolling restart N ↔ N+1", ("sigterm_under_load", "version_skew")),
    Row("FLUSHALL and lost groups", ("flushall", "redis_replaced", "lost_groups")),
    Row(
        "slow-loris ×200, half-sent bodies, gzip bombs, clock ±6 minutes",
        ("slow_loris", "bombs", "clock_off"),
    ),
    Row("Redis fsyncs before the 202", ("fsync_before_answer",)),
)
ORDER = {name: place for place, name in enumerate(name for row in ROWS for name in row.names)}


def in_order(results: Sequence[Result]) -> list[Result]:
    """Return the results row by row; what is in no row comes last."""
    return sorted(results, key=lambda result: ORDER.get(result.fault, len(ORDER)))


def row_verdicts(results: Sequence[Result]) -> Mapping[str, str]:
    """Return a verdict for each row that anything was asked of.

    A row has passed only if everything that answers for it was run and passed.
    """
    by_name = {result.fault: result for result in results}
    verdicts = {}
    for row in ROWS:
        found = [by_name[name].verdict for name in row.names if name in by_name]
        if not found:
            continue
        passed = sum(verdict == "passed" for verdict in found)
        if "FAILED" in found:
            verdicts[row.asks] = "FAILED"
        elif passed == len(row.names):
            verdicts[row.asks] = "passed"
        else:
            verdicts[row.asks] = f"{passed} of {len(row.names)} passed, the others were not run"
    return verdicts
