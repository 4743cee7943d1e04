"""docs/submitting.md is true: its commands and programs are run against a real ingest, in their order.

`UPDATE_DOCS=1 pytest tests/docs` writes what they print into the page.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from tests.conftest import ROOT, free_port
from tests.support import mark_state

PAGE = ROOT / "docs" / "submitting.md"
pytestmark = pytest.mark.process

_EXAMPLE = re.compile(r"```(sh|python)\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
# What differs from run to run.
_VARYING = (
    (re.compile(r"\bwr_[\w-]{20,}"), "wr_…"),
    (re.compile(r"\bwhsec_[\w+/=-]{20,}"), "whsec_…"),
    (re.compile(r'"at":"[^"]*"'), '"at":"2026-11-25T08:00:00.000000Z"'),
    (re.compile(r"(?i)(retry-after: |again in )\d+"), r"\g<1>60"),
    (re.compile(r"[ \t\r]+$", re.MULTILINE), ""),
)


def settled(output: str) -> str:
    for pattern, replacement in _VARYING:
        output = pattern.sub(replacement, output)
    return output.strip("\n") + "\n"


@pytest.fixture
async def environment(redis: Redis, redis_url: str, tmp_path: Path) -> dict[str, str]:
    """What the examples find: where ingest is, the command, and an empty directory."""
    await mark_state(redis, 1, "first")
    port = free_port()
    command = tmp_path / "bin" / "wireroom"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m services.cli "$@"\n')
    command.chmod(0o755)
    return {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
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
    argv = ["sh", "-e", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(argv, env=environment, cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    if "wireroom sources" in code:
        for name, pattern in (("KEY", r"\bwr_[\w-]{20,}"), ("WEBHOOK_SECRET", r"\bwhsec_[\w+/=-]{20,}")):
            if (found := re.search(pattern, done.stdout)) is not None:
                environment[name] = found[0]
        time.sleep(1.5)  # "in force within a second"
    return done.stdout


@pytest.mark.usefixtures("ingest")
def test_the_examples_print_what_the_page_says(environment: dict[str, str], tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl found")
    page = PAGE.read_text(encoding="utf-8")
    directory = tmp_path / "examples"
    directory.mkdir()
    assert len(_EXAMPLE.findall(page)) == page.count("```text"), "each output belongs to an example"

    def with_output(match: re.Match[str]) -> str:
        language, code, _ = match.groups()
        output = settled(run(language, code, environment, directory))
        return f"```{language}\n{code}```\n\n```text\n{output}```\n"

    found = _EXAMPLE.sub(with_output, page)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(found, encoding="utf-8")
    assert found == page
