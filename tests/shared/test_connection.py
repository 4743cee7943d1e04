"""Clients of Redis after it restarted: no pooled connection fails its first use."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError

from shared.runtime.connection import connect
from shared.runtime.scripts import Call, Script, run_many
from shared.settings import ServiceSettings
from tests.conftest import find_redis_server, free_port
from tests.support import eventually

COUNT = Script.of("return redis.call('INCR', KEYS[1])")


def start_redis(port: int, directory: Path) -> subprocess.Popen[bytes]:
    server = find_redis_server()
    if server is None:
        pytest.skip("no redis-server or valkey-server found")
    return subprocess.Popen(
        [server, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", "",
         "--logfile", str(directory / "redis.log")],
    )  # fmt: skip


async def answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except (ConnectionError, OSError):
        return False


class Restartable:
    """A Redis that a test kills and starts again, and a client whose pool holds connections to it."""

    def __init__(self, port: int, directory: Path) -> None:
        self._port, self._directory = port, directory
        url = f"redis://127.0.0.1:{port}/0"
        self.client = connect(ServiceSettings(redis_url=url))
        self._probe: Redis = Redis.from_url(url)

    async def start(self) -> None:
        self._process = start_redis(self._port, self._directory)
        await eventually(lambda: answers(self._probe))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def aclose(self) -> None:
        await self.client.aclose()
        await self._probe.aclose()


@pytest.fixture
async def restartable(tmp_path: Path) -> AsyncIterator[Restartable]:
    redis = Restartable(free_port(), tmp_path)
    await redis.start()
    try:
        await asyncio.gather(*(redis.client.hgetall("x") for _ in range(8)))
        yield redis
    finally:
        redis.kill()
        await redis.aclose()


async def test_no_connection_of_the_pool_fails_once_redis_is_back(restartable: Restartable) -> None:
    client = restartable.client
    restartable.kill()
    began = time.monotonic()
    with pytest.raises(ConnectionError):
        await client.hgetall("x")
    assert time.monotonic() - began < 1, "a Redis that is away fails fast"
    await asyncio.gather(*(client.hgetall("x") for _ in range(8)), return_exceptions=True)
    await restartable.start()
    assert await asyncio.gather(*(client.hgetall("x") for _ in range(4))) == [{}] * 4
    assert await run_many(client, COUNT, [Call(("n",), ())]) == [1]


async def test_connections_that_died_idle_are_replaced_without_a_failure(restartable: Restartable) -> None:
    client = restartable.client
    restartable.kill()
    await restartable.start()
    replies = await asyncio.gather(
        *(client.hgetall("x") for _ in range(4)),
        *(run_many(client, COUNT, [Call(("n",), ())]) for _ in range(4)),
    )
    assert replies[:4] == [{}] * 4
    assert sorted(reply[0] for reply in replies[4:]) == [1, 2, 3, 4]
