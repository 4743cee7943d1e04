"""`wireroom submit https://…`: ingest fetches, the command tells what became of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.cli import addresses

ID = "0" * 32


def _answer(request) -> tuple[int, object]:
    if request.path == "/v1/articles/batch":
        lines = range(1, len(request.lines) + 1)
        return 200, {"results": [{"line": n, "id": f"{n:032x}", "status": "accepted"} for n in lines]}
    url = json.loads(request.body)["url"]
    if "gone" in url:
        return 422, {
            "detail": "news.example answered 404: there is no such page.",
            "title": "No article there",
        }
    return 202, {"id": ID, "revision": 1, "status": "duplicate" if "old" in url else "accepted"}


def test_an_address_is_handed_to_ingest(api, wireroom) -> None:
    api.answer = _answer
    done = wireroom(
        "submit", "https://news.example/1", "--source", "Wire", "--id", "a1", "--ingest-url", api.url
    )
    assert done.code == 0 and "1 accepted, 0 duplicates, 0 rejected" in done.out
    assert api.paths() == ["POST /v1/urls"]
    sent = json.loads(api.requests[0].body)
    assert sent == {"url": "https://news.example/1", "source": "Wire", "id": "a1"}
    assert f"wireroom show {ID}" in done.out


def test_addresses_and_files_go_together(api, wireroom, tmp_path: Path) -> None:
    api.answer = _answer
    file = tmp_path / "a.json"
    file.write_text('{"title": "T", "body": "B"}')
    names = [str(file), "HTTPS://news.example/old", "http://news.example/gone"]
    done = wireroom("submit", *names, "--ingest-url", api.url, "--json")
    assert done.code == 1
    assert (done.json["accepted"], done.json["duplicates"], done.json["rejected"]) == (1, 1, 1)
    assert done.json["results"][2]["error"] == "news.example answered 404: there is no such page."
    assert done.json["results"][2]["origin"] == "http://news.example/gone"


def test_why_there_is_no_article_is_shown(api, wireroom) -> None:
    api.answer = _answer
    done = wireroom("submit", "http://news.example/gone", "--ingest-url", api.url)
    assert done.code == 1 and "there is no such page" in done.out.replace("\n", " ")


def test_a_site_that_wants_a_pause_is_waited_for(api, wireroom) -> None:
    answers = iter([(503, {"detail": "busy"}, {"retry-after": "0"})])
    api.answer = lambda request: next(answers, None) or _answer(request)
    assert wireroom("submit", "https://news.example/1", "--ingest-url", api.url).code == 0
    assert len(api.requests) == 2


def test_it_is_not_waited_for_ever(api, wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "PATIENCE_S", 0.0)
    api.answer = lambda _: (503, {"detail": "news.example wants a pause"}, {"retry-after": "5"})
    done = wireroom("submit", "https://news.example/1", "--ingest-url", api.url)
    assert done.code == 1 and "wants a pause" in done.out


def test_a_key_that_is_missing_ends_it(api, wireroom) -> None:
    api.answer = lambda _: (401, {"detail": "no key"})
    done = wireroom("submit", "https://news.example/1", "https://news.example/2", "--ingest-url", api.url)
    assert done.code == 1 and "WIREROOM_API_KEY" in done.err and len(api.requests) == 1


def test_an_address_has_no_other_address(api, wireroom) -> None:
    done = wireroom(
        "submit", "https://news.example/1", "--url", "https://news.example/2", "--ingest-url", api.url
    )
    assert done.code == 2 and api.requests == []
