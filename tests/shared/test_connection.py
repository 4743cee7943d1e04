"""Clients of Redis after it restarted: no pooled connection fails its first use."""

from __future__ import annotations

import asyncio
import subprocess
import time
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


async def test_no_connection_of_the_pool_fails_once_redis_is_back(tmp_path: Path) -> None:
    port = free_port()
    process = start_redis(port, tmp_path)
    client = connect(ServiceSettings(redis_url=f"redis://127.0.0.1:{port}/0"))
    probe = Redis.from_url(f"redis://127.0.0.1:{port}/0")
    try:
        await eventually(lambda: answers(probe))
        await asyncio.gather(*(client.hgetall("x") for _ in range(8)))
        process.kill()
        process.wait()
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            await client.hgetall("x")
        assert time.monotonic() - began < 1, "a Redis that is away fails fast"
        await asyncio.gather(*(client.hgetall("x") for _ in range(8)), return_exceptions=True)
        process = start_redis(port, tmp_path)
        await eventually(lambda: answers(probe))
        assert await asyncio.gather(*(client.hgetall("x") for _ in range(4))) == [{}] * 4
        assert await run_many(client, COUNT, [Call(("n",), ())]) == [1]
    finally:
        process.kill()
        process.wait()
        await client.aclose()
        await probe.aclose()


async def test_connections_that_died_idle_are_replaced_without_a_failure(tmp_path: Path) -> None:
    port = free_port()
    process = start_redis(port, tmp_path)
    client = connect(ServiceSettings(redis_url=f"redis://127.0.0.1:{port}/0"))
    probe = Redis.from_url(f"redis://127.0.0.1:{port}/0")
    try:
        await eventually(lambda: answers(probe))
        await asyncio.gather(*(client.hgetall("x") for _ in range(8)))
        process.kill()
        process.wait()
        process = start_redis(port, tmp_path)
        await eventually(lambda: answers(probe))
        replies = await asyncio.gather(
            *(client.hgetall("x") for _ in range(4)),
            *(run_many(client, COUNT, [Call(("n",), ())]) for _ in range(4)),
        )
        assert replies[:4] == [{}] * 4
        assert sorted(reply[0] for reply in replies[4:]) == [1, 2, 3, 4]
    finally:
        process.kill()
        process.wait()
        await client.aclose()
        await probe.aclose()
