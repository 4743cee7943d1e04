from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.cli.submission import BATCH_DOCUMENTS, retry_after_s


def _accept(request) -> tuple[int, object]:
    """Answer a batch as ingest does: titles starting with `bad` are rejected, with `old` duplicates."""
    results = []
    for line, article in enumerate(request.lines, 1):
        title = str(article.get("title", ""))
        status = {"bad": "rejected", "old": "duplicate"}.get(title[:3], "accepted")
        error = "no text at all" if status == "rejected" else None
        results.append({"line": line, "id": f"{line:032x}", "status": status, "error": error})
    return 200, {"results": results}


def _wire(tmp_path: Path, titles: list[str]) -> str:
    path = tmp_path / "wire.ndjson"
    path.write_text("".join(json.dumps({"title": title}) + "\n" for title in titles))
    return str(path)


def test_articles_are_submitted_and_counted(api, wireroom, tmp_path: Path) -> None:
    api.answer = _accept
    done = wireroom("submit", _wire(tmp_path, ["one", "old news", "three"]), "--ingest-url", api.url)
    assert done.code == 0
    assert "2 accepted, 1 duplicate, 0 rejected" in done.out
    assert api.requests[0].headers["content-type"] == "application/x-ndjson"
    assert [line["title"] for line in api.requests[0].lines] == ["one", "old news", "three"]


def test_rejected_lines_are_listed_with_their_reason(api, wireroom, tmp_path: Path) -> None:
    api.answer = _accept
    done = wireroom("submit", _wire(tmp_path, ["one", "bad", "three"]), "--ingest-url", api.url)
    assert done.code == 1
    assert "wire.ndjson:2  no text at all" in done.out.replace("\n", "")


def test_json_output_names_each_article(api, wireroom, tmp_path: Path) -> None:
    api.answer = _accept
    done = wireroom("submit", _wire(tmp_path, ["one", "bad"]), "--ingest-url", api.url, "--json")
    assert done.code == 1
    assert (done.json["accepted"], done.json["rejected"]) == (1, 1)
    assert done.json["results"][1]["origin"].endswith("wire.ndjson:2")


def test_many_articles_go_in_batches(api, wireroom, tmp_path: Path) -> None:
    api.answer = _accept
    titles = [f"title {n}" for n in range(BATCH_DOCUMENTS * 2 + 5)]
    done = wireroom("submit", _wire(tmp_path, titles), "--ingest-url", api.url, "--json")
    assert done.json["accepted"] == len(titles)
    assert [len(request.lines) for request in api.requests] == [BATCH_DOCUMENTS, BATCH_DOCUMENTS, 5]


def test_a_full_pipeline_is_waited_for(api, wireroom, tmp_path: Path) -> None:
    answers = iter([(503, {"detail": "full"}, {"retry-after": "0"}), (503, {"detail": "full"}), None])

    def answer(request):
        return next(answers) or _accept(request)

    api.answer = answer
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url)
    assert done.code == 0 and len(api.requests) == 3


def test_what_is_rejected_for_now_is_sent_again(api, wireroom, tmp_path: Path) -> None:
    def answer(request):
        _, done = _accept(request)
        for result in done["results"][2:]:
            result |= {"status": "rejected", "error": "60 a minute", "retry_after_s": 0.01}
        return 200, done

    api.answer = answer
    done = wireroom("submit", _wire(tmp_path, [f"title {n}" for n in range(5)]), "--ingest-url", api.url)
    assert done.code == 0 and "5 accepted" in done.out
    assert [len(request.lines) for request in api.requests] == [5, 3, 1]


def test_a_limit_that_stays_reached_is_given_up(api, wireroom, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("services.cli.submission.PATIENCE_S", 0.0)
    result = {"line": 1, "status": "rejected", "error": "60 a minute", "retry_after_s": 5}
    api.answer = lambda _: (200, {"results": [result]})
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url)
    assert done.code == 1 and "60 a minute" in done.err and "Run the same command again" in done.err


def test_a_pipeline_that_stays_full_is_given_up(api, wireroom, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("services.cli.submission.PATIENCE_S", 0.0)
    api.answer = lambda _: (503, {"detail": "The pipeline is full."})
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url)
    assert done.code == 1
    assert "The pipeline is full." in done.err and "Run the same command again" in done.err


def test_a_batch_that_is_too_large_is_halved(api, wireroom, tmp_path: Path) -> None:
    def answer(request):
        if len(request.lines) > 1 or request.lines[0]["title"] == "huge":
            return 413, {"detail": "Too large."}
        return _accept(request)

    api.answer = answer
    done = wireroom("submit", _wire(tmp_path, ["one", "huge", "three"]), "--ingest-url", api.url, "--json")
    assert [result["status"] for result in done.json["results"]] == ["accepted", "rejected", "accepted"]
    assert "Too large." in done.json["results"][1]["error"]


def test_wait_returns_once_all_are_searchable(api, wireroom, tmp_path: Path) -> None:
    asked: dict[str, int] = {}

    def answer(request):
        if request.method == "POST":
            return _accept(request)
        asked[request.path] = asked.get(request.path, 0) + 1
        return 200, {"status": "indexed" if asked[request.path] > 2 else "enriched"}

    api.answer = answer
    done = wireroom("submit", _wire(tmp_path, ["one", "two"]), "--ingest-url", api.url, "--wait", "--json")
    assert done.code == 0 and done.json["searchable"] == 2
    assert set(asked) == {f"/v1/articles/{n:032x}/receipt" for n in (1, 2)}


def test_wait_tells_what_will_never_be_searchable(api, wireroom, tmp_path: Path) -> None:
    def answer(request):
        return _accept(request) if request.method == "POST" else (200, {"status": "dead_lettered"})

    api.answer = answer
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url, "--wait")
    assert done.code == 1 and "dead-lettered" in done.out


def test_nothing_listening_says_how_to_start_it(wireroom, tmp_path: Path) -> None:
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", "http://127.0.0.1:1")
    assert done.code == 1
    assert "ingest does not answer at http://127.0.0.1:1." in done.err and "wireroom up" in done.err


def test_a_file_that_is_missing_stops_before_anything_is_sent(api, wireroom, tmp_path: Path) -> None:
    done = wireroom("submit", _wire(tmp_path, ["one"]), str(tmp_path / "nope.json"), "--ingest-url", api.url)
    assert done.code == 1 and "nope.json is not a file" in done.err
    assert api.requests == []


def test_an_api_key_is_sent_and_a_refusal_says_what_to_do(api, wireroom, tmp_path: Path, monkeypatch) -> None:
    api.answer = lambda _: (401, {"detail": "This API key is not known here."})
    monkeypatch.setenv("WIREROOM_API_KEY", "wr_secret")
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url)
    assert api.requests[0].headers["authorization"] == "Bearer wr_secret"
    assert done.code == 1 and "not known here" in done.err and "wireroom keys new" in done.err
    assert "wr_secret" not in done.err + done.out


def test_a_key_file_goes_before_the_environment(api, wireroom, tmp_path: Path, monkeypatch) -> None:
    api.answer = _accept
    monkeypatch.setenv("WIREROOM_API_KEY", "from environment")
    key_file = tmp_path / "key"
    key_file.write_text("from file\n")
    wireroom("submit", _wire(tmp_path, ["a"]), "--ingest-url", api.url, "--api-key-file", str(key_file))
    assert api.requests[0].headers["authorization"] == "Bearer from file"


def test_id_and_url_are_for_one_file(wireroom, tmp_path: Path) -> None:
    path = _wire(tmp_path, ["one"])
    assert wireroom("submit", path, path, "--id", "7").code == 2


@pytest.mark.parametrize("answer", [b"<html>", {"results": 7}, [], {"results": [7]}, {}])
def test_an_answer_that_is_no_batch_result_is_told(api, wireroom, tmp_path: Path, answer) -> None:
    api.answer = lambda _: (200, answer)
    done = wireroom("submit", _wire(tmp_path, ["one"]), "--ingest-url", api.url)
    assert done.code == 1 and "not known here" in done.err and "Traceback" not in done.err


NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 1.0),
        ("3", 3.0),
        ("0", 0.1),
        ("999999", 30.0),
        ("Thu, 01 Jan 2026 12:00:05 GMT", 5.0),
        ("Thu, 01 Jan 2015 12:00:05 GMT", 0.1),
        ("soon", 1.0),
        ("-5", 1.0),
        ("nan", 1.0),
        ("9" * 400, 30.0),
    ],
)
def test_retry_after_is_read_within_bounds(value: str | None, seconds: float) -> None:
    assert retry_after_s(value, NOW) == pytest.approx(seconds)
