"""Feeds that carry summaries only, and sitemaps, which carry nothing: the pages are fetched."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from tests.ingest.feeds.support import added_and_polled, feed_response, item, poll, rss
from tests.ingest.fetching.pages import PARAGRAPH, page
from tests.shared.fetch.support import WebServer, response

Events = Callable[[], Awaitable[list[dict[str, Any]]]]


async def test_the_page_of_an_entry_is_its_text_and_the_feed_says_the_rest(
    ingest: httpx2.AsyncClient, web: WebServer, events: Events
) -> None:
    web.answers["/1"] = response(page())
    web.answers["/feed"] = feed_response(rss(item(1, link=web.url("/1?utm_source=rss"))))
    web.answers["/1?utm_source=rss"] = web.answers["/1"]
    told = await added_and_polled(ingest, web.url("/feed"), full_text=True)
    (event,) = await events()
    article = event["article"]
    assert PARAGRAPH.strip() in article["html"] and article["title"] == "Ministers meet for the 1th time"
    assert "They met for the 1th time" in article["extra"]["summary"]
    assert event["provenance"]["fetched_from"] == web.url("/1?utm_source=rss")
    # The same article as by POST /v1/urls.
    answer = (await ingest.post("/v1/urls", json={"url": web.url("/1")})).json()
    assert answer["id"] == event["article_id"]
    fetched = web.paths().count("/1?utm_source=rss")
    await poll(ingest, told["id"])
    assert web.paths().count("/1?utm_source=rss") == fetched


async def test_a_page_that_robots_may_not_see_leaves_the_summary(
    ingest: httpx2.AsyncClient, web: WebServer, events: Events
) -> None:
    web.answers["/robots.txt"] = response("User-agent: *\nDisallow: /", type_="text/plain")
    web.answers["/1"] = response(page())
    web.answers["/feed"] = feed_response(rss(item(1, link=web.url("/1"))))
    told = await added_and_polled(ingest, web.url("/feed"), full_text=True)
    assert told["last_entries"] == {"new": 1, "changed": 0, "unchanged": 0, "skipped": {"page": 1}}
    assert "/1" not in web.paths()
    (event,) = await events()
    assert "They met" in event["article"]["html"]


async def test_a_page_that_failed_for_now_is_asked_for_again_and_makes_a_revision(
    ingest: httpx2.AsyncClient, web: WebServer, events: Events
) -> None:
    web.answers["/1"] = response(status="503 Service Unavailable")
    web.answers["/feed"] = feed_response(rss(item(1, link=web.url("/1"))), 'etag: "x"')
    told = await added_and_polled(ingest, web.url("/feed"), full_text=True)
    assert told["last_entries"]["skipped"] == {"page": 1} and told["etag"] is None
    web.answers["/1"] = response(page())
    await poll(ingest, told["id"])
    first, second = await events()
    assert (second["article_id"], second["revision"]) == (first["article_id"], 2)
    assert PARAGRAPH.strip() in second["article"]["html"]


async def test_a_page_that_keeps_failing_is_given_up(ingest: httpx2.AsyncClient, web: WebServer) -> None:
    web.answers["/1"] = response(status="500 Internal Server Error")
    web.answers["/feed"] = feed_response(rss(item(1, link=web.url("/1"))))
    told = await added_and_polled(ingest, web.url("/feed"), full_text=True)
    for _ in range(4):
        told = await poll(ingest, told["id"])
    assert web.paths().count("/1") == 3
    assert told["last_outcome"] == "unchanged"


async def test_the_pages_of_a_sitemap_index_become_articles(
    ingest: httpx2.AsyncClient, web: WebServer, events: Events
) -> None:
    def sitemap(*numbers: int) -> bytes:
        urls = "".join(f"<url><loc>{web.url(f'/{n}')}</loc></url>" for n in numbers)
        return feed_response(f"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>")

    members = "".join(
        f"<sitemap><loc>{web.url(f'/{name}.xml')}</loc></sitemap>" for name in ("a", "b", "gone")
    )
    web.answers |= {
        "/index.xml": feed_response(f"<sitemapindex>{members}</sitemapindex>"),
        "/a.xml": sitemap(1, 2),
        "/b.xml": sitemap(3, 4),
        **{f"/{n}": response(page(f"Article number {n}")) for n in (1, 2, 3)},
    }
    told = await added_and_polled(ingest, web.url("/index.xml"), source="Wire")
    assert told["last_entries"]["new"] == 3
    assert told["last_entries"]["skipped"] == {"member": 1, "page": 1, "no-text": 1}
    assert {event["article"]["source"] for event in await events()} == {"Wire"}


async def test_an_index_is_read_again_though_only_its_members_have_changed(
    ingest: httpx2.AsyncClient, web: WebServer, events: Events
) -> None:
    def sitemap(*numbers: int) -> bytes:
        urls = "".join(
            f"<url><loc>https://news.example/{n}</loc><n:news><n:title>Story {n}</n:title></n:news></url>"
            for n in numbers
        )
        return feed_response(
            "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' "
            f"xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'>{urls}</urlset>"
        )

    index = f"<sitemapindex><sitemap><loc>{web.url('/a.xml')}</loc></sitemap></sitemapindex>"
    web.answers |= {"/index.xml": feed_response(index, 'etag: "x"'), "/a.xml": sitemap(1)}
    told = await added_and_polled(ingest, web.url("/index.xml"), full_text=False)
    web.answers["/a.xml"] = sitemap(2, 1)
    told = await poll(ingest, told["id"])
    assert (told["format"], told["last_entries"]["new"], told["last_entries"]["unchanged"]) == (
        "sitemap-index",
        1,
        1,
    )
    assert [event["article"]["title"] for event in await events()] == ["Story 1", "Story 2"]
