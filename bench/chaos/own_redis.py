"""A Redis that the harness runs itself, so that it can be away, gone or full for as long as is wanted."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.supervisor.ports import free_port
from services.supervisor.redis_server import find_redis_server

START_S = 15.0


@dataclass(slots=True)
class OwnRedis:
    """Configured as `wireroom up` does it. `max_memory` is in bytes, 0 for no limit."""

    directory: Path
    max_memory: int = 0
    port: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        """Start it on its port, with what its directory holds, and return when it answers."""
        self._spawn()
        client = self.client()
        try:
            async with asyncio.timeout(START_S):
                while True:
                    try:
                        await client.ping()
                        return
                    except (RedisError, OSError):
                        await asyncio.sleep(0.05)
        finally:
            await client.aclose()

    def _spawn(self) -> None:
        self.port = self.port or free_port()
        self.directory.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [find_redis_server(), "--port", str(self.port), "--bind", "127.0.0.1",
             "--dir", str(self.directory), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
             "--maxmemory-policy", "noeviction", "--maxmemory", str(self.max_memory)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def client(self) -> Redis:
        """Return a client; close it."""
        client: Redis = Redis.from_url(self.url, socket_timeout=5)
        return client

    async def stop(self, *, kill: bool = False) -> None:
        """End it: its port is closed from then on."""
        if self._process is None:
            return
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        await asyncio.to_thread(self._process.wait, 20)
        self._process = None

    def forget(self) -> None:
        """Remove all it has, while it is stopped."""
        shutil.rmtree(self.directory)
