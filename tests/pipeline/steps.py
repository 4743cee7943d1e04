"""What the tests of the whole way do over and over: submit, wait, search."""

from __future__ import annotations

import uuid
from typing import Any

import httpx2

from tests.support import eventually

Json = dict[str, Any]


def story(word: str | None = None, **fields: Any) -> Json:
    """Return an article that no other test submits; `word` is what to find it by."""
    word = word or f"zq{uuid.uuid4().hex[:12]}"
    return {
        "url": f"https://wire.example/{word}",
        "title": f"Harbour commission approves {word} pier",
        "body": f"The commission said the {word} pier will open in Rotterdam next spring. "
        "Mayor Ilse Verhoeven welcomed the decision on Tuesday.",
        "source": "Harbour Post",
        "published_at": "2026-11-20T08:00:00Z",
        "language": "en",
    } | fields


def word_of(article: Json) -> str:
    return str(article["url"]).rsplit("/", 1)[1]


async def submit(ingest: httpx2.AsyncClient, article: Json, **params: str) -> Json:
    response = await ingest.post("/v1/articles", json=article, params=params)
    assert response.status_code == 202, response.text
    document: Json = response.json()
    return document


async def receipt(ingest: httpx2.AsyncClient, article_id: str) -> Json:
    response = await ingest.get(f"/v1/articles/{article_id}/receipt")
    assert response.status_code == 200, response.text
    document: Json = response.json()
    return document


async def wait_for(ingest: httpx2.AsyncClient, answer: Json, status: str = "indexed") -> Json:
    """Wait until the receipt of the submitted revision says `status`."""

    async def reached() -> Json | None:
        found = await receipt(ingest, answer["id"])
        return found if (found["status"], found["revision"]) == (status, answer["revision"]) else None

    found: Json = await eventually(reached, within_s=20, what=f"{answer} is not {status}")
    return found


async def search(index: httpx2.AsyncClient, query: str = "", **params: Any) -> Json:
    response = await index.get(
        "/v1/search", params={"q": query, "count": "exact", "collapse": "false"} | params
    )
    assert response.status_code == 200, response.text
    page: Json = response.json()
    return page


async def submit_and_wait(ingest: httpx2.AsyncClient, article: Json, **params: str) -> Json:
    answer = await submit(ingest, article, **params)
    await wait_for(ingest, answer)
    return answer
