from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import FakeApi

Feeds = list[dict[str, Any]]


def _feed(n: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"{n:016x}",
        "url": f"https://news.example/{n}",
        "added_url": f"https://news.example/old/{n}",
        "title": "Example Wire",
        "source": None,
        "state": "active",
        "polls": 1,
        "last_outcome": "read",
        "last_error": None,
        "stopped": None,
        "next_poll_at": "2026-01-02T03:04:05Z",
        "last_entries": {"new": 2, "changed": 1, "unchanged": 9, "skipped": {"double": 1}},
        "entries": {"new": 12},
        "websub": None,
        **fields,
    }


@pytest.fixture
def feeds(api: FakeApi) -> Feeds:
    """Feeds that the fake ingest has; to poll one is to have polled it."""
    held = [_feed(1), _feed(2)]

    def answer(request: Any) -> tuple[int, Any]:
        if request.path == "/v1/feeds/poll":
            asked = [{"id": feed["id"], "polls": feed["polls"] + 1} for feed in held]
            for feed in held:
                feed["polls"] += 1
            return 202, {"feeds": asked}
        if request.path == "/v1/feeds.opml":
            errors = [{"url": "ftp://x", "error": "not http"}]
            result = {"added": 2, "known": 1, "rejected": 1, "errors": errors}
            return 200, b"<opml/>" if request.method == "GET" else result
        if request.method == "POST" and request.path == "/v1/feeds":
            return 201, _feed(3, url=json.loads(request.body)["url"])
        return (204, b"") if request.method == "DELETE" else (200, {"feeds": held, "websub": {}})

    api.answer = answer
    return held


def test_a_feed_is_added_with_what_was_said_of_it(api: FakeApi, feeds: Feeds, wireroom) -> None:
    url = "https://news.example/3"
    done = wireroom("feeds", "add", url, "--source", "Wire", "--full-text", "--ingest-url", api.url)
    assert done.code == 0 and url in done.out and "added" in done.out
    assert json.loads(api.requests[0].body) == {"url": url, "source": "Wire", "full_text": True}


def test_feeds_are_listed_with_how_polling_went(api: FakeApi, feeds: Feeds, wireroom) -> None:
    feeds[1] |= {"state": "failing", "last_error": "Its site answered 500.", "last_outcome": "status"}
    done = wireroom("feeds", "list", "--ingest-url", api.url)
    assert done.code == 0
    assert "2 new, 1 changed, 1 skipped (double)" in done.out
    assert "Its site answered 500." in done.out and "Example Wire" in done.out
    assert len(wireroom("feeds", "list", "--json", "--ingest-url", api.url).json) == 2


def test_polling_waits_and_tells_per_feed_what_came(api: FakeApi, feeds: Feeds, wireroom) -> None:
    done = wireroom("feeds", "poll", "--ingest-url", api.url)
    assert done.code == 0
    assert done.out.count("2 new, 1 changed") == 2


def test_polling_fails_when_no_feed_could_be_read(api: FakeApi, feeds: Feeds, wireroom) -> None:
    down = {"state": "failing", "last_error": "Its site answered 500.", "last_outcome": "status"}
    feeds[0] |= down
    done = wireroom("feeds", "poll", "--ingest-url", api.url)
    assert done.code == 0 and "Its site answered 500." in done.out
    feeds[1] |= down
    assert wireroom("feeds", "poll", "--ingest-url", api.url).code == 1


def test_polling_gives_up_when_told(api: FakeApi, feeds: Feeds, wireroom) -> None:
    answer = api.answer
    late = {"feeds": [{"id": feeds[0]["id"], "polls": 99}]}
    api.answer = lambda request: (202, late) if request.path == "/v1/feeds/poll" else answer(request)
    done = wireroom("feeds", "poll", "--timeout", "1", "--ingest-url", api.url)
    assert done.code == 1 and "not polled within 1 s" in done.err


def test_a_feed_is_removed_by_id_or_by_either_url(api: FakeApi, feeds: Feeds, wireroom) -> None:
    names = (feeds[0]["id"], feeds[0]["url"], feeds[1]["added_url"])
    done = wireroom("feeds", "remove", *names, "--ingest-url", api.url)
    assert done.code == 0
    removed = [path for path in api.paths() if path.startswith("DELETE")]
    assert set(removed) == {f"DELETE /v1/feeds/{feed['id']}" for feed in feeds}
    done = wireroom("feeds", "remove", "https://nowhere.example/", "--ingest-url", api.url)
    assert done.code == 1 and "no feed https://nowhere.example/" in done.err


def test_lists_go_out_and_come_in(api: FakeApi, feeds: Feeds, wireroom, tmp_path) -> None:
    file = tmp_path / "feeds.opml"
    assert wireroom("feeds", "export", "-o", str(file), "--ingest-url", api.url).code == 0
    assert file.read_bytes() == b"<opml/>"
    done = wireroom("feeds", "import", str(file), "--ingest-url", api.url)
    assert done.code == 1  # one could not be taken
    assert "2 feeds added, 1 known already" in done.out and "ftp://x: not http" in done.out
    assert api.requests[-1].body == b"<opml/>"
