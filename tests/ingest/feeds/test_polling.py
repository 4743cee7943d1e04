"""Polling through the service: what is new becomes articles, once, whatever the feed and its host do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.feeds.store import DUE, feed_key
from tests.ingest.conftest import Start
from tests.ingest.feeds.support import add, added_and_polled, feed, feed_response, item, poll, polled, rss
from tests.shared.fetch.support import WebServer, redirect, response
from tests.support import eventually

BOMB = "<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]><rss>&d;</rss>"
Events = Callable[[], Awaitable[list[dict[str, Any]]]]


class TestEntries:
    async def test_entries_of_a_feed_become_articles_oldest_first(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(2), item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["state"], told["title"], told["format"]) == ("active", "Example Wire", "rss")
        assert told["last_entries"] == {"new": 2, "changed": 0, "unchanged": 0, "skipped": {}}
        first, second = await events()
        assert first["article"]["url"] == "https://news.example/1"
        assert second["article"] == second["article"] | {
            "title": "Ministers meet for the 2th time",
            "html": "<p>They met for the 2th time on Monday.</p>",
            "publisher_id": "news-2",
            "source": "Example Wire",
            "published_at": "2023-06-19T14:00:00Z",
        }
        assert first["provenance"] == {"door": "feed", "fetched_from": web.url("/feed"), "versions": {}}

    async def test_unchanged_entries_are_not_submitted_again_and_an_edited_one_is_the_next_revision(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(2), item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        web.answers["/feed"] = feed_response(rss(item(3), item(2, "Ministers meet, and agree"), item(1)))
        told = await poll(ingest, told["id"])
        assert told["last_entries"] == {"new": 1, "changed": 1, "unchanged": 1, "skipped": {}}
        assert told["entries"]["new"] == 3
        first, second, edited, third = await events()
        assert (edited["article_id"], edited["revision"]) == (second["article_id"], 2)
        assert edited["article"]["title"] == "Ministers meet, and agree"
        assert (first["revision"], third["revision"]) == (1, 1)

    async def test_an_entry_keeps_its_article_when_its_link_changes_and_its_guid_does_not(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        web.answers["/feed"] = feed_response(rss(item(1, link="https://news.example/1-ministers-agree")))
        await poll(ingest, told["id"])
        before, after = await events()
        assert (after["article_id"], after["revision"]) == (before["article_id"], 2)
        assert after["article"]["url"].endswith("ministers-agree")

    async def test_the_same_page_in_two_feeds_and_by_another_door_is_one_article(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/world"] = feed_response(rss(item(1), title="World"))
        web.answers["/top"] = feed_response(
            rss(item(1, guid="other", link="https://news.example/1?utm_source=rss"))
        )
        await added_and_polled(ingest, web.url("/world"), source="Example Wire")
        await added_and_polled(ingest, web.url("/top"), source="Example Wire")
        article = {"url": "https://news.example/1#top", "title": "Ministers meet", "body": "They met."}
        await ingest.post("/v1/articles", json=article)
        assert len({event["article_id"] for event in await events()}) == 1

    async def test_guids_that_tell_nothing_lose_no_entry(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        items = (item(1, guid="same"), item(2, guid="same"), item(3, guid="same"), item(3, guid="same"))
        web.answers["/feed"] = feed_response(rss(*items))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert told["last_entries"] == {"new": 3, "changed": 0, "unchanged": 0, "skipped": {"double": 1}}
        assert len({event["article_id"] for event in await events()}) == 3
        told = await poll(ingest, told["id"])
        assert len(await events()) == 3

    async def test_entries_that_share_a_link_are_articles_of_their_own(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        items = [item(n, link="https://news.example/live") for n in (1, 2)]
        items += [item(n, link="https://news.example/") for n in (3, 4)]
        web.answers["/feed"] = feed_response(rss(*items))
        await added_and_polled(ingest, web.url("/feed"))
        assert len({event["article_id"] for event in await events()}) == 4

    async def test_an_entry_without_text_is_a_counted_skip_and_its_neighbours_are_taken(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss("<item><link>https://news.example/0</link></item>", item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert told["last_entries"] == {"new": 1, "changed": 0, "unchanged": 0, "skipped": {"no-text": 1}}
        assert len(await events()) == 1

    async def test_dates_that_cannot_be_right_hold_up_no_entry(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        dates = (
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Tue, 01 Dec 2099 00:00:00 GMT",
            "the other day",
            "0001-01-01",
        )
        items = (item(number, pubDate=date) for number, date in enumerate(dates))
        web.answers["/feed"] = feed_response(rss(*items))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert told["last_entries"]["new"] == 4
        by_url = {event["article"]["url"][-1]: event["article"] for event in await events()}
        assert by_url["0"]["published_at"] == "1970-01-01T00:00:00Z"
        assert by_url["2"]["extra"]["unread_dates"] == ["the other day"]


class TestConditions:
    async def test_validators_are_sent_back_and_a_304_changes_nothing(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        headers = ('etag: W/"one"', "last-modified: Mon, 19 Jun 2023 14:00:00 GMT")
        web.answers["/feed"] = feed_response(rss(item(1)), *headers)
        told = await added_and_polled(ingest, web.url("/feed"))
        web.answers["/feed"] = b"HTTP/1.1 304 Not Modified\r\n\r\n"
        told = await poll(ingest, told["id"])
        assert (told["last_outcome"], told["last_status"], told["state"]) == ("not_modified", 304, "active")
        sent = web.requests[-1].lower()
        assert b'if-none-match: w/"one"\r\n' in sent
        assert b"if-modified-since: mon, 19 jun 2023 14:00:00 gmt\r\n" in sent
        assert len(await events()) == 1

    async def test_the_same_bytes_are_not_read_again(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (await poll(ingest, told["id"]))["last_outcome"] == "unchanged"

    async def test_a_feed_moves_once_two_polls_were_redirected_for_good(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/old"] = redirect("/new", "301 Moved Permanently")
        web.answers["/new"] = feed_response(rss(item(1)))
        told = await added_and_polled(ingest, web.url("/old"))
        assert (told["url"], told["moved_to"]) == (web.url("/old"), web.url("/new"))
        told = await poll(ingest, told["id"])
        assert (told["url"], told["moved_to"]) == (web.url("/new"), None)
        assert told["added_url"] == web.url("/old")
        await poll(ingest, told["id"])
        assert web.paths()[-1] == "/new"
        assert len(await events()) == 1
        # Under either URL it is known.
        assert (await add(ingest, web.url("/old")))["id"] == told["id"]
        assert (await add(ingest, web.url("/new")))["id"] == told["id"]

    async def test_a_redirect_for_now_moves_nothing(self, ingest: httpx2.AsyncClient, web: WebServer) -> None:
        web.answers |= {"/old": redirect("/new"), "/new": feed_response(rss(item(1)))}
        told = await added_and_polled(ingest, web.url("/old"))
        for _ in range(3):
            told = await poll(ingest, told["id"])
        assert (told["url"], told["moved_to"]) == (web.url("/old"), None)

    async def test_a_feed_that_moves_onto_another_is_stopped_and_says_so(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/new"] = feed_response(rss(item(1)))
        web.answers["/old"] = redirect("/new", "308 Permanent Redirect")
        other = await added_and_polled(ingest, web.url("/new"))
        told = await added_and_polled(ingest, web.url("/old"))
        told = await poll(ingest, told["id"])
        assert told["state"] == "stopped" and other["id"] in told["stopped"]
        assert told["next_poll_at"] is None
        assert len(await events()) == 1

    async def test_a_feed_that_is_gone_is_polled_no_more_until_it_is_asked_for(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/feed"] = response(status="410 Gone")
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["state"], told["last_status"], told["next_poll_at"]) == ("stopped", 410, None)
        web.answers["/feed"] = feed_response(rss(item(1)))
        told = await poll(ingest, told["id"])
        assert told["state"] == "active" and told["next_poll_at"]

    async def test_a_json_feed_that_has_ended_is_stopped(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        document = '{"version": "https://jsonfeed.org/version/1", "title": "x", "items": [], "expired": true}'
        web.answers["/feed"] = feed_response(document)
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["state"], told["next_poll_at"]) == ("stopped", None) and "ended" in told["stopped"]


class TestFailures:
    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            pytest.param(response(status="500 Internal Server Error"), "status", id="error"),
            pytest.param(response(status="404 Not Found"), "status", id="missing"),
            pytest.param(response("<html><p>Not a feed</p></html>"), "malformed", id="a page"),
            pytest.param(feed_response(BOMB), "malformed", id="bomb"),
            pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", "failed", id="cut off"),
            pytest.param(redirect("/feed"), "failed", id="circle"),
            pytest.param(redirect("http://169.254.169.254/"), "refused", id="to the metadata service"),
        ],
    )  # fmt: skip
    async def test_a_failure_is_told_and_tried_again_ever_later(
        self, ingest: httpx2.AsyncClient, web: WebServer, answer: bytes, outcome: str
    ) -> None:
        web.answers["/feed"] = answer
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["state"], told["last_outcome"], told["errors_in_row"]) == ("failing", outcome, 1)
        assert told["last_error"] and told["next_poll_at"]
        again = await poll(ingest, told["id"])
        assert again["errors_in_row"] == 2
        web.answers["/feed"] = feed_response(rss(item(1)))
        mended = await poll(ingest, told["id"])
        assert (mended["state"], mended["last_error"], mended["errors_in_row"]) == ("active", None, 0)

    async def test_retry_after_is_kept_to(
        self, ingest: httpx2.AsyncClient, web: WebServer, redis: Redis
    ) -> None:
        web.answers["/feed"] = response("", "retry-after: 7200", status="429 Too Many Requests")
        told = await added_and_polled(ingest, web.url("/feed"))
        assert told["last_outcome"] == "limited"
        due, now = await redis.zscore(DUE, told["id"]), (await redis.time())[0]
        assert due is not None and 6300 < due / 1000 - now < 8000

    async def test_an_endless_feed_is_left_at_the_limit(self, start_ingest: Start, web: WebServer) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\n\r\n<rss><channel>")
            while True:
                writer.write(b"<item><title>more</title></item>" * 1000)
                await writer.drain()

        web.answers["/feed"] = endless
        ingest = await start_ingest(fetch_allow_hosts=web.host, feed_max_bytes=1 << 20)
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["last_outcome"], told["errors_in_row"]) == ("failed", 1)

    async def test_a_full_pipeline_puts_a_poll_off_and_loses_nothing(
        self, start_ingest: Start, web: WebServer, redis: Redis, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        ingest = await start_ingest(fetch_allow_hosts=web.host, high_water_entries=1, low_water_entries=0)
        article = {"title": "One", "body": "An article that fills the pipeline."}
        await ingest.post("/v1/articles", json=article)
        await eventually(lambda: _is_full(ingest))
        told = await added_and_polled(ingest, web.url("/feed"))
        assert (told["last_outcome"], told["errors_in_row"], told["etag"]) == ("full", 0, None)
        await redis.xgroup_setid("articles.raw.{0}", "enrich", "$")
        await eventually(lambda: _is_ready(ingest))
        told = await poll(ingest, told["id"])
        assert told["last_entries"]["new"] == 1
        assert len(await events()) == 2


async def _is_full(ingest: httpx2.AsyncClient) -> bool:
    return (await ingest.get("/readyz")).status_code == 503


async def _is_ready(ingest: httpx2.AsyncClient) -> bool:
    return (await ingest.get("/readyz")).status_code == 200


class TestReplicas:
    async def test_one_of_several_replicas_polls_a_feed(
        self, start_ingest: Start, web: WebServer, events: Events
    ) -> None:
        async def slow(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(1.5)
            writer.write(feed_response(rss(item(1)), "connection: close"))
            await writer.drain()

        web.answers["/feed"] = slow
        replicas = [await start_ingest(fetch_allow_hosts=web.host) for _ in range(3)]
        await added_and_polled(replicas[0], web.url("/feed"))
        assert web.paths() == ["/feed"]
        assert len(await events()) == 1

    async def test_a_poller_that_died_is_followed_by_another_and_doubles_nothing(
        self, ingest: httpx2.AsyncClient, web: WebServer, redis: Redis, events: Events
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        told = await added_and_polled(ingest, web.url("/feed"))
        # As it is when a process was killed after its submits, before it remembered any of it.
        await redis.delete(f"{feed_key(told['id'])}:seen")
        state = await redis.hget(feed_key(told["id"]), "state")
        assert state is not None
        await redis.hset(feed_key(told["id"]), "state", state.replace(b"body_digest", b"other"))
        await redis.hset(feed_key(told["id"]), "lease", "1")
        await redis.zadd(DUE, {told["id"]: 1})
        told = await polled(ingest, told["id"], told["polls"] + 1)
        assert told["last_entries"]["new"] == 1
        assert [event["revision"] for event in await events()] == [1]

    async def test_a_feed_that_is_removed_while_it_is_polled_does_not_come_back(
        self, ingest: httpx2.AsyncClient, web: WebServer, redis: Redis
    ) -> None:
        async def slow(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.8)
            writer.write(feed_response(rss(item(1)), "connection: close"))
            await writer.drain()

        web.answers["/feed"] = slow
        told = await add(ingest, web.url("/feed"))
        await eventually(lambda: web.requests)
        assert (await ingest.delete(f"/v1/feeds/{told['id']}")).status_code == 204
        await asyncio.sleep(1.5)
        assert (await ingest.get("/v1/feeds")).json()["feeds"] == []
        assert await redis.zcard(DUE) == 0
        assert not await redis.exists(feed_key(told["id"]))

    async def test_poll_now_during_a_poll_polls_again_after_it(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        async def slow(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.8)
            writer.write(feed_response(rss(item(1)), "connection: close"))
            await writer.drain()

        web.answers["/feed"] = slow
        told = await add(ingest, web.url("/feed"))
        await eventually(lambda: web.requests)
        told = await poll(ingest, told["id"])
        assert told["polls"] == 2 and len(web.requests) == 2
        assert (await feed(ingest, told["id"]))["polling"] is False
