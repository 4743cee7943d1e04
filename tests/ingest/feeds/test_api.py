"""Feeds over HTTP: add, list, change, remove; OPML in and out."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tests.ingest.conftest import Start
from tests.ingest.feeds.support import add, added_and_polled, feed_response, item, rss
from tests.shared.fetch.support import WebServer

KEY = "desk sha256:8c3f6a9a0c7d8a6a8c0e6a7ab1a7a1c1f1d4e8f6a2b0c9d7e5f3a1b2c3d4e5f6"


class TestAdding:
    async def test_a_feed_is_added_listed_and_removed(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        answer = await ingest.post("/v1/feeds", json={"url": web.url("/feed"), "source": " Wire "})
        assert answer.status_code == 201
        told = answer.json()
        assert answer.headers["location"] == f"/v1/feeds/{told['id']}"
        assert (told["url"], told["source"], told["state"]) == (web.url("/feed"), "Wire", "active")
        (listed,) = (await ingest.get("/v1/feeds")).json()["feeds"]
        assert listed["id"] == told["id"]
        assert (await ingest.delete(f"/v1/feeds/{told['id']}")).status_code == 204
        assert (await ingest.get("/v1/feeds")).json()["feeds"] == []
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/poll")):
            answer = await ingest.request(method, f"/v1/feeds/{told['id']}{path}")
            assert (answer.status_code, answer.json()["type"]) == (404, "/problems/feed-unknown")

    async def test_adding_again_changes_what_is_said_and_nothing_else(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        first = await add(ingest, web.url("/feed"), source="Wire", interval=60)
        answer = await ingest.post("/v1/feeds", json={"url": web.url("/feed"), "full_text": True})
        assert answer.status_code == 200
        told = answer.json()
        assert (told["id"], told["source"], told["interval"], told["full_text"]) == (
            first["id"],
            "Wire",
            60,
            True,
        )

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            pytest.param({}, "/url", id="no URL"),
            pytest.param({"url": 1}, "/url", id="no text"),
            pytest.param({"url": "file:///etc/passwd"}, "/url", id="another scheme"),
            pytest.param({"url": "https://n.example/", "interval": 0}, "/interval", id="interval"),
            pytest.param({"url": "https://n.example/", "full_text": "perhaps"}, "/full_text", id="full text"),
            pytest.param({"url": "https://n.example/", "source": ""}, "/source", id="source"),
        ],
    )
    async def test_a_wrong_field_is_named(self, ingest: httpx2.AsyncClient, body: Any, pointer: str) -> None:
        answer = await ingest.post("/v1/feeds", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:1/", "http://localhost/", "http://10.0.0.1/", "http://u:p@n.example/"]
    )
    async def test_private_hosts_are_refused_with_the_rule(
        self, ingest: httpx2.AsyncClient, url: str
    ) -> None:
        answer = await ingest.post("/v1/feeds", json={"url": url})
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/fetch-refused")

    async def test_feeds_need_a_key_where_submits_do(self, start_ingest: Start) -> None:
        ingest = await start_ingest(api_keys=KEY)
        for method, path in (
            ("GET", "/v1/feeds"), ("POST", "/v1/feeds"), ("DELETE", "/v1/feeds/0123456789abcdef"),
            ("POST", "/v1/feeds/poll"), ("GET", "/v1/feeds.opml"), ("POST", "/v1/feeds.opml"),
        ):  # fmt: skip
            assert (await ingest.request(method, path)).status_code == 401, path

    async def test_gauges_tell_of_feeds_by_state(self, ingest: httpx2.AsyncClient, web: WebServer) -> None:
        web.answers["/feed"] = feed_response(rss(item(1)))
        await added_and_polled(ingest, web.url("/feed"))
        metrics = (await ingest.get("/metrics")).text
        assert 'wireroom_feed_polls_total{outcome="read"} 1.0' in metrics
        assert 'wireroom_feed_entries_total{outcome="new"} 1.0' in metrics


class TestOpml:
    async def test_a_list_goes_out_and_comes_in_the_same(self, start_ingest: Start, web: WebServer) -> None:
        ingest = await start_ingest(fetch_allow_hosts=web.host)
        await add(ingest, web.url("/a"), source='A "&" B', interval=600, full_text=True)
        await add(ingest, web.url("/b"), full_text=False)
        answer = await ingest.get("/v1/feeds.opml")
        assert answer.headers["content-type"].startswith("text/x-opml")
        before = (await ingest.get("/v1/feeds")).json()["feeds"]
        for each in before:
            await ingest.delete(f"/v1/feeds/{each['id']}")
        result = (await ingest.post("/v1/feeds.opml", content=answer.content)).json()
        assert result == {"added": 2, "known": 0, "rejected": 0, "errors": []}
        after = (await ingest.get("/v1/feeds")).json()["feeds"]
        names = ("id", "url", "interval", "full_text")
        assert [[each[name] for name in names] for each in after] == [
            [each[name] for name in names] for each in before
        ]
        assert after[0]["source"] == 'A "&" B'

    async def test_a_list_of_another_reader_is_taken_and_what_cannot_be_is_told(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        opml = (
            f"<opml version='1.0'><body><outline text='News'><outline text='Wire' xmlURL='{web.url('/a')}'/>"
            f"<outline title='Wire again' xmlUrl='{web.url('/a')}'/><outline text='nothing'/>"
            "<outline text='x' xmlUrl='http://10.0.0.1/'/><outline text='y' xmlUrl='javascript:x'/>"
            "</outline></body></opml>"
        )
        answer = await ingest.post("/v1/feeds.opml", content=opml.encode())
        told = answer.json()
        assert (told["added"], told["known"], told["rejected"]) == (1, 0, 2)
        assert {each["url"] for each in told["errors"]} == {"http://10.0.0.1/", "javascript:x"}
        (listed,) = (await ingest.get("/v1/feeds")).json()["feeds"]
        assert listed["source"] == "Wire"

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"<html></html>", id="a page"),
            pytest.param(b"<!DOCTYPE o [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><opml>&b;</opml>", id="bomb"),
            pytest.param(b"<opml>" + b"<outline>" * 50_000, id="depth"),
            pytest.param(b"\xff\xfe\0", id="junk"),
        ],
    )
    async def test_what_is_no_list_is_refused(self, ingest: httpx2.AsyncClient, body: bytes) -> None:
        answer = await ingest.post("/v1/feeds.opml", content=body)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-opml")
