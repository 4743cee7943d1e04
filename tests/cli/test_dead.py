from __future__ import annotations

from typing import Any

import pytest


def _letter(n: int, reason: str = "invalid_event") -> dict[str, Any]:
    return {
        "id": f"0-{n}-0",
        "stream": "articles.raw.{0}",
        "group": "enrich",
        "entry_id": "1-1",
        "article_id": None,
        "reason": reason,
        "error": f"what happened to {n}",
        "attempts": 1,
        "died_at": "2026-01-02T03:04:05Z",
    }


def _three(request) -> tuple[int, Any]:
    """Three dead letters, two a page."""
    if request.method == "GET":
        if "before" in request.query:
            return 200, {"dead_letters": [_letter(1)], "next_before": None}
        return 200, {"dead_letters": [_letter(3), _letter(2)], "next_before": "0-2-0"}
    return (202, {}) if request.method == "POST" else (204, b"")


def test_dead_letters_of_all_pages_are_listed(api, wireroom) -> None:
    api.answer = _three
    done = wireroom("dead", "list", "--ingest-url", api.url)
    assert done.code == 0
    assert [f"0-{n}-0" in done.out for n in (1, 2, 3)] == [True] * 3
    assert "invalid_event" in done.out and "what happened to 3" in done.out


def test_a_limit_stops_the_list(api, wireroom) -> None:
    api.answer = _three
    done = wireroom("dead", "list", "--limit", "1", "--json", "--ingest-url", api.url)
    assert [letter["id"] for letter in done.json] == ["0-3-0"]


def test_no_dead_letters_is_good_news(api, wireroom) -> None:
    api.answer = lambda _: (200, {"dead_letters": [], "next_before": None})
    done = wireroom("dead", "list", "--ingest-url", api.url)
    assert done.code == 0 and "No dead letters" in done.out


def test_a_dead_letter_is_shown_with_its_event(api, wireroom) -> None:
    letter = {
        **_letter(1),
        "event": {"type": "ArticleSubmitted", "title": "tête \x1b[31m"},
        "fields": {"event": "{}"},
    }
    api.answer = lambda _: (200, letter)
    done = wireroom("dead", "show", "0-1-0", "--ingest-url", api.url)
    assert (
        "what happened to 1" in done.out and '"type": "ArticleSubmitted"' in done.out and "tête" in done.out
    )
    assert "\x1b[31m" not in done.out


def test_bytes_that_are_no_event_are_shown_as_they_are(api, wireroom) -> None:
    api.answer = lambda _: (200, {**_letter(1), "event": None, "fields": {"event": "not json"}})
    assert "not json" in wireroom("dead", "show", "0-1-0", "--ingest-url", api.url).out


def test_an_unknown_dead_letter_is_told(api, wireroom) -> None:
    done = wireroom("dead", "show", "0-9-9", "--ingest-url", api.url)
    assert done.code == 1 and "there is no dead letter 0-9-9" in done.err


def test_all_are_replayed_once_each(api, wireroom) -> None:
    api.answer = _three
    done = wireroom("dead", "replay", "--all", "--json", "--ingest-url", api.url)
    assert done.json == {"replayed": ["0-3-0", "0-2-0", "0-1-0"], "refused": {}}
    assert [path for path in api.paths() if path.startswith("POST")] == [
        f"POST /v1/dead-letters/0-{n}-0/replay" for n in (3, 2, 1)
    ]


def test_named_ones_are_discarded_and_missing_ones_reported(api, wireroom) -> None:
    api.answer = lambda request: (204, b"") if request.path.endswith("0-1-0") else (404, {"detail": "gone"})
    done = wireroom("dead", "discard", "0-1-0", "0-2-0", "--ingest-url", api.url)
    assert done.code == 1
    assert "1 dead letter discarded" in done.out and "0-2-0 is not there" in done.out


def test_one_that_cannot_be_replayed_does_not_stop_the_others(api, wireroom) -> None:
    api.answer = lambda request: (409, {"detail": "unknown stream"}) if "0-1-0" in request.path else (202, {})
    done = wireroom("dead", "replay", "0-1-0", "0-2-0", "--json", "--ingest-url", api.url)
    assert (
        done.code == 1
        and done.json["replayed"] == ["0-2-0"]
        and "unknown stream" in done.json["refused"]["0-1-0"]
    )


@pytest.mark.parametrize("arguments", [(), ("0-1-0", "--all"), ("0-1-0", "--reason", "permanent")])
def test_what_is_meant_must_be_said_once(api, wireroom, arguments: tuple[str, ...]) -> None:
    assert wireroom("dead", "discard", *arguments, "--ingest-url", api.url).code == 2
    assert api.requests == []
