"""`wireroom retract` and `erase`: what they ask for, wait for and print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from services.cli.app import run
from tests.cli.conftest import FakeApi, Request

ID = "0" * 31 + "1"
PLACES = [
    {"place": "archive", "removed": 2, "left": 0, "note": "links in other articles: 1"},
    {"place": "backups", "removed": 0, "left": None, "note": "not reached"},
]


def document(**fields: Any) -> dict[str, Any]:
    given = {"number": 7, "ids": [ID], "state": "pending", "problem": None, "places": []}
    return given | fields


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "admin.token").write_text("token")
    return tmp_path


def answering(*states: dict[str, Any]) -> Any:
    left = list(states)

    def answer(request: Request) -> Any:
        if request.method == "DELETE":
            return 202, {"id": ID, "revision": 1, "status": "accepted", "status_url": "/x"}
        if request.path.startswith("/v1/admin/erasures"):
            return 202, left.pop(0) if len(left) > 1 else left[0]
        return 404, {"detail": "nothing here"}

    return answer


def words(api: FakeApi, data_dir: Path, *more: str) -> list[str]:
    return [*more, "--index-url", api.url, "--data-dir", str(data_dir)]


def test_articles_are_taken_down_with_the_reason(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer = answering()
    assert run(["retract", ID, "--reason", "court order", "--ingest-url", api.url]) == 0
    (request,) = api.requests
    assert (request.method, request.path) == ("DELETE", f"/v1/articles/{ID}")
    assert request.query == {"reason": ["court order"]}
    assert f"{ID} taken down" in capsys.readouterr().out


def test_an_erasure_is_waited_for_and_its_report_says_what_is_not_reached(
    api: FakeApi, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = document(state="done", places=PLACES)
    api.answer = answering(document(), document(), done)
    command = words(api, data_dir, "retract", ID, "--erase", "--ingest-url", api.url)
    assert run(command) == 0
    asked = next(request for request in api.requests if request.method == "POST")
    assert json.loads(asked.body) == {"ids": [ID]} and asked.headers["authorization"] == "Bearer token"
    out = capsys.readouterr().out
    assert "1 article erased" in out and "2 removed" in out and "not reached" in out


def test_an_erasure_that_takes_longer_is_told_and_goes_on(
    api: FakeApi, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.answer = answering(document(problem="the takedown has not come to the index yet"))
    assert run(words(api, data_dir, "erase", ID, "--timeout", "1")) == 1
    out = capsys.readouterr().out
    assert "not erased yet" in out and "has not come to the index" in out


def test_who_may_not_read_the_data_directory_may_not_erase(
    api: FakeApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words(api, tmp_path, "erase", ID)) == 1
    assert api.requests == [] and "--data-dir" in capsys.readouterr().err


def test_what_ingest_refuses_is_told_in_its_words(api: FakeApi, capsys: pytest.CaptureFixture[str]) -> None:
    api.answer = lambda _: (403, {"detail": "This one needs an operator."})
    assert run(["retract", ID, "--ingest-url", api.url]) == 1
    assert "needs an operator" in capsys.readouterr().err
