"""`wireroom sources`: what it prints, writes and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.cli.app import run
from services.supervisor.instance import sources_path
from shared.http.auth import hash_api_key
from shared.sources_file import read_sources
from shared.sources_place import operator_key
from tests.cli.conftest import FakeApi
from tests.cli.imports.archives import TakesAll


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.json"
    monkeypatch.setenv("WIREROOM_SOURCES_PATH", str(path))
    return path


def test_a_source_is_added_listed_rotated_set_and_removed(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sources", "add", "Harbour Post", "--per-minute", "60", "--host", "a.example", "--json"]) == 0
    added = json.loads(capsys.readouterr().out)
    assert read_sources(file).named("Harbour Post").keys[0].hash == hash_api_key(added["key"])
    assert (added["per_minute"], added["hosts"]) == (60, ["a.example"])

    assert run(["sources", "rotate", "Harbour Post", "--json"]) == 0
    rotated = json.loads(capsys.readouterr().out)
    assert rotated["key"] != added["key"] and [key["valid"] for key in rotated["keys"]] == [True, True]

    assert run(["sources", "set", "Harbour Post", "--per-minute", "0", "--any-host"]) == 0
    assert read_sources(file).named("Harbour Post").per_minute is None

    assert run(["sources", "list"]) == 0
    listed = capsys.readouterr().out
    assert "Harbour Post" in listed and "2 keys" in listed
    assert added["key"] not in listed and rotated["key"] not in listed

    assert run(["sources", "remove", "harbour post"]) == 0
    assert read_sources(file).sources == ()


def test_a_webhook_source_gets_a_secret_and_no_key(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sources", "add", "CMS", "--webhook", "--json"]) == 0
    added = json.loads(capsys.readouterr().out)
    assert added["webhook_secret"].startswith("whsec_") and "key" not in added


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["add", ""], 2),
        (["add", "a\nb"], 2),
        (["add", "A", "--host", "no host"], 2),
        (["add", "A", "--per-minute", "-1"], 2),
        (["add", "operator"], 1),
        (["rotate", "nobody"], 1),
        (["remove", "nobody"], 1),
        (["set", "nobody", "--per-minute", "1"], 1),
        (["set", "nobody"], 2),
    ],
    ids=lambda value: repr(value),
)
def test_what_cannot_be_done_is_refused_and_nothing_written(file: Path, words: list[str], code: int) -> None:
    assert run(["sources", *words]) == code
    assert not file.exists()


def test_commands_on_this_machine_use_the_key_beside_the_sources(file: Path, api: FakeApi) -> None:
    run(["sources", "add", "A"])
    api.answer = lambda _: (200, {"dead_letters": []})
    run(["dead", "list", "--ingest-url", api.url])
    assert api.requests[-1].headers["authorization"] == f"Bearer {operator_key(file)}"


@pytest.mark.parametrize("command", ["import", "submit"])
def test_archives_go_with_the_key_of_the_data_directory_that_is_named(
    tmp_path: Path, api: FakeApi, command: str
) -> None:
    at = ["--data-dir", str(tmp_path / "data")]
    run(["sources", "add", "A", *at])
    wire = tmp_path / "wire.ndjson"
    wire.write_text('{"id": "1", "title": "one"}\n')
    api.answer = TakesAll()
    assert run([command, str(wire), *at, "--ingest-url", api.url]) == 0
    key = operator_key(sources_path(data_dir=tmp_path / "data"))
    assert key and api.requests[-1].headers["authorization"] == f"Bearer {key}"
