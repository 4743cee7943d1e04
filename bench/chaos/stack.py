"""A `wireroom up` of our own: real processes on free ports over a scratch directory, to be harmed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from redis.asyncio import Redis

from services.supervisor.child import LEASH
from services.supervisor.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT_S = 90.0
SERVICES = ("ingest", "enrich", "index")
# Small, so that a stopped consumer brings them about within seconds.
HIGH_WATER, LOW_WATER = 600, 300


class StackFailed(Exception):
    """`wireroom up` did not come up or not stop; the message holds its last words."""


@dataclass(slots=True)
class Stack:
    """Start, stop and get at one instance. Ports stay the same over restarts; `code` is what it runs."""

    data_dir: Path
    variables: dict[str, str] = field(default_factory=dict)
    workers: int = 2
    code: Path = ROOT
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in SERVICES})
    process: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        return self.data_dir.parent / f"{self.data_dir.name}.log"

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("WIREROOM_") or name.endswith("_SERVER")
        }
        marks = {
            "WIREROOM_HIGH_WATER_ENTRIES": str(HIGH_WATER),
            "WIREROOM_LOW_WATER_ENTRIES": str(LOW_WATER),
        }
        return {**kept, "PYTHONPATH": str(self.code), **marks, **self.variables}

    def spawn(self) -> None:
        """Start the process and return at once."""
        ports = [word for name, port in self.ports.items() for word in (f"--{name}-port", str(port))]
        leash = (sys.executable, "-I", "-S", str(LEASH), str(int(signal.SIGTERM)), str(os.getpid()))
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(
                [*leash, sys.executable, "-m", "services.cli", "up", "--no-samples", "--log-format", "json",
                 "--data-dir", str(self.data_dir), "--enrich-workers", str(self.workers), *ports],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                # Python looks in the working directory first, and that must be no version of the code.
                cwd=self.data_dir.parent, env=self._environment(), start_new_session=True,
            )  # fmt: skip

    async def start(self) -> float:
        """Start and return the seconds until all is ready. Raises StackFailed."""
        began = time.monotonic()
        self.spawn()
        while not await self.ready():
            if self.process is None or self.process.poll() is not None:
                raise StackFailed(f"`wireroom up` exited while starting:\n{self.last_words()}")
            if time.monotonic() - began > START_TIMEOUT_S:
                raise StackFailed(f"`wireroom up` is not ready:\n{self.last_words()}")
            await asyncio.sleep(0.1)
        return time.monotonic() - began

    async def ready(self) -> bool:
        return not await self.not_ready()

    async def not_ready(self) -> dict[str, str]:
        """Return what each service that is not ready says."""
        async with httpx2.AsyncClient(timeout=4, trust_env=False) as client:
            said = await asyncio.gather(*(_readiness(client, self.url(name)) for name in SERVICES))
        return {name: words for name, words in zip(SERVICES, said, strict=True) if words is not None}

    async def stop(self, timeout_s: float = 75.0) -> tuple[int, float]:
        """SIGTERM it; return the exit code (-9 if it had to be killed) and the seconds that took."""
        began = time.monotonic()
        if self.process is None:
            return 0, 0.0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.to_thread(self.process.wait, timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait(10)
        return code, time.monotonic() - began

    def run_file(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.data_dir / "run.json").read_text(encoding="utf-8"))
        return document

    def pids(self, service: str = "") -> dict[str, int]:
        """Return the process ids of `service` (all of its workers), or of everything."""
        pids: dict[str, int] = self.run_file()["pids"]
        return {name: pid for name, pid in pids.items() if not service or name.partition("-")[0] == service}

    def signal(self, service: str, number: signal.Signals, *, only: int | None = None) -> dict[str, int]:
        """Signal all processes of a service, or `only` its nth; return those that were there."""
        chosen = dict(list(self.pids(service).items())[slice(only, None if only is None else only + 1)])
        reached = {}
        for name, pid in chosen.items():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
                reached[name] = pid
        return reached

    def redis(self) -> Redis:
        """Return a client of its Redis; close it."""
        document = self.run_file()
        file = document["redis_password_file"]
        password = Path(file).read_text(encoding="utf-8").strip() if file else None
        client: Redis = Redis.from_url(document["redis_url"], password=password, socket_timeout=5)
        return client

    def last_words(self) -> str:
        if not self.log_file.exists():
            return ""
        return self.log_file.read_text(encoding="utf-8", errors="replace")[-3000:]


async def _readiness(client: httpx2.AsyncClient, url: str) -> str | None:
    try:
        response = await client.get(f"{url}/readyz")
    except httpx2.HTTPError as error:
        return type(error).__name__
    if response.status_code == httpx2.codes.OK:
        return None
    try:
        checks = response.json()["checks"]
    except (ValueError, KeyError):
        return response.text[:200]
    return "; ".join(f"{name}: {words}" for name, words in checks.items() if words != "ok")
