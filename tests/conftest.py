"""Fixtures every test may use: a real Redis of its own, never one that is in use by anything else."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

# Out of the box structlog draws every local variable of a traceback, which takes minutes for an application.
structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    cache_logger_on_first_use=False,
)

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def find_redis_server() -> str | None:
    return (
        os.environ.get("WIREROOM_REDIS_SERVER")
        or shutil.which("redis-server")
        or shutil.which("valkey-server")
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a private Redis, started for this session and stopped after it."""
    server = find_redis_server()
    if server is None:
        message = "no redis-server or valkey-server found: install one, or set WIREROOM_REDIS_SERVER"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    port = free_port()
    directory = tmp_path_factory.mktemp("redis")
    log = directory / "redis.log"
    process = subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "",
         "--appendonly", "no", "--databases", "64", "--logfile", str(log)],
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
                break
            except OSError:
                time.sleep(0.02)
        else:
            pytest.fail(f"Redis did not start: {log.read_text() if log.exists() else 'no log'}")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the private Redis, emptied before the test."""
    client: Redis = Redis.from_url(redis_url, decode_responses=False)
    await client.flushall()
    try:
        yield client
    finally:
        await client.aclose()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The project's reference data, which exists on its own machines and not on a user's."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"reference data is not on this machine: {SHARED_DATA}")
    return SHARED_DATA
