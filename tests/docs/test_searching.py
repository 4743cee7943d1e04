"""docs/searching.md is true: its commands are run against a real index service, in their order.

`UPDATE_DOCS=1 pytest tests/docs` writes what they print into the page.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from shared.events import encode_event
from shared.streams import ENRICHED, EVENT_FIELD
from tests.conftest import ROOT, free_port
from tests.docs import wire
from tests.docs.examples import VARYING, check_page, command_directory, run_example, settled
from tests.support import eventually, mark_state

PAGE = ROOT / "docs" / "searching.md"
pytestmark = pytest.mark.process
__all__ = ["command_directory"]  # a fixture
_VARYING = (
    *VARYING,
    (re.compile(r"^\d\d:\d\d:\d\d  ", re.MULTILINE), "08:00:00  "),
    (re.compile(r"\bmsg_[0-9a-f]{32}\b"), "msg_…"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "5d41402abc4b2a76"),  # of a saved search
    (re.compile(r"127\.0\.0\.1:\d{4,}"), "127.0.0.1:8003"),
    (re.compile(r"--cursor \S+"), "--cursor AQBqRw…"),
    (re.compile(r"\b\d+\.\d s$", re.MULTILINE), "0.1 s"),
    (re.compile(r"\b\d+ ms\b"), "12 ms"),
    (re.compile(r"\d+ \w{3} 2\d{3}, \d\d:\d\d(?=  test)"), "25 Nov 2026, 08:00"),
)


@pytest.fixture
async def environment(
    redis: Redis, redis_url: str, tmp_path: Path, command_directory: Path
) -> dict[str, str]:
    await mark_state(redis, 1, "first")
    for event in wire.events():
        await redis.xadd(ENRICHED.key(0), {EVENT_FIELD: encode_event(event)})
    port = free_port()
    return {
        "PATH": f"{command_directory}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "BROWSER": "false",
        "WIREROOM_INDEX_PORT": str(port),
        "WIREROOM_INDEX_URL": f"http://127.0.0.1:{port}",
        "WIREROOM_REDIS_URL": redis_url,
        "WIREROOM_DATA_DIR": str(tmp_path / "data"),
    }


@pytest.fixture
async def index(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    """An index service that has all articles of the wire."""
    with (tmp_path / "index.log").open("wb") as log:
        process = subprocess.Popen(["wireroom", "index"], env=environment, stdout=log, stderr=log)
        try:
            await eventually(lambda: _found(environment) == len(wire.ARTICLES), within_s=90)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _found(environment: dict[str, str]) -> int:
    try:
        answer = httpx2.get(f"{environment['WIREROOM_INDEX_URL']}/v1/search?count=exact", timeout=2)
        return int(answer.json()["total"])
    except (httpx2.HTTPError, ValueError, KeyError):
        time.sleep(0.1)
        return -1


@pytest.mark.usefixtures("index")
def test_the_examples_print_what_the_page_says(environment: dict[str, str], tmp_path: Path) -> None:
    directory = tmp_path / "examples"
    directory.mkdir()
    check_page(
        PAGE, lambda language, code: settled(run_example(language, code, environment, directory), _VARYING)
    )
