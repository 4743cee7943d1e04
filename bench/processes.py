"""Processes that a benchmark starts and always stops again: a Redis, single services, `wireroom up`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from bench.failures import BenchFailed
from services.supervisor.child import LEASH
from services.supervisor.ports import free_port
from services.supervisor.redis_server import RedisConfig, find_redis_server
from shared.runtime.groups import ensure_groups
from shared.runtime.state import begin_restoring, write_generation

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 40.0
POLL_S = 0.05
REDIS_MEMORY_BYTES = 1 << 30


def environment(**variables: str) -> dict[str, str]:
    """Return ours without the user's WIREROOM_… settings: defaults are measured."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("WIREROOM_") or name.endswith("_SERVER")
    }
    return {**kept, "PYTHONPATH": str(ROOT), **variables}


@contextmanager
def running(
    name: str, argv: Sequence[str], env: Mapping[str, str], directory: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process until the body is done, or we die; its output goes to `directory`/NAME.log."""
    log = directory / f"{name}.log"
    leash = (sys.executable, "-I", "-S", str(LEASH), str(int(signal.SIGTERM)), str(os.getpid()))
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*leash, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env=dict(env),
            start_new_session=True,  # Ctrl-C reaches the benchmark alone, which then stops the rest in order
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def log_tail(name: str, directory: Path) -> str:
    path = directory / f"{name}.log"
    return path.read_text(encoding="utf-8", errors="replace")[-2000:] if path.exists() else ""


def wait_ready(url: str, process: subprocess.Popen[bytes], name: str, directory: Path) -> None:
    """Wait until `url` answers 200. Raises BenchFailed with the process's last words."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            if httpx2.get(url, timeout=2, trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.HTTPError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchFailed(f"{name} did not get ready:\n{log_tail(name, directory)}")
        time.sleep(POLL_S)


def wait_for_readers(redis: Redis, count: int) -> None:
    """Wait until so many clients read streams as members of a group. Raises BenchFailed.

    Redis before 7.2 lists a consumer only once it was given an entry, so its clients are asked instead.
    """
    deadline = time.monotonic() + START_TIMEOUT_S
    while sum(client["cmd"] == "xreadgroup" for client in redis.client_list()) < count:
        if time.monotonic() > deadline:
            raise BenchFailed(f"not all of the {count} consumers did start")
        time.sleep(POLL_S)


class PrivateRedis:
    """A Redis configured as `wireroom up` configures its own: append-only, fsync of every write."""

    def __init__(self, config: RedisConfig, pid: int) -> None:
        self.config = config
        self.pid = pid

    @property
    def url(self) -> str:
        return f"redis://:{self.config.password}@127.0.0.1:{self.config.port}/0"

    def client(self) -> Redis:
        client: Redis = Redis.from_url(self.url)
        return client


@contextmanager
def private_redis(directory: Path) -> Iterator[PrivateRedis]:
    home = directory / "redis"
    home.mkdir(parents=True, exist_ok=True)
    config = RedisConfig(home, free_port(), "bench", REDIS_MEMORY_BYTES)
    config.config_file.write_text(config.render(), encoding="utf-8")
    argv = (find_redis_server(), str(config.config_file))
    with running("redis", argv, environment(), directory) as process:
        redis = PrivateRedis(config, process.pid)
        _wait_for_redis(redis, process, directory)
        yield redis


def _wait_for_redis(redis: PrivateRedis, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    with redis.client() as client:
        while True:
            try:
                client.ping()
            except RedisError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise BenchFailed(f"redis did not start:\n{log_tail('redis', directory)}") from error
                time.sleep(POLL_S)
            else:
                return


async def mark_state(url: str) -> None:
    """Say that Redis holds the state of the articles, as the index service does at its first start."""
    async with AsyncRedis.from_url(url) as redis:
        await ensure_groups(redis, 1)
        await begin_restoring(redis, 1, "bench")
        await write_generation(redis, 1, "bench")
