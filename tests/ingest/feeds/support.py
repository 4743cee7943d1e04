"""Feeds of a test's own, and polling them through the service as its users do."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.shared.fetch.support import response
from tests.support import eventually

RSS_TYPE = "application/rss+xml; charset=utf-8"


def item(number: int, title: str | None = None, **fields: str) -> str:
    """Return an RSS item; `fields` replace or add elements."""
    elements = {
        "title": title or f"Ministers meet for the {number}th time",
        "link": f"https://news.example/{number}",
        "guid": f"news-{number}",
        "description": f"&lt;p&gt;They met for the {number}th time on Monday.&lt;/p&gt;",
        "pubDate": "Mon, 19 Jun 2023 14:00:00 GMT",
    } | fields
    return (
        "<item>" + "".join(f"<{name}>{text}</{name}>" for name, text in elements.items() if text) + "</item>"
    )


def rss(*items: str, title: str = "Example Wire", head: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<channel><title>{title}</title><link>https://news.example/</link>{head}{''.join(items)}</channel></rss>"
    )


def feed_response(body: str, *headers: str, status: str = "200 OK") -> bytes:
    return response(body, *headers, status=status, type_=RSS_TYPE)


async def add(ingest: httpx2.AsyncClient, url: str, **fields: Any) -> dict[str, Any]:
    answer = await ingest.post("/v1/feeds", json={"url": url, **fields})
    assert answer.status_code in (200, 201), answer.text
    told: dict[str, Any] = answer.json()
    return told


async def feed(ingest: httpx2.AsyncClient, id_: str) -> dict[str, Any]:
    told: dict[str, Any] = (await ingest.get(f"/v1/feeds/{id_}")).json()
    return told


async def polled(ingest: httpx2.AsyncClient, id_: str, polls: int) -> dict[str, Any]:
    """Return the feed once it was polled that often."""

    async def enough() -> dict[str, Any] | None:
        told = await feed(ingest, id_)
        return told if told["polls"] >= polls else None

    found: dict[str, Any] = await eventually(enough, within_s=20, what=f"{polls} polls")
    return found


async def added_and_polled(ingest: httpx2.AsyncClient, url: str, **fields: Any) -> dict[str, Any]:
    told = await add(ingest, url, **fields)
    return await polled(ingest, told["id"], 1)


async def poll(ingest: httpx2.AsyncClient, id_: str) -> dict[str, Any]:
    """Poll a feed now, and return it after that."""
    (asked,) = (await ingest.post(f"/v1/feeds/{id_}/poll")).json()["feeds"]
    return await polled(ingest, id_, asked["polls"])
