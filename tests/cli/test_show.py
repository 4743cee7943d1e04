from __future__ import annotations

from typing import Any

import pytest

ID = "a" * 32
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
