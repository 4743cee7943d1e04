"""docs/submitting.md is true: its commands and programs are run against a real ingest, in their order.

`UPDATE_DOCS=1 pytest tests/docs` writes what they print into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from tests.conftest import ROOT, free_port
from tests.docs.examples import check_page, command_directory, run_example, settled
from tests.support import mark_state

PAGE = ROOT / "docs" / "submitting.md"
pytestmark = pytest.mark.process
__all__ = ["command_directory"]  # a fixture


@pytest.fixture
async def environment(
    redis: Redis, redis_url: str, tmp_path: Path, command_directory: Path
) -> dict[str, str]:
    """What the examples find: where ingest is, the command, and an empty directory."""
    await mark_state(redis, 1, "first")
    port = free_port()
    return {
        "PATH": f"{command_directory}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
        "COLUMNS": "110",
        "INGEST": f"http://127.0.0.1:{port}",
        "WIREROOM_INGEST_PORT": str(port),
        "WIREROOM_REDIS_URL": redis_url,
        "WIREROOM_SOURCES_PATH": str(tmp_path / "sources.json"),
    }


@pytest.fixture
def ingest(environment: dict[str, str], tmp_path: Path) -> Iterator[None]:
    with (tmp_path / "ingest.log").open("wb") as log:
        process = subprocess.Popen(["wireroom", "ingest"], env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 90
            while not _ready(environment["INGEST"]):
                assert process.poll() is None and time.monotonic() < deadline, "ingest does not start"
                time.sleep(0.1)
            yield
        finally:
            process.terminate()
            process.wait(30)


def _ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def run(language: str, code: str, environment: dict[str, str], directory: Path) -> str:
    output = run_example(language, code, environment, directory)
    if "wireroom sources" in code:
        for name, pattern in (("KEY", r"\bwr_[\w-]{20,}"), ("WEBHOOK_SECRET", r"\bwhsec_[\w+/=-]{20,}")):
            if (found := re.search(pattern, output)) is not None:
                environment[name] = found[0]
        time.sleep(1.5)  # "in force within a second"
    return settled(output)


@pytest.mark.usefixtures("ingest")
def test_the_examples_print_what_the_page_says(environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl found")
    directory = tmp_path / "examples"
    directory.mkdir()
    check_page(PAGE, lambda language, code: run(language, code, environment, directory))
