"""What is measured: Wireroom as `wireroom up` runs it, and the baseline, behind the same HTTP calls."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis import Redis

from bench.client import Address
from bench.failures import BenchFailed
from bench.processes import (
    START_TIMEOUT_S,
    environment,
    log_tail,
    mark_state,
    private_redis,
    running,
    wait_for_readers,
    wait_ready,
)
from services.cli.up import default_enrich_workers
from services.supervisor.instance import Instance, read_instance
from services.supervisor.ports import free_port

OURS = "wireroom"
BASELINE = "baseline"
SERVICE_ARGV = (sys.executable, "-m", "services.cli")
BASELINE_ARGV = (sys.executable, "-m", "bench.baseline")


@dataclass(frozen=True, slots=True)
class System:
    """A running pipeline: where to submit, where to search, and the processes whose time counts."""

    name: str
    ingest: Address
    index: Address
    pids: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Ingest:
    """An ingest process with a Redis and no consumers: what a submit costs by itself."""

    address: Address
    pid: int


def _address(url: str) -> Address:
    parts = urlsplit(url)
    return Address(parts.hostname or "127.0.0.1", parts.port or 80)


@contextmanager
def wireroom(directory: Path) -> Iterator[System]:
    """Run `wireroom up` as it is, with a private Redis and default settings."""
    data_dir = directory / "data"
    argv = [*SERVICE_ARGV, "up", "--data-dir", str(data_dir), "--no-samples", "--log-format", "json"]
    for service in ("ingest", "enrich", "index"):
        argv += [f"--{service}-port", str(free_port())]
    with running("up", argv, environment(), directory) as process:
        deadline = time.monotonic() + START_TIMEOUT_S
        while (instance := read_instance(data_dir)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchFailed(f"`wireroom up` did not start:\n{log_tail('up', directory)}")
            time.sleep(0.05)
        for url in (instance.ingest_url, instance.enrich_url, instance.index_url):
            wait_ready(f"{url}/readyz", process, "up", directory)
        with _redis_of(instance) as redis:
            wait_for_readers(redis, default_enrich_workers() + 1)
        document = json.loads((data_dir / "run.json").read_text(encoding="utf-8"))
        yield System(OURS, _address(instance.ingest_url), _address(instance.index_url), document["pids"])


def _redis_of(instance: Instance) -> Redis:
    password = None
    if instance.redis_password_file is not None:
        password = Path(instance.redis_password_file).read_text(encoding="utf-8").strip()
    client: Redis = Redis.from_url(instance.redis_url, password=password)
    return client


@contextmanager
def baseline(directory: Path) -> Iterator[System]:
    """Run the baseline: the same number of processes and the same kind of Redis."""
    workers = default_enrich_workers()
    ports = {"ingest": free_port(), "index": free_port()}
    with ExitStack() as stack:
        redis = stack.enter_context(private_redis(directory))
        pids = {"redis": redis.pid}
        names = ["ingest", "index", *(f"enrich-{number}" for number in range(1, workers + 1))]
        for name in names:
            service = name.partition("-")[0]
            env = environment(
                BASELINE_REDIS_URL=redis.url,
                BASELINE_PORT=str(ports.get(service, 0)),
                BASELINE_CONSUMER=name,
                BASELINE_INDEX_DIR=str(directory / "baseline-index"),
            )
            process = stack.enter_context(running(name, [*BASELINE_ARGV, service], env, directory))
            pids[name] = process.pid
            if service in ports:
                wait_ready(f"http://127.0.0.1:{ports[service]}/livez", process, name, directory)
        with redis.client() as client:
            wait_for_readers(client, workers + 1)
        yield System(
            BASELINE, Address("127.0.0.1", ports["ingest"]), Address("127.0.0.1", ports["index"]), pids
        )


@contextmanager
def ingest_alone(name: str, directory: Path) -> Iterator[Ingest]:
    """Run one ingest, ours or the baseline's, on a Redis of its own."""
    port = free_port()
    with private_redis(directory) as redis:
        if name == OURS:
            asyncio.run(mark_state(redis.url))
            argv: tuple[str, ...] = (*SERVICE_ARGV, "ingest")
            env = environment(
                WIREROOM_REDIS_URL=redis.url, WIREROOM_INGEST_PORT=str(port), WIREROOM_LOG_LEVEL="WARNING"
            )
            path = "/readyz"
        else:
            argv = (*BASELINE_ARGV, "ingest")
            env = environment(BASELINE_REDIS_URL=redis.url, BASELINE_PORT=str(port))
            path = "/livez"
        with running("ingest", argv, env, directory) as process:
            wait_ready(f"http://127.0.0.1:{port}{path}", process, "ingest", directory)
            yield Ingest(Address("127.0.0.1", port), process.pid)


@contextmanager
def index_alone(name: str, index_dir: Path, directory: Path) -> Iterator[Address]:
    """Serve search from an index that was built before."""
    port = free_port()
    with private_redis(directory) as redis:
        if name == OURS:
            argv: tuple[str, ...] = (*SERVICE_ARGV, "index")
            env = environment(
                WIREROOM_REDIS_URL=redis.url,
                WIREROOM_INDEX_PORT=str(port),
                WIREROOM_DATA_DIR=str(index_dir),
                WIREROOM_LOG_LEVEL="WARNING",
            )
            path = "/readyz"
        else:
            argv = (*BASELINE_ARGV, "index")
            env = environment(
                BASELINE_REDIS_URL=redis.url, BASELINE_PORT=str(port), BASELINE_INDEX_DIR=str(index_dir)
            )
            path = "/livez"
        with running("index", argv, env, directory) as process:
            wait_ready(f"http://127.0.0.1:{port}{path}", process, "index", directory)
            yield Address("127.0.0.1", port)
