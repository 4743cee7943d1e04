from __future__ import annotations

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
    }


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


@pytest.mark.parametrize(
    "arguments",
    [("--sort", "best"), ("--sentiment", "angry"), ("--size", "0"), ("--size", "101"), ("--nope",)],
)
def test_wrong_usage_exits_with_2(wireroom, arguments: tuple[str, ...]) -> None:
    assert wireroom("search", "x", *arguments).code == 2


def test_text_from_outside_cannot_steer_the_terminal(api, wireroom) -> None:
    page = _page()
    page["hits"][0] |= {"highlights": None, "title": "\x1b]0;owned\x07Title", "source": "[red]\x9b31m"}
    api.answer = lambda _: (200, page)
    out = wireroom("search", "x", "--index-url", api.url).out
    assert "\x1b]0" not in out and "\x07" not in out and "\x9b" not in out and "[red]" in out


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


ARTICLE = {
    "id": ID,
    "title": "Petra nears",
    "body": "First.\n\nSecond.",
    "source": "Gulf Tribune",
    "url": "https://x.example/1",
    "authors": ["A. Writer"],
    "published_at": "2024-09-26T00:00:00Z",
    "sentiment": {"label": "neutral", "score": 0.0},
    "entities": [{"canonical": "Cedar Key", "label": "GPE", "count": 2}],
    "keyphrases": [{"text": "storm surge", "score": 1}],
    "quotes": [{"text": "Board up", "start": 0, "end": 8, "kind": "direct", "speaker": "Jo Cruz"}],
    "topics": [],
    "related": [{"kind": "similar", "title": "Petra kills 17", "why": "w"}],
    "story_id": "s1",
}
RECEIPT = {
    "id": ID,
    "revision": 1,
    "status": "indexed",
    "duplicates": 2,
    "timeline": [
        {"at": "2026-01-01T00:00:00Z", "stage": "accepted", "revision": 1},
        {"at": "2026-01-01T00:00:00.250Z", "stage": "indexed", "revision": 1},
    ],
}


def _both(article: tuple[int, Any], receipt: tuple[int, Any]):
    return lambda request: receipt if request.path.endswith("/receipt") else article


def test_an_article_is_shown_with_its_receipt(api, wireroom) -> None:
    api.answer = _both((200, ARTICLE), (200, RECEIPT))
    done = wireroom("show", ID, "--index-url", api.url, "--ingest-url", api.url)
    assert done.code == 0
    for words in (
        "Petra nears",
        "Gulf Tribune · 26 Sep 2024 · A. Writer",
        "Second.",
        "Cedar Key ×2",
        "storm surge",
        "Jo Cruz: Board up",
        "Petra kills 17",
        "+0.250 s",
        "submitted again ×2",
    ):
        assert words in done.out


@pytest.mark.parametrize(("status", "words"), [(410, "was taken down"), (404, "is not in the index")])
def test_an_article_that_is_not_served_still_has_its_receipt(api, wireroom, status: int, words: str) -> None:
    api.answer = _both((status, {"detail": "gone"}), (200, RECEIPT))
    done = wireroom("show", ID, "--index-url", api.url, "--ingest-url", api.url)
    assert done.code == 1 and words in done.out and "accepted" in done.out


def test_an_article_nobody_knows_is_told(api, wireroom) -> None:
    api.answer = _both((404, {}), (404, {}))
    done = wireroom("show", ID, "--index-url", api.url, "--ingest-url", api.url)
    assert done.code == 1 and f"no article {ID} is known" in done.err


def test_an_article_is_shown_without_ingest(api, wireroom) -> None:
    api.answer = lambda _: (200, ARTICLE)
    done = wireroom("show", ID, "--index-url", api.url, "--ingest-url", "http://127.0.0.1:1", "--json")
    assert done.code == 0 and done.json == {"article": ARTICLE, "receipt": None}
