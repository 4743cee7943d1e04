from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2
import pytest
from redis.asyncio import Redis

from services.supervisor.instance import read_instance
from services.supervisor.log_lines import LogLine
from services.supervisor.redis_server import find_redis_server
from services.supervisor.stack import StackSettings, StartFailed, running_stack
from shared.errors import ConfigurationError

FAKE = Path(__file__).with_name("fake_service.py")

pytestmark = pytest.mark.process


@pytest.fixture(autouse=True)
def _needs_redis() -> None:
    try:
        find_redis_server()
    except ConfigurationError as error:
        pytest.skip(str(error))


def _settings(tmp_path: Path, behaviours: dict[str, str] | None = None, **options: object) -> StackSettings:
    def argv_of(service: str) -> Sequence[str]:
        behaviour = (behaviours or {}).get(service, "")
        return (sys.executable, str(FAKE), service, str(tmp_path / "journal"), behaviour)

    defaults: dict[str, object] = {
        "ingest_port": 0, "enrich_port": 0, "index_port": 0, "ready_timeout_s": 15.0, "stop_timeout_s": 10.0,
    }  # fmt: skip
    return StackSettings(
        data_dir=tmp_path / "data", environment=os.environ.copy(), argv_of=argv_of, **{**defaults, **options}
    )  # type: ignore[arg-type]


def _journal(tmp_path: Path) -> list[str]:
    lines = (tmp_path / "journal").read_text().splitlines()
    return [line.rpartition(" ")[0] for line in lines]


async def _eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.02)


async def test_everything_starts_and_drains_the_way_an_article_goes(tmp_path: Path) -> None:
    lines: list[LogLine] = []
    async with running_stack(_settings(tmp_path, enrich_workers=2), lines.append) as stack:
        await stack.start()
        # A further worker is not waited for: nobody knows its port.
        await _eventually(lambda: len(_journal(tmp_path)) == 4)
        assert sorted(_journal(tmp_path)) == ["enrich started"] * 2 + ["index started", "ingest started"]
        instance = read_instance(tmp_path / "data")
        assert instance is not None and set(instance.pids) == {
            "redis",
            "ingest",
            "enrich",
            "enrich-2",
            "index",
        }
        assert instance.redis_password_file is not None
        password = Path(instance.redis_password_file).read_text()
        client = Redis.from_url(instance.redis_url, password=password, decode_responses=True)
        assert (await client.config_get("append*"))["appendfsync"] == "always"
        await client.set("kept", "yes")
        await client.aclose()
        async with httpx2.AsyncClient(trust_env=False) as http:
            assert (await http.get(f"{instance.index_url}/readyz")).status_code == 200
    stopped = [entry for entry in _journal(tmp_path) if entry.endswith("stopped")]
    assert stopped == ["ingest stopped", "enrich stopped", "enrich stopped", "index stopped"]
    assert read_instance(tmp_path / "data") is None
    assert [line for line in lines if line.severity >= 30] == [], "a calm run says nothing"

    async with running_stack(_settings(tmp_path), lines.append) as stack:
        await stack.start_redis()
        assert stack.redis_config is not None
        client = Redis.from_url(stack.redis_url, password=stack.redis_config.password, decode_responses=True)
        assert await client.get("kept") == "yes", "the data outlives the run"
        await client.aclose()


async def test_a_killed_service_and_a_killed_redis_come_back(tmp_path: Path) -> None:
    lines: list[LogLine] = []
    async with running_stack(_settings(tmp_path), lines.append) as stack:
        await stack.start()
        before = read_instance(tmp_path / "data")
        assert before is not None
        for name in ("index", "redis"):
            os.kill(before.pids[name], signal.SIGKILL)

        def both_are_new() -> bool:
            now = read_instance(tmp_path / "data")
            return now is not None and all(
                now.pids.get(name, before.pids[name]) != before.pids[name] for name in ("index", "redis")
            )

        await _eventually(both_are_new)
        assert stack.redis_config is not None
        client = Redis.from_url(stack.redis_url, password=stack.redis_config.password)
        await asyncio.sleep(0.3)
        assert await client.ping()
        await client.aclose()
    assert _journal(tmp_path).count("index started") == 2
    assert any("SIGKILL" in line.message for line in lines if line.process == "index")


async def test_one_that_keeps_exiting_fails_the_start_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="index keeps exiting") as failure:
        async with running_stack(_settings(tmp_path, {"index": "exits"}), lambda _: None) as stack:
            await stack.start()
    assert "cannot open the index" in failure.value.recent
    assert "ingest stopped" in _journal(tmp_path), "the others are drained"


async def test_one_that_is_misconfigured_is_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(StartFailed, match="index cannot start as it is configured") as failure:
        async with running_stack(_settings(tmp_path, {"index": "misconfigured"}), lambda _: None) as stack:
            await stack.start()
    assert "WIREROOM_INDEX_PORT" in failure.value.recent[-1]
    assert _journal(tmp_path).count("index started") <= 2


async def test_one_that_is_never_ready_says_what_it_waits_for(tmp_path: Path) -> None:
    settings = _settings(tmp_path, {"index": "never ready"}, ready_timeout_s=1.0)
    with pytest.raises(StartFailed, match="index is not ready: index: still loading"):
        async with running_stack(settings, lambda _: None) as stack:
            await stack.start()


async def test_one_that_ignores_sigterm_is_killed_and_named(tmp_path: Path) -> None:
    lines: list[LogLine] = []
    settings = _settings(tmp_path, {"enrich": "ignores SIGTERM"}, stop_timeout_s=0.5)
    async with running_stack(settings, lines.append) as stack:
        await stack.start()
    assert [line.process for line in lines if "was killed" in line.message] == ["enrich"]
    assert "index stopped" in _journal(tmp_path)


async def test_a_second_stack_on_the_same_data_is_refused(tmp_path: Path) -> None:
    async with running_stack(_settings(tmp_path), lambda _: None):
        with pytest.raises(ConfigurationError, match="already runs"):
            async with running_stack(_settings(tmp_path), lambda _: None):
                pass


async def test_a_redis_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.supervisor.readiness.REDIS_TIMEOUT_S", 0.2)
    settings = _settings(tmp_path, redis_url="redis://127.0.0.1:1/0")
    with pytest.raises(ConfigurationError, match="no Redis answers at WIREROOM_REDIS_URL"):
        async with running_stack(settings, lambda _: None) as stack:
            await stack.start()


async def test_a_redis_of_the_user_is_used_and_left_running(
    tmp_path: Path, redis: Redis, redis_url: str
) -> None:
    async with running_stack(_settings(tmp_path, redis_url=redis_url), lambda _: None) as stack:
        await stack.start()
        assert stack.redis is None
    assert await redis.ping()
