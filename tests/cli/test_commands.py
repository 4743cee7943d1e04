from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.cli import checks, output
from services.cli.probe import probe
from services.cli.service import run_service

ROOT = Path(__file__).resolve().parents[2]


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_the_command_line_starts_without_the_libraries_of_services() -> None:
    done = _python(
        "import sys, services.cli.app\n"
        "heavy = {'tantivy', 'trafilatura', 'fastapi', 'redis', 'httpx2', 'pydantic', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert done.stdout.strip() == "[]", done.stderr


def test_a_service_starts_without_the_libraries_of_commands() -> None:
    done = _python(
        "import sys; sys.modules['typer'] = sys.modules['rich'] = sys.modules['httpx2'] = None\n"
        "sys.argv = ['wireroom', 'probe', 'http://127.0.0.1:1/']\n"
        "from services.cli import main; main()"
    )
    assert done.returncode == 1 and "http://127.0.0.1:1/" in done.stderr and "Traceback" not in done.stderr


def test_every_command_has_help(wireroom) -> None:
    listed = wireroom("--help")
    assert listed.code == 0
    for command in ("up", "submit", "search", "show", "dead", "reindex", "keys", "doctor", "ingest", "probe"):
        assert command in listed.out
        assert wireroom(command, "--help").code == 0


def test_an_unknown_command_exits_with_2(wireroom) -> None:
    assert wireroom("serach").code == 2


def test_probe_is_0_for_200_and_1_for_anything_else(api, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer = lambda request: (200, {}) if request.path == "/readyz" else (503, {"not_ready": ["redis"]})
    assert probe(f"{api.url}/readyz") == 0
    assert probe(f"{api.url}/other") == 1
    assert "redis" in capsys.readouterr().err
    assert probe("http://127.0.0.1:1/") == 1
    assert probe("file:///etc/passwd") == 2


def test_probe_goes_through_no_proxy(api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.answer = lambda _: (200, {})
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert probe(api.url) == 0


@pytest.fixture
def fake_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a module in the place of services.ingest.app."""

    def install(main) -> None:
        module = type(sys)("services.ingest.app")
        module.main = main  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "services.ingest.app", module)

    return install


def test_a_service_that_is_configured_wrongly_exits_with_2(
    fake_app, capsys: pytest.CaptureFixture[str]
) -> None:
    from shared.errors import ConfigurationError

    def main() -> None:
        raise ConfigurationError("WIREROOM_INGEST_PORT: too large")

    fake_app(main)
    assert run_service("ingest") == 2
    assert "ingest cannot start: WIREROOM_INGEST_PORT: too large" in capsys.readouterr().err


def test_a_service_whose_libraries_are_missing_says_which_extra(
    fake_app, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise ModuleNotFoundError("No module named 'standardwebhooks'", name="standardwebhooks")

    fake_app(main)
    assert run_service("ingest") == 1
    assert "pip install 'wireroom[ingest]'" in capsys.readouterr().err


def test_a_key_is_shown_once_and_stored_as_its_hash(wireroom) -> None:
    made = wireroom("keys", "new", "al-jazeera", "--json").json
    assert made["line"] == f"al-jazeera sha256:{hashlib.sha256(made['key'].encode()).hexdigest()}"
    assert wireroom("keys", "new", "al-jazeera", "--json").json["key"] != made["key"]
    from shared.http.auth import ApiKeys

    assert ApiKeys.parse(made["line"], "X").name_of(made["key"]) == "al-jazeera"
    shown = wireroom("keys", "new", "reuters").out
    assert "WIREROOM_API_KEYS_FILE" in shown and "reuters sha256:" in shown


@pytest.mark.parametrize("name", ["two words", "", "#", "x" * 80])
def test_a_key_name_that_the_file_cannot_hold_is_refused(wireroom, name: str) -> None:
    assert wireroom("keys", "new", name).code == 2


def test_reindex_asks_the_running_index_with_its_token(api, wireroom, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "admin.token").write_text("t0ken\n")
    api.answer = lambda _: (200, {"written": 65, "superseded": 2, "failed": 0, "damaged_records": 1})
    done = wireroom("reindex", "--index-url", api.url, "--data-dir", str(tmp_path))
    assert done.code == 0 and "65 articles indexed anew" in done.out and "2 gave way" in done.out
    assert "1 could not be read" in done.out
    assert api.paths() == ["POST /v1/admin/reindex"]
    assert api.requests[0].headers["authorization"] == "Bearer t0ken"


def test_reindex_without_index_or_data_says_what_to_name(wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.cli.client.DEFAULT_URLS", {"index": "http://127.0.0.1:1"})
    done = wireroom("reindex")
    assert done.code == 1 and "--data-dir" in done.err


def test_doctor_prints_json_for_scripts(wireroom, tmp_path: Path) -> None:
    done = wireroom("doctor", "--data-dir", str(tmp_path), "--json")
    names = {check["name"] for check in done.json["checks"]}
    assert {"Python", "Redis server", "Data directory", "Disk", "Clock", "Models", "Wireroom"} <= names
    assert done.code == (0 if done.json["ok"] else 1)


def test_doctor_fails_on_what_must_be_mended(
    wireroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_SERVER", "/nowhere")
    monkeypatch.delenv("WIREROOM_REDIS_URL", raising=False)
    done = wireroom("doctor", "--data-dir", str(tmp_path))
    assert done.code == 1 and "✗" in done.out and "apt-get install redis-server" in done.out


def test_doctor_tells_a_redis_that_does_not_answer(wireroom, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("WIREROOM_INGEST_URL", "http://127.0.0.1:1")
    done = wireroom("doctor", "--data-dir", str(tmp_path), "--json")
    failed = {check["name"]: check for check in done.json["checks"] if check["state"] == "fail"}
    assert "WIREROOM_REDIS_URL" in failed["Redis"]["mend"] and "Ingest" in failed


async def test_doctor_sees_a_redis_that_would_lose_articles(redis, redis_url: str) -> None:
    from redis import Redis

    with Redis.from_url(redis_url, decode_responses=False) as client:
        found = {check.name: check for check in checks.check_redis(client)}
    assert found["Redis"].state == "ok"
    assert found["Redis appendonly"].state == "fail"
    assert found["Redis appendonly"].mend == "redis-cli CONFIG SET appendonly yes"
    assert found["Redis memory"].state == "warn"


@pytest.mark.parametrize(
    ("limit", "state", "words"),
    [
        (0, None, ""),
        (1_417_999_999, "warn", "CONFIG SET maxmemory 1353mb"),
        (1_418_000_000, "ok", ""),
    ],
    ids=["no limit", "too little", "enough"],
)
def test_doctor_sums_up_what_corpus_and_backlog_take(limit: int, state: str | None, words: str) -> None:
    class Client:
        def info(self, section: str) -> dict[str, int]:
            assert section == "memory"
            return {"maxmemory": limit}

    found = list(checks.check_redis_room(Client(), 60_000, 50_000))
    assert [check.state for check in found] == ([state] if state else [])
    assert all(words in check.mend for check in found)


async def test_doctor_asks_redis_for_the_room_it_has(
    wireroom, redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_URL", redis_url)
    monkeypatch.setenv("WIREROOM_HIGH_WATER_ENTRIES", "60000")
    await redis.config_set("maxmemory", "1536mb")
    try:
        done = await asyncio.to_thread(wireroom, "doctor", "--data-dir", str(tmp_path), "--json")
    finally:
        await redis.config_set("maxmemory", 0)
    found = {check["name"]: check for check in done.json["checks"]}
    assert found["Redis room"]["state"] == "warn"
    assert "60,000 of backlog" in found["Redis room"]["found"]
    monkeypatch.setenv("WIREROOM_HIGH_WATER_ENTRIES", "10")
    done = await asyncio.to_thread(wireroom, "doctor", "--data-dir", str(tmp_path), "--json")
    found = {check["name"]: check for check in done.json["checks"]}
    assert "low_water_entries" in found["Settings"]["found"]


def test_a_clock_before_our_time_is_wrong() -> None:
    assert checks.check_clock(checks.WRITTEN_AT - timedelta(days=1)).state == "fail"
    assert checks.check_clock(datetime(2030, 1, 1, tzinfo=UTC)).state == "ok"


def test_models_that_enrich_could_not_load_are_found(tmp_path: Path) -> None:
    check = checks.check_models(tmp_path)
    assert check.state == "fail" and str(tmp_path) in check.found


@pytest.mark.parametrize(
    ("fragment", "plain"),
    [
        ("a <mark>b</mark> c", "a b c"),
        ("&lt;script&gt; &amp; <mark>x", "<script> & x"),
        ("<i>odd</i> < 3 </mark>", "odd < 3 "),
        ("\x1b[31mred\x00", "[31mred"),
        ("", ""),
    ],
)
def test_highlights_become_plain_styled_text(fragment: str, plain: str) -> None:
    text = output.marked_text(fragment)
    assert text.plain == plain
    assert all(span.style == "bold yellow" for span in text.spans)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2023-06-19T14:00:00Z", "19 Jun 2023, 14:00"),
        ("2023-06-09T00:00:00+00:00", "9 Jun 2023"),
        (None, "no date"),
        ("soon\x1b", "soon"),
    ],
)
def test_dates_read_as_people_write_them(instant: str | None, words: str) -> None:
    assert output.short_date(instant) == words


def test_output_into_a_closed_pipe_is_no_traceback() -> None:
    command = f"{sys.executable} -m services.cli --help | head -c 1"
    done = subprocess.run(
        ["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=30, env=os.environ.copy()
    )
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_the_running_instance_is_found_without_flags(api, wireroom, tmp_path: Path) -> None:
    from services.supervisor.instance import Instance, write_instance

    write_instance(
        Instance(
            pid=os.getpid(),
            started_at="",
            data_dir=str(tmp_path),
            ingest_url="http://127.0.0.1:1",
            enrich_url="http://127.0.0.1:1",
            index_url=api.url,
            redis_url="redis://127.0.0.1:1",
        )
    )
    api.answer = lambda _: (200, {"hits": [], "total": 0})
    done = wireroom("search", "x", "--data-dir", str(tmp_path), "--json")
    assert json.loads(done.out) == {"hits": [], "total": 0}
