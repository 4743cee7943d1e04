"""Redis syncs its file before a submit is answered: seen with strace, where it may trace."""

from __future__ import annotations

import pytest

from bench.chaos.run import run
from tests.conftest import find_redis_server

pytestmark = pytest.mark.process


def test_redis_syncs_before_a_submit_is_answered() -> None:
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server found")
    said: list[str] = []
    found = run(seed=1, minutes=0.1, names=("fsync_before_answer",), say=said.append)
    (result,) = found.results
    if result.not_run:
        pytest.skip(result.not_run)
    assert result.verdict == "passed", "\n".join([*said, *result.failures])
    assert result.measured["submits_traced"] >= 10
