from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from services.cli import output
from services.cli.terminal import run_up
from services.cli.up import default_enrich_workers
from services.supervisor.redis_server import find_redis_server
from services.supervisor.stack import StackSettings
from shared.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
FAKE = ROOT / "tests" / "supervisor" / "fake_service.py"

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def _needs_redis() -> None:
    try:
        find_redis_server()
    except ConfigurationError as error:
        pytest.skip(str(error))
    output.stdout.cache_clear()
    output.stderr.cache_clear()


def _settings(tmp_path: Path, behaviours: dict[str, str] | None = None) -> StackSettings:
    def argv_of(service: str) -> Sequence[str]:
        behaviour = (behaviours or {}).get(service, "")
        return (sys.executable, str(FAKE), service, str(tmp_path / "journal"), behaviour)

    return StackSettings(
        data_dir=tmp_path / "data",
        environment=os.environ.copy(),
        ingest_port=0,
        enrich_port=0,
        index_port=0,
        argv_of=argv_of,
        ready_timeout_s=15.0,
        stop_timeout_s=5.0,
    )


async def _interrupt_when(path: Path, words: str) -> None:
    while not (path.exists() and words in path.read_text()):
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.5)
    os.kill(os.getpid(), signal.SIGINT)


async def _interrupt_when_told(capsys: pytest.CaptureFixture[str], words: str) -> str:
    """Interrupt once `words` were told on stderr, or have not come for long; return what was told."""
    told = ""
    deadline = time.monotonic() + 60
    while words not in told and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
        told += capsys.readouterr().err
    os.kill(os.getpid(), signal.SIGINT)
    return told


async def test_ctrl_c_drains_and_leaves_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupting = asyncio.create_task(_interrupt_when(tmp_path / "data" / "run.json", '"index"'))
    assert await run_up(_settings(tmp_path), None, "console") == 0
    await interrupting
    captured = capsys.readouterr()
    assert "Wireroom is ready" in captured.out and "http://127.0.0.1:" in captured.out
    assert "Stopping" in captured.err and "Stopped." in captured.err
    assert "index stopped" in (tmp_path / "journal").read_text()
    assert not (tmp_path / "data" / "run.json").exists()


async def test_ctrl_c_while_starting_stops_too(tmp_path: Path) -> None:
    interrupting = asyncio.create_task(_interrupt_when(tmp_path / "journal", "index started"))
    assert await run_up(_settings(tmp_path, {"index": "never ready"}), None, "console") == 0
    await interrupting
    assert "ingest stopped" in (tmp_path / "journal").read_text()


async def test_the_json_log_is_json_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupting = asyncio.create_task(_interrupt_when(tmp_path / "data" / "run.json", '"index"'))
    assert await run_up(_settings(tmp_path), None, "json") == 0
    await interrupting
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = [json.loads(line) for line in captured.err.splitlines()]
    assert {"redis", "ingest", "enrich", "index", "wireroom"} <= {line["service"] for line in lines}
    assert any(line["event"] == "ready" and line["index"].startswith("http://") for line in lines)


async def test_a_start_that_fails_tells_the_last_words(tmp_path: Path) -> None:
    with pytest.raises(output.Failure, match="index keeps exiting") as failure:
        await run_up(_settings(tmp_path, {"index": "exits"}), None, "console")
    assert failure.value.hint.count("cannot open the index") == 1


async def test_samples_that_cannot_be_submitted_do_not_stop_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "the sample wire was not submitted"
    interrupting = asyncio.create_task(_interrupt_when_told(capsys, words))
    samples = ROOT / "samples" / "wire.ndjson"
    assert await run_up(_settings(tmp_path), samples, "console") == 0
    assert words in await interrupting


def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "services.cli",
                "up",
                "--data-dir",
                str(tmp_path),
                "--ingest-port",
                str(port),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert f"port {port} is already in use" in done.stderr and "--ingest-port" in done.stderr
    assert "Traceback" not in done.stderr and not (tmp_path / "redis").exists()


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.cli", "up", "--data-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "WIREROOM_MAX_DELIVERIES": "many"},
    )
    assert (
        done.returncode == 1 and "WIREROOM_MAX_DELIVERIES" in done.stderr and "Traceback" not in done.stderr
    )


def test_workers_follow_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, workers in ((1, 1), (2, 2), (64, 2)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert default_enrich_workers() == workers
