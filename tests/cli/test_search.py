from __future__ import annotations

import json
import re
import webbrowser
from typing import Any

import pytest

ID = "a" * 32


def _page(**changes: Any) -> dict[str, Any]:
    hit = {
        "id": ID,
        "title": "Petra nears",
        "source": "Gulf Tribune",
        "published_at": "2024-09-26T14:05:00Z",
        "score": 7.1,
        "highlights": {"title": "<mark>Petra</mark> nears", "body": "A &lt;b&gt; storm, <mark>Petra</mark>"},
        "entities": [{"canonical": "Petra Ruiz", "label": "PERSON"}],
        "sentiment": {"label": "negative", "score": -0.4},
    }
    facets = {"entities": [{"value": "PERSON:Petra Ruiz", "label": "Petra Ruiz", "count": 3}]}
    return {
        "total": 12,
        "exact": True,
        "hits": [hit],
        "facets": facets,
        "next_cursor": "abc",
        "warnings": [],
        **changes,
    }


def test_a_hit_reads_as_title_byline_passage_and_names(api, wireroom) -> None:
    api.answer = lambda _: (200, _page(warnings=["“AND” was read as a word"]))
    done = wireroom("search", "petra", "--index-url", api.url)
    assert done.code == 0
    for words in (
        "Petra nears",
        "Gulf Tribune · 26 Sep 2024, 14:05 · negative -0.40",
        "A <b> storm, Petra",
        "Petra Ruiz (3)",
        ID,
        "12 articles, 1 shown",
        "was read as a word",
        "--cursor abc",
    ):
        assert words in done.out
    assert "<mark>" not in done.out


def test_filters_travel_as_the_contract_names_them(api, wireroom) -> None:
    api.answer = lambda _: (200, _page())
    wireroom(
        "search",
        "a b",
        "--source",
        "AP",
        "--entity",
        "PERSON:Xi Jinping",
        "--topic",
        "04000000",
        "--sentiment",
        "neutral",
        "--from",
        "2024-01-01",
        "--to",
        "2024-02-01",
        "--sort",
        "newest",
        "--size",
        "5",
        "--index-url",
        api.url,
    )
    query = {name: values[0] for name, values in api.requests[0].query.items()}
    assert query == {
        "q": "a b",
        "source": "AP",
        "entity": "PERSON:Xi Jinping",
        "topic": "04000000",
        "sentiment": "neutral",
        "from": "2024-01-01",
        "to": "2024-02-01",
        "sort": "newest",
        "size": "5",
        "facets": "entities",
        "lenient": "true",
        "collapse": "true",
    }


def test_filters_repeat(api, wireroom) -> None:
    api.answer = lambda _: (200, _page())
    wireroom(
        "search", "--source", "AP", "--source", "AFP", "--language", "de", "--story", "s1", "--strict",
        "--index-url", api.url,
    )  # fmt: skip
    query = api.requests[0].query
    assert query["source"] == ["AP", "AFP"] and query["language"] == ["de"] and query["story"] == ["s1"]
    assert query["lenient"] == ["false"] and "q" not in query


def test_json_is_the_page_as_it_came(api, wireroom) -> None:
    api.answer = lambda _: (200, _page())
    assert wireroom("search", "petra", "--json", "--index-url", api.url).json == _page()


def test_nothing_found_is_no_failure(api, wireroom) -> None:
    api.answer = lambda _: (200, _page(hits=[], total=0, facets={}, next_cursor=None))
    done = wireroom("search", "zzz", "--index-url", api.url)
    assert done.code == 0 and "Nothing found" in done.out


def test_a_bad_query_is_told_in_the_words_of_the_service(api, wireroom) -> None:
    problem = {"detail": "query/q: unclosed quote.", "errors": [{"pointer": "query/q", "detail": "column 5"}]}
    api.answer = lambda _: (400, problem)
    done = wireroom("search", '"x', "--index-url", api.url)
    assert done.code == 1 and "unclosed quote" in done.err and "column 5" in done.err


def test_a_fault_of_the_query_is_pointed_at(api, wireroom) -> None:
    query = "紅 " + "x" * 120 + ' AND "y'
    problem = {
        "type": "/problems/query-syntax",
        "detail": f"this quote is not closed (at character 128)\n{query}\n{' ' * 127}^",
        "errors": [{"pointer": "query/q", "detail": "this quote is not closed", "position": 127}],
    }
    api.answer = lambda _: (400, problem)
    first, excerpt, caret = wireroom("search", query, "--strict", "--index-url", api.url).err.splitlines()
    assert first == "✗ the query is not understood: this quote is not closed (at character 128)"
    assert excerpt[caret.index("^")] == '"' and len(excerpt) <= 100


def test_near_duplicates_are_named_under_their_hit(api, wireroom) -> None:
    page = _page()
    copies = [{"id": str(n), "source": name} for n, name in enumerate(("AP", "AFP", "AP"))]
    page["hits"][0]["duplicates"] = {"count": 3, "sources": 2, "articles": copies}
    api.answer = lambda _: (200, page)
    assert "also in 2 outlets: AP, AFP" in wireroom("search", "x", "--index-url", api.url).out
    page["hits"][0]["duplicates"] |= {"count": 40, "sources": 12}
    assert "also in 12 outlets: AP, AFP +10" in wireroom("search", "x", "--index-url", api.url).out
    page["hits"][0]["duplicates"] |= {"count": 2, "sources": 0, "articles": []}
    assert "2 more articles by the same outlet" in wireroom("search", "x", "--index-url", api.url).out


def test_another_spelling_is_offered_when_nothing_is_found(api, wireroom) -> None:
    meant = {"q": "xi jinping's", "total": 12}
    api.answer = lambda _: (200, _page(hits=[], total=0, facets={}, next_cursor=None, did_you_mean=meant))
    out = wireroom("search", "xi jinpin's", "--index-url", api.url).out
    assert "Did you mean xi jinping's? (12 articles)" in out
    assert """search 'xi jinping'"'"'s'""" in out


def test_facets_that_are_asked_for_are_drawn_by_their_share(api, wireroom) -> None:
    facets = {
        "sources": [{"value": "AP", "label": "AP", "count": 8_000}, {"value": "AFP", "count": 2_000}],
        "sentiment": [{"value": "negative", "label": "negative", "count": 1}],
        "persons": [],
    }
    api.answer = lambda _: (200, _page(facets=facets))
    out = wireroom("search", "x", "--facets", "sources,sentiment, persons", "--index-url", api.url).out
    assert api.requests[0].query["facets"] == ["sources,sentiment, persons"]
    assert re.search(r"AP +████████ 8,000 +negative +████████ 1\n", out)
    assert re.search(r"AFP +██ +2,000\n", out)
    assert re.search(r"People\nnone", out) and "Often named" not in out


def test_a_timeline_is_drawn_of_the_same_search(api, wireroom) -> None:
    buckets = [
        {"start": "2026-11-01T00:00:00Z", "count": 1, "sentiment": -0.4},
        {"start": "2026-11-02T00:00:00Z", "count": 0, "sentiment": None},
        {"start": "2026-11-03T00:00:00Z", "count": 8, "sentiment": 0.5},
    ]
    timeline = {"interval": "day", "buckets": buckets, "total": 9}
    api.answer = lambda request: (200, timeline if request.path == "/v1/timeline" else _page())
    out = wireroom(
        "search", "x", "--source", "AP", "--sort", "newest", "--timeline", "--index-url", api.url
    ).out
    assert api.requests[1].query == {"q": ["x"], "source": ["AP"], "lenient": ["true"]}
    assert "▁▁▁▁    ████" in out and "most on 3 Nov 2026: 8 · mean tone +0.40" in out


def _two_pages(request: Any) -> tuple[int, Any]:
    if "cursor" not in request.query:
        return 200, {"hits": [{"id": "1"}, {"id": "2"}], "next_cursor": "c1", "warnings": ["read so"]}
    return 200, {"hits": [{"id": "3"}], "next_cursor": None, "warnings": ["read so"]}


def test_all_follows_the_cursors_and_prints_a_hit_a_line(api, wireroom) -> None:
    api.answer = _two_pages
    done = wireroom("search", "x", "--all", "--json", "--index-url", api.url)
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == ["1", "2", "3"]
    first, second = (request.query for request in api.requests)
    assert first["size"] == ["100"] and first["sort"] == ["newest"] and first["collapse"] == ["false"]
    assert second == first | {"cursor": ["c1"]}


def test_all_counts_through_and_warns_once(api, wireroom) -> None:
    api.answer = _two_pages
    out = wireroom("search", "x", "--all", "--index-url", api.url).out
    assert out.count("read so") == 1 and " 3 (no title)" in out


def test_a_hit_is_opened_by_its_number(api, wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    api.answer = lambda _: (200, _page())
    wireroom("search", "petra", "--open", "1", "--index-url", api.url)
    assert opened == [f"{api.url}/articles/{ID}"]
    done = wireroom("search", "petra", "--open", "2", "--index-url", api.url)
    assert done.code == 1 and "no hit 2 to open: 1 hit came" in done.err


def test_without_a_browser_the_address_is_printed(api, wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    api.answer = lambda _: (200, _page())
    assert f"{api.url}/articles/{ID}\n" in wireroom("search", "x", "--open", "1", "--index-url", api.url).out


@pytest.mark.parametrize(
    "arguments",
    [
        ("--all", "--open", "1"),
        ("--all", "--timeline"),
        ("--json", "--timeline"),
        ("--open", "0"),
        ("--sort", "best"),
        ("--sentiment", "angry"),
        ("--size", "0"),
        ("--size", "101"),
        ("--nope",),
    ],
)
def test_wrong_usage_exits_with_2(wireroom, arguments: tuple[str, ...]) -> None:
    assert wireroom("search", "x", *arguments).code == 2


def test_text_from_outside_cannot_steer_the_terminal(api, wireroom) -> None:
    page = _page()
    page["hits"][0] |= {"highlights": None, "title": "\x1b]0;owned\x07Title", "source": "[red]\x9b31m"}
    api.answer = lambda _: (200, page)
    out = wireroom("search", "x", "--index-url", api.url).out
    assert "\x1b]0" not in out and "\x07" not in out and "\x9b" not in out and "[red]" in out


def test_a_name_from_outside_stays_on_its_line_and_turns_no_direction(api, wireroom) -> None:
    page = _page()
    page["hits"][0] |= {"highlights": None, "source": "Post\n2 \u202eecruoS\u2066", "title": "On\u2028e"}
    api.answer = lambda _: (200, page)
    out = wireroom("search", "x", "--index-url", api.url).out
    assert "Post 2 ecruoS · " in out and "On e" in out
    assert not set("\u202e\u2066\u2028") & set(out)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"hits": [{}], "total": 1}'])
def test_an_odd_answer_is_no_crash(api, wireroom, body: bytes) -> None:
    api.answer = lambda _: (200, body)
    done = wireroom("search", "x", "--index-url", api.url)
    assert done.code in {0, 1} and "Traceback" not in done.err


def test_nothing_listening_says_how_to_start_it(wireroom) -> None:
    done = wireroom("search", "x", "--index-url", "http://127.0.0.1:1")
    assert done.code == 1 and "index does not answer" in done.err and "wireroom up" in done.err


def test_an_address_that_is_no_url_is_told(wireroom) -> None:
    done = wireroom("search", "x", "--index-url", "localhost:8003")
    assert done.code == 1 and "is not an http(s) URL" in done.err
