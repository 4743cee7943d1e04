"""A short run of the harness over real processes: the whole promise, in half a minute."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from bench.chaos.run import Run, run
from tests.conftest import find_redis_server

pytestmark = pytest.mark.process

SEED = 2
FAULTS = ("kill_ingest", "kill_enrich", "kill_index", "kill_redis")


def told(found: Run, said: Sequence[str]) -> str:
    broken = [
        f"{one.kind}: {one.article_id} {one.detail} {one.history} {one.receipt}" for one in found.violations
    ]
    failed = [f"{result.fault}: {failure}" for result in found.results for failure in result.failures]
    return "\n".join([f"seed {SEED}", *said, *broken, *failed])


def test_nothing_accepted_is_lost_under_seeded_faults() -> None:
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server found")
    said: list[str] = []
    found = run(seed=SEED, minutes=0.37, names=FAULTS, say=said.append, rate=12)
    assert found.passed, told(found, said)
    assert {result.fault for result in found.results if result.times} == set(FAULTS)
    assert (found.figures["accepted"] or 0) > 100
