"""`wireroom saved`: what is asked of the API, and what people read of its answers."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

ID, OTHER = "a" * 16, "b" * 16
ARTICLE = {"id": "c" * 32, "title": "Petra nears", "source": "AP", "published_at": "2026-11-25T08:00:00Z"}
SEARCH: dict[str, Any] = {
    "id": ID,
    "name": "Storms at sea",
    "q": "storm OR hurricane",
    "source": [],
    "language": [],
    "entity": [],
    "topic": ["weather"],
    "sentiment": [],
    "story": [],
    "webhook_url": "https://hooks.example.com/news",
    "status": "active",
    "status_reason": None,
    "matches": 1_234,
    "last_matched_at": "2026-11-25T08:00:00Z",
    "pending": 2,
    "failures": 3,
}
DELIVERY = {
    "webhook_id": "msg_1", "type": "article.matched", "article_id": "c" * 32, "at": "2026-11-25T08:00:00Z",
    "attempt": 3, "outcome": "rejected", "status": 500, "duration_ms": 12,
}  # fmt: skip


def _service(request: Any) -> tuple[int, Any]:
    """Two searches of which the second has a name twice."""
    others = [SEARCH | {"id": number * 16, "name": "Twice", "webhook_url": None} for number in "de"]
    if request.path == "/v1/saved-searches" and request.method == "GET":
        if "cursor" in request.query:
            return 200, {"saved_searches": others, "next_cursor": None}
        return 200, {"saved_searches": [SEARCH], "next_cursor": "1"}
    if request.path == "/v1/saved-searches":
        return 201, SEARCH | {"webhook_secret": "whsec_new"}
    answers = {
        f"GET /v1/saved-searches/{ID}": (200, SEARCH),
        f"PATCH /v1/saved-searches/{ID}": (200, SEARCH | {"status": "paused", "webhook_secret": "whsec_2"}),
        f"DELETE /v1/saved-searches/{ID}": (204, b""),
        f"GET /v1/saved-searches/{ID}/matches": (
            200,
            {
                "matches": [
                    {"article": ARTICLE, "state": "matched"},
                    {"article": {"id": "f"}, "state": "retracted"},
                ]
            },
        ),
        f"GET /v1/saved-searches/{ID}/deliveries": (200, {"deliveries": [DELIVERY]}),
        f"POST /v1/saved-searches/{ID}/replay": (202, {"replayed": 7}),
        f"POST /v1/saved-searches/{ID}/test": (
            200,
            {"webhook_id": "t", "outcome": "timeout", "duration_ms": 1},
        ),
    }
    return answers.get(
        f"{request.method} {request.path}", (404, {"detail": "There is no such saved search."})
    )


@pytest.fixture
def saved(api: Any, wireroom: Any):
    api.answer = _service
    return lambda *arguments: wireroom("saved", *arguments, "--index-url", api.url)


def test_a_search_is_saved_as_it_is_searched(api, saved, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("whsec_abc\n")
    done = saved(
        "add", "Storms at sea", "storm", "--topic", "weather", "--topic", "sport", "--sentiment", "negative",
        "--webhook", "https://hooks.example.com/news", "--secret-file", str(secret),
    )  # fmt: skip
    assert done.code == 0 and "whsec_new" in done.out and "storm OR hurricane · topic: weather" in done.out
    assert api.requests[0].headers["content-type"] == "application/json"
    assert json.loads(api.requests[0].body) == {
        "name": "Storms at sea", "q": "storm", "topic": ["weather", "sport"], "sentiment": ["negative"],
        "webhook_url": "https://hooks.example.com/news", "webhook_secret": "whsec_abc",
    }  # fmt: skip


def test_the_list_follows_the_cursor_and_says_how_delivery_does(saved) -> None:
    out = saved("list").out
    assert "Storms at sea" in out and "1,234" in out and "2 waiting" in out
    assert out.count("Twice") == 2 and "none" in out
    assert [search["id"][0] for search in saved("list", "--json").json] == ["a", "d", "e"]


@pytest.mark.parametrize("which", [ID, "Storms at sea"])
def test_one_is_shown_by_id_or_name_with_its_matches(saved, which: str) -> None:
    out = saved("show", which).out
    for words in (
        "active, but 3 deliveries failed",
        "1,234, last 25 Nov 2026",
        "Petra nears · AP",
        "f (retracted)",
    ):
        assert words in out


@pytest.mark.parametrize(
    ("which", "words"), [("Twice", "2 saved searches"), ("None", "no saved search"), (OTHER, "no such")]
)
def test_a_search_that_is_not_clear_is_told(saved, which: str, words: str) -> None:
    done = saved("show", which)
    assert done.code == 1 and words in done.err


def test_removing_tells_each(api, saved) -> None:
    done = saved("remove", "Storms at sea", OTHER)
    assert done.code == 1 and "✓ Storms at sea removed" in done.out and "no such saved search" in done.err


def test_a_test_that_fails_exits_with_1(saved) -> None:
    done = saved("test", ID)
    assert done.code == 1 and "✗ no answer in time" in done.out


def test_the_log_has_a_delivery_a_line(saved) -> None:
    [line] = saved("log", ID, "-n", "5").out.splitlines()
    for words in ("✗ rejected: 500", "12 ms", "article.matched", "try 3", "msg_1"):
        assert words in line


def test_replaying_takes_an_instant_or_one_message(api, saved) -> None:
    assert "7 messages" in saved("replay", ID, "--since", "2h").out
    since = datetime.fromisoformat(json.loads(api.requests[-1].body)["since"])
    assert abs(datetime.now(UTC) - timedelta(hours=2) - since) < timedelta(minutes=1)
    saved("replay", ID, "--webhook-id", "msg_1")
    assert json.loads(api.requests[-1].body) == {"webhook_id": "msg_1"}
    assert (
        saved("replay", ID).code == 2 and saved("replay", ID, "--since", "1h", "--webhook-id", "x").code == 2
    )


@pytest.mark.parametrize(
    ("command", "change"),
    [
        ("enable", {"status": "active"}),
        ("disable", {"status": "paused"}),
        ("rotate-secret", {"rotate_secret": True}),
    ],
)
def test_changes_are_sent_as_such(api, saved, command: str, change: dict[str, Any]) -> None:
    done = saved(command, ID)
    assert done.code == 0 and "paused" in done.out
    assert json.loads(api.requests[-1].body) == change
    assert ("whsec_2" in done.out) == (command == "rotate-secret")


@pytest.mark.parametrize("command", ["list", "show", "log"])
@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"saved_searches": [{}], "matches": [{}], "deliveries": [{}]}']
)
def test_an_odd_answer_is_no_crash(api, wireroom, command: str, body: bytes) -> None:
    api.answer = lambda _: (200, body)
    which = [ID] if command != "list" else []
    done = wireroom("saved", command, *which, "--index-url", api.url)
    assert done.code in {0, 1} and "Traceback" not in done.err
