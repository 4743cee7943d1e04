"""The whole of `wireroom up` without its terminal: start, wait until ready, drain, in the right order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from services.supervisor.child import Child, ChildSpec, Report
from services.supervisor.instance import (
    Instance,
    forget_instance,
    owned_data_dir,
    sources_path,
    write_instance,
    write_private,
)
from services.supervisor.log_lines import LogLine
from services.supervisor.ports import claim_port, free_port
from services.supervisor.readiness import StartFailed, wait_for_redis, wait_until_ready
from services.supervisor.redis_server import (
    RedisConfig,
    find_redis_server,
    machine_memory_bytes,
    memory_limit_bytes,
    stop_stale_server,
)

STOP_TIMEOUT_S = 20.0
# Services give up a little earlier than we do, so that their last words are a log line and not SIGKILL.
SERVICE_DRAIN_S = 18.0
SERVICES = ("ingest", "enrich", "index")


def service_argv(service: str) -> Sequence[str]:
    return (sys.executable, "-m", "services.cli", service)


@dataclass(frozen=True, slots=True)
class StackSettings:
    """What to run and where. `redis_url` None means a private Redis; port 0 means any free port."""

    data_dir: Path
    environment: Mapping[str, str]
    ingest_port: int = 8001
    enrich_port: int = 8002
    index_port: int = 8003
    enrich_workers: int = 1
    redis_url: str | None = None
    redis_password: str | None = None
    log_level: str = "WARNING"
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = STOP_TIMEOUT_S
    argv_of: Callable[[str], Sequence[str]] = service_argv


@dataclass(slots=True)
class Stack:
    """Redis and the services while they run. Made by `running_stack`."""

    settings: StackSettings
    report: Report
    ports: dict[str, int]
    redis: Child | None = None
    redis_url: str = ""
    redis_config: RedisConfig | None = None
    services: dict[str, list[Child]] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def children(self) -> list[Child]:
        services = [child for name in SERVICES for child in self.services.get(name, [])]
        return [self.redis, *services] if self.redis is not None else services

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    async def start(self) -> None:
        """Start everything and return once all are ready.

        Raises ConfigurationError, or StartFailed with the last log lines of what did not come up.
        """
        await self.start_redis()
        self.start_services()
        self.write_run_file()
        children = {name: self.services[name][0] for name in SERVICES}
        urls = {name: self.url(name) for name in SERVICES}
        await wait_until_ready(urls, children, self.settings.ready_timeout_s)

    async def start_redis(self) -> None:
        """Start the private Redis, or check the one that was named, and wait until it answers."""
        if self.settings.redis_url is not None:
            self.redis_url = self.settings.redis_url
            await wait_for_redis(self.redis_url, self.settings.redis_password)
            return
        server = find_redis_server()
        directory = self.settings.data_dir / "redis"
        directory.mkdir(mode=0o700, exist_ok=True)
        config = RedisConfig(
            directory=directory,
            port=free_port(),
            password=secrets.token_urlsafe(24),
            max_memory_bytes=memory_limit_bytes(machine_memory_bytes()),
        )
        stale_pid = await asyncio.to_thread(stop_stale_server, config)
        if stale_pid is not None:
            self.report(LogLine("redis", "warning", f"stopped the one left over from before ({stale_pid})"))
        write_private(config.config_file, config.render())
        write_private(config.password_file, config.password)
        spec = ChildSpec("redis", (server, str(config.config_file)), os.environ.copy(), signal.SIGTERM)
        self.redis_config, self.redis_url = config, config.url
        self.redis = Child(spec, self.report, self.write_run_file)
        self.redis.start()
        await wait_for_redis(config.url, config.password, self.redis)

    def start_services(self) -> None:
        for service in SERVICES:
            count = self.settings.enrich_workers if service == "enrich" else 1
            children = [
                Child(self._spec(service, number), self.report, self.write_run_file)
                for number in range(1, count + 1)
            ]
            self.services[service] = children
            for child in children:
                child.start()

    def _spec(self, service: str, number: int) -> ChildSpec:
        ports = dict(self.ports)
        if number > 1:
            ports[service] = 0  # a further worker takes any free port for its health checks
        environment = {
            **self.settings.environment,
            **{f"WIREROOM_{name.upper()}_PORT": str(port) for name, port in ports.items()},
            "WIREROOM_REDIS_URL": self.redis_url,
            "WIREROOM_DATA_DIR": str(self.settings.data_dir),
            "WIREROOM_LOG_FORMAT": "json",
            "WIREROOM_LOG_LEVEL": self.settings.log_level,
            "PYTHONUNBUFFERED": "1",
        }
        environment.setdefault(
            "WIREROOM_DRAIN_TIMEOUT_S", str(min(SERVICE_DRAIN_S, self.settings.stop_timeout_s))
        )
        environment.setdefault("WIREROOM_SOURCES_PATH", str(sources_path(data_dir=self.settings.data_dir)))
        if self.redis_config is not None:
            environment["WIREROOM_REDIS_PASSWORD"] = self.redis_config.password
            environment.pop("WIREROOM_REDIS_PASSWORD_FILE", None)
        name = service if number == 1 else f"{service}-{number}"
        return ChildSpec(name, self.settings.argv_of(service), environment)

    def write_run_file(self) -> None:
        config = self.redis_config
        write_instance(
            Instance(
                pid=os.getpid(),
                started_at=self.started_at.isoformat(),
                data_dir=str(self.settings.data_dir),
                ingest_url=self.url("ingest"),
                enrich_url=self.url("enrich"),
                index_url=self.url("index"),
                redis_url=self.redis_url,
                redis_password_file=str(config.password_file) if config is not None else None,
                pids={child.spec.name: child.pid for child in self.children if child.pid is not None},
            )
        )

    async def drain(self) -> list[str]:
        """Stop the way an article goes, so that each stage finishes what the one before handed over.

        Returns the names of those that had to be killed.
        """
        killed = []
        stages = [self.services.get(name, []) for name in SERVICES]
        if self.redis is not None:
            stages.append([self.redis])
        for children in stages:
            stopped = await asyncio.gather(*(child.stop(self.settings.stop_timeout_s) for child in children))
            for child, in_time in zip(children, stopped, strict=True):
                if not in_time:
                    killed.append(child.spec.name)
                    message = f"did not stop within {self.settings.stop_timeout_s:g} s and was killed"
                    self.report(LogLine(child.spec.name, "error", message))
        return killed

    def kill(self) -> None:
        """End everything at once. Redis loses nothing: it has synced each write."""
        for child in reversed(self.children):  # Redis last: nobody is left to complain of its absence
            child.kill()


@asynccontextmanager
async def running_stack(settings: StackSettings, report: Report) -> AsyncIterator[Stack]:
    """Own the data directory and the ports, and drain what was started whatever happens inside.

    Yields a stack to `start`. Raises ConfigurationError, worded for the person at the terminal.
    """
    with contextlib.ExitStack() as owning:
        owning.enter_context(owned_data_dir(settings.data_dir))
        ports = {
            "ingest": claim_port(settings.ingest_port, "--ingest-port"),
            "enrich": claim_port(settings.enrich_port, "--enrich-port"),
            "index": claim_port(settings.index_port, "--index-port"),
        }
        stack = Stack(settings, report, ports)
        owning.callback(forget_instance, settings.data_dir)
        try:
            yield stack
        finally:
            await stack.drain()


__all__ = ["SERVICES", "Stack", "StackSettings", "StartFailed", "running_stack"]
