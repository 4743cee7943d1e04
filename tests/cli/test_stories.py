"""`wireroom stories`, `story` and `trends`."""

from __future__ import annotations

import webbrowser
from typing import Any

import pytest

ARTICLE_ID = "a" * 32


def article(name: str, day: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": name * 32,
        "title": f"Title {name}",
        "source": "AP",
        "published_at": f"2026-11-{day:02}T08:00:00Z",
        "sentiment": {"label": "negative", "score": -0.4},
        **changes,
    }


STORY: dict[str, Any] = {
    "id": "s1",
    "title": "Title a",
    "article_count": 12,
    "sources": [{"value": "AP", "count": 9}, "AFP"],
    "first_published_at": "2026-11-01T08:00:00Z",
    "last_published_at": "2026-11-03T09:00:00Z",
    "entities": [{"label": "PERSON", "canonical": "Xi Jinping", "count": 4}],
    "sentiment": -0.31,
    "articles": [article("a", 3), article("b", 2)],
}


def test_a_story_reads_as_title_facts_names_and_articles(api, wireroom) -> None:
    api.answer = lambda _: (200, {"stories": [STORY], "next_cursor": "c1"})
    out = wireroom("stories", "xi", "--source", "AP", "--sort", "size", "--index-url", api.url).out
    for words in (
        " 1 Title a", "12 articles · AP, AFP · 1 Nov 2026 – 3 Nov 2026 · -0.31", "Xi Jinping",
        "Title b · AP · 2 Nov 2026, 08:00 · negative -0.40", "s1", "--cursor c1",
    ):  # fmt: skip
        assert words in out
    assert out.count("Title a") == 1
    assert api.requests[0].query == {
        "q": ["xi"], "source": ["AP"], "sort": ["size"], "size": ["10"], "lenient": ["true"],
    }  # fmt: skip


def test_no_stories_is_no_failure(api, wireroom) -> None:
    api.answer = lambda _: (200, {"stories": [], "next_cursor": None})
    done = wireroom("stories", "--index-url", api.url)
    assert done.code == 0 and "No stories" in done.out


def _known_story(request: Any) -> tuple[int, Any]:
    copies = {"count": 1, "sources": 1, "articles": [{"source": "AFP"}]}
    full = STORY | {
        "timeline": [article("a", 1, duplicates=copies), article("b", 1), article("c", 3)],
        "histogram": {"interval": "day", "buckets": [{"start": "2026-11-01", "count": 2, "sentiment": -0.4}]},
    }
    answers = {
        "/v1/stories/s1": (200, full),
        f"/v1/articles/{ARTICLE_ID}": (200, {"id": ARTICLE_ID, "story_id": "s1"}),
        f"/v1/articles/{'b' * 32}": (200, {"id": "b" * 32}),
    }
    return answers.get(request.path, (404, {"detail": "unknown"}))


@pytest.mark.parametrize("given", ["s1", ARTICLE_ID])
def test_a_story_is_shown_by_its_id_or_that_of_an_article(api, wireroom, given: str) -> None:
    api.answer = _known_story
    done = wireroom("story", given, "--index-url", api.url)
    assert done.code == 0
    for words in ("1 Nov 2026  08:00  Title a", "also in 1 outlet: AFP", "████", "most on 1 Nov 2026: 2"):
        assert words in done.out
    assert done.out.index("Title b") < done.out.index("3 Nov 2026  08:00  Title c")
    # A day is named once.
    assert done.out.count("1 Nov 2026  08:00") == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [("s2", "no story or article s2"), ("c" * 32, "is known"), ("b" * 32, "belongs to no story")],
)
def test_a_story_that_is_not_there_is_told(api, wireroom, given: str, words: str) -> None:
    api.answer = _known_story
    done = wireroom("story", given, "--index-url", api.url)
    assert done.code == 1 and words in done.err


def test_a_story_is_opened_in_the_browser(api, wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    api.answer = lambda request: (
        _known_story(request) if request.path != "/v1/stories" else (200, {"stories": [STORY]})
    )
    wireroom("story", ARTICLE_ID, "--open", "--index-url", api.url)
    wireroom("stories", "--open", "1", "--index-url", api.url)
    assert opened == [f"{api.url}/stories/s1"] * 2


def test_trends_show_what_was_expected_and_what_drives_them(api, wireroom) -> None:
    rising = {
        "entity": {"label": "PERSON", "canonical": "Petra Ruiz"},
        "count": 80,
        "expected": 20.0,
        "score": 61.2,
        "articles": [article("a", 3)],
    }
    api.answer = lambda _: (200, {"window": "24h", "baseline": "14d", "trends": [rising]})
    done = wireroom("trends", "--label", "person", "--window", "24h", "--index-url", api.url)
    for words in ("in the last 24h", "Petra Ruiz  PERSON", "80 texts, 20.0 expected", "Title a · AP"):
        assert words in done.out
    query = api.requests[0].query
    assert query["label"] == ["PERSON"] and query["window"] == ["24h"] and "baseline" not in query


@pytest.mark.parametrize("command", [("stories",), ("story", "s1"), ("trends",)])
def test_json_is_the_answer_as_it_came(api, wireroom, command: tuple[str, ...]) -> None:
    api.answer = lambda _: (200, {"anything": ["1"]})
    assert wireroom(*command, "--json", "--index-url", api.url).json == {"anything": ["1"]}


@pytest.mark.parametrize("command", [("stories",), ("story", "s1"), ("trends",)])
@pytest.mark.parametrize("body", [b"", b"[]", b'{"stories": [{}], "trends": [{}], "timeline": [{}, 7]}'])
def test_an_odd_answer_is_no_crash(api, wireroom, command: tuple[str, ...], body: bytes) -> None:
    api.answer = lambda _: (200, body)
    done = wireroom(*command, "--index-url", api.url)
    assert done.code in {0, 1} and "Traceback" not in done.err
