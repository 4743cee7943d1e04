"""A whole Wireroom to test from outside: one started here, or a deployment that is already running.

To test a deployment (Compose, say), set WIREROOM_INGEST_URL and WIREROOM_INDEX_URL, and
WIREROOM_API_KEY where submitting needs a key.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from tests.conftest import ROOT, find_redis_server, free_port

START_TIMEOUT_S = 90


@dataclass(frozen=True)
class Stack:
    """Where a Wireroom runs. `data_dir` and `process` are None for a deployment that is not ours."""

    ingest_url: str
    index_url: str
    headers: dict[str, str] = field(default_factory=dict)
    data_dir: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def own(self) -> bool:
        return self.process is not None

    def pids(self) -> dict[str, int]:
        """Process ids by child name, as `wireroom up` wrote them down last."""
        assert self.data_dir is not None
        document: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text())
        return dict(document["pids"])

    def redis(self) -> Redis:
        """Return a client of the private Redis; close it."""
        assert self.data_dir is not None
        document = json.loads((self.data_dir / "run.json").read_text())
        password = Path(document["redis_password_file"]).read_text().strip()
        client: Redis = Redis.from_url(document["redis_url"], password=password)
        return client

    def cli(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the `wireroom` command against this stack."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *words],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.environment,
            timeout=120,
        )


def start_stack(data_dir: Path, *flags: str) -> Stack:
    """Start `wireroom up` on free ports and wait until it is ready."""
    if find_redis_server() is None:
        pytest.skip("no redis-server or valkey-server found")
    ports = {name: free_port() for name in ("ingest", "enrich", "index")}
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith("WIREROOM_") or k.endswith("_SERVER")
    }
    environment |= {"WIREROOM_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)}
    log = data_dir.parent / f"{data_dir.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", "--data-dir", str(data_dir)]
            + [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
            + list(flags),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=environment,
        )
    stack = Stack(
        ingest_url=f"http://127.0.0.1:{ports['ingest']}",
        index_url=f"http://127.0.0.1:{ports['index']}",
        data_dir=data_dir,
        process=process,
        environment=environment,
    )
    deadline = time.monotonic() + START_TIMEOUT_S
    while not all(_ready(f"http://127.0.0.1:{port}/readyz") for port in ports.values()):
        if process.poll() is not None or time.monotonic() > deadline:
            stop_stack(stack)
            pytest.fail(f"`wireroom up` did not get ready:\n{log.read_text()[-4000:]}")
        time.sleep(0.1)
    return stack


def _ready(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def stop_stack(stack: Stack) -> int:
    """Stop it as Ctrl-C would and return the exit code."""
    assert stack.process is not None
    if stack.process.poll() is None:
        stack.process.send_signal(signal.SIGTERM)
    try:
        return stack.process.wait(60)
    except subprocess.TimeoutExpired:
        stack.process.kill()
        stack.process.wait(10)
        return -9


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if ingest_url := os.environ.get("WIREROOM_INGEST_URL"):
        key = os.environ.get("WIREROOM_API_KEY")
        yield Stack(
            ingest_url=ingest_url,
            index_url=os.environ["WIREROOM_INDEX_URL"],
            headers={"authorization": f"Bearer {key}"} if key else {},
        )
        return
    stack = start_stack(tmp_path_factory.mktemp("stack") / "data", "--no-samples")
    yield stack
    code = stop_stack(stack)
    assert code == 0, "`wireroom up` drains and exits 0 on SIGTERM"


@pytest.fixture
async def ingest(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.ingest_url, headers=stack.headers, timeout=30) as client:
        yield client


@pytest.fixture
async def index(stack: Stack) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=stack.index_url, headers=stack.headers, timeout=30) as client:
        yield client
