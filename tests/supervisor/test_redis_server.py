from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.supervisor.ports import claim_port, free_port
from services.supervisor.redis_server import (
    RedisConfig,
    find_redis_server,
    machine_memory_bytes,
    memory_limit_bytes,
    server_version,
    stop_stale_server,
    version_tuple,
)
from shared.errors import ConfigurationError

GIB = 1024**3


def _config(directory: Path) -> RedisConfig:
    return RedisConfig(directory=directory, port=free_port(), password="secret", max_memory_bytes=GIB)


@pytest.fixture
def server() -> str:
    try:
        return find_redis_server()
    except ConfigurationError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("available", "limit"),
    [(GIB // 2, GIB // 4), (8 * GIB, 2 * GIB), (256 * GIB, 4 * GIB), (0, GIB // 4)],
    ids=["small", "laptop", "server", "unknown"],
)
def test_memory_is_a_quarter_within_bounds(available: int, limit: int) -> None:
    assert memory_limit_bytes(available) == limit


def test_a_container_has_less_memory_than_its_machine(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    machine = machine_memory_bytes(limit)
    limit.write_text("max\n")
    assert machine_memory_bytes(limit) == machine
    limit.write_text("1048576\n")
    assert machine_memory_bytes(limit) == 1048576


@pytest.mark.parametrize(("text", "version"), [("7.0.15", (7, 0, 15)), ("6.2", (6, 2)), ("255.x", (255,))])
def test_versions_compare_as_numbers(text: str, version: tuple[int, ...]) -> None:
    assert version_tuple(text) == version


def _binary(directory: Path, says: str) -> Path:
    path = directory / "redis-server"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_an_old_redis_is_refused_with_a_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_SERVER", str(_binary(tmp_path, "Redis server v=6.0.16 sha=0")))
    with pytest.raises(ConfigurationError, match=r"6\.0\.16; Wireroom needs 6\.2"):
        find_redis_server()


def test_no_redis_is_told_with_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIREROOM_REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="apt-get install redis-server"):
        find_redis_server()


def test_a_wrong_binary_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_SERVER", "/nowhere/redis-server")
    with pytest.raises(ConfigurationError, match="WIREROOM_REDIS_SERVER: /nowhere"):
        find_redis_server()


def test_valkey_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WIREROOM_REDIS_SERVER", raising=False)
    valkey = _binary(tmp_path, "Server v=8.1.0 sha=0").rename(tmp_path / "valkey-server")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_redis_server() == str(valkey)
    assert server_version(str(valkey)) == (8, 1, 0)


def test_a_left_over_redis_is_stopped_and_its_data_kept(tmp_path: Path, server: str) -> None:
    directory = tmp_path / 'odd "name'
    directory.mkdir()
    config = _config(directory)
    config.config_file.write_text(config.render())
    with subprocess.Popen([server, str(config.config_file)], stdout=subprocess.DEVNULL) as left_over:
        deadline = time.monotonic() + 10
        while not config.pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        # A zombie still has its /proc entry: reap it as init would.
        stopping = subprocess.Popen(
            [sys.executable, "-c",
             "import sys; from pathlib import Path; from services.supervisor.redis_server import *\n"
             "c = RedisConfig(Path(sys.argv[1]), 1, 'x', 1); print(stop_stale_server(c))", str(directory)],
            cwd=Path(__file__).resolve().parents[2], stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert left_over.wait(10) == 0
        told, _ = stopping.communicate(timeout=10)
    assert told.strip() == str(left_over.pid)
    assert not config.pid_file.exists()


def test_a_process_elsewhere_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    config = _config(tmp_path)
    config.pid_file.write_text(str(os.getpid()))
    assert stop_stale_server(config) is None
    config.pid_file.write_text("not a number")
    assert stop_stale_server(config) is None
    config.pid_file.unlink()
    assert stop_stale_server(config) is None


def test_a_port_in_use_names_port_and_flag() -> None:
    import socket

    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"(?s)port {port} .*--index-port"):
            claim_port(port, "--index-port")
    assert claim_port(port, "--index-port") == port
    assert claim_port(0, "--index-port") > 0


def test_configuration_is_one_that_the_server_takes(tmp_path: Path, server: str) -> None:
    assert shutil.which(server)
    rendered = _config(tmp_path).render()
    for directive in ("appendonly yes", "appendfsync always", "maxmemory-policy noeviction", 'save ""'):
        assert directive in rendered.splitlines()
