"""ninjs and NewsML-G2 over HTTP: the same answers, receipts and takedowns as for our own JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.ingest.formats.test_ninjs import TEXT

ITEM = (Path(__file__).parents[2] / "data" / "newsml" / "news_item.xml").read_bytes()
Events = Callable[[], Awaitable[list[dict[str, Any]]]]
CANCELED = {"uri": TEXT["uri"], "pubStatus": "canceled", "version": "5"}


async def test_ninjs_is_accepted_once_and_comes_through_its_own_door(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    first = await ingest.post("/v1/articles", json=TEXT)
    assert (first.status_code, first.json()["status"], first.json()["revision"]) == (202, "accepted", 4)
    again = (await ingest.post("/v1/articles", json=TEXT)).json()
    assert (again["status"], again["id"]) == ("duplicate", first.json()["id"])
    (event,) = await events()
    assert event["provenance"] | {"versions": {}} == {"door": "ninjs", "format": "ninjs 3.x", "versions": {}}
    receipt = (await ingest.get(first.json()["status_url"])).json()
    assert receipt["status"] == "accepted"


async def test_an_older_version_is_told_from_a_newer_one(ingest: httpx2.AsyncClient) -> None:
    await ingest.post("/v1/articles", json=TEXT)
    older = (await ingest.post("/v1/articles", json=TEXT | {"version": "3", "title": "old"})).json()
    assert (older["status"], older["revision"], older["detail"]) == (
        "duplicate", 4, "a later version is already here",
    )  # fmt: skip
    newer = (await ingest.post("/v1/articles", json=TEXT | {"version": "5"})).json()
    assert (newer["status"], newer["revision"]) == ("accepted", 5)


async def test_a_cancellation_that_says_no_more_than_the_uri_takes_down(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    first = (await ingest.post("/v1/articles", json=TEXT)).json()
    canceled = await ingest.post("/v1/articles", json=CANCELED)
    assert (canceled.status_code, canceled.json()["id"]) == (202, first["id"])
    assert [event["type"] for event in await events()] == ["ArticleSubmitted", "ArticleRetracted"]
    again = await ingest.post("/v1/articles", json=TEXT | {"version": "6"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/taken-down")
    restored = await ingest.post("/v1/articles?restore=true", json=TEXT | {"version": "6"})
    assert restored.json()["status"] == "accepted"


async def test_what_is_withheld_gives_way_to_the_next_usable_version(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    await ingest.post("/v1/articles", json=TEXT)
    await ingest.post("/v1/articles", json=TEXT | {"version": "5", "pubStatus": "withheld"})
    assert [event.get("withheld") for event in await events()] == [None, True]
    usable = (await ingest.post("/v1/articles", json=TEXT | {"version": "6"})).json()
    assert (usable["status"], usable["revision"]) == ("accepted", 6)


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.iptc.g2.newsitem+xml", "application/xml", "text/xml", "application/json", "text/plain"],
)
async def test_a_news_item_is_accepted_whatever_its_media_type(
    media_type: str, ingest: httpx2.AsyncClient, events: Events
) -> None:
    answer = await ingest.post("/v1/articles", content=ITEM, headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["revision"]) == (202, 3)
    (event,) = await events()
    assert (event["provenance"]["door"], event["provenance"]["format"]) == ("api", "NewsML-G2")


async def test_formats_may_be_mixed_in_a_batch(ingest: httpx2.AsyncClient) -> None:
    lines = [TEXT, {"title": "Ours", "body": "B"}, {"uri": "urn:x:1", "random": 1}, {"headline": "Ours, too"}]
    batch = (await ingest.post("/v1/articles/batch", content="\n".join(map(json.dumps, lines)))).json()
    assert [result["status"] for result in batch["results"]] == [
        "accepted",
        "accepted",
        "rejected",
        "accepted",
    ]
    assert batch["results"][2]["error"] == "random is no property of ninjs 3.x"


async def test_a_news_message_is_a_batch(ingest: httpx2.AsyncClient) -> None:
    other = b'<newsItem guid="urn:x:2"><contentMeta><headline>Other</headline></contentMeta></newsItem>'
    broken = b"<newsItem/>"
    message = b"<newsMessage><itemSet>%s%s%s</itemSet></newsMessage>" % (
        ITEM[ITEM.index(b"<newsItem") :], other, broken,
    )  # fmt: skip
    batch = (await ingest.post("/v1/articles/batch", content=message)).json()
    assert [(one["line"], one["status"]) for one in batch["results"]] == [
        (1, "accepted"), (2, "accepted"), (3, "rejected"),
    ]  # fmt: skip
    cut = (await ingest.post("/v1/articles/batch", content=message[:300])).json()
    assert (cut["rejected"], cut["results"][0]["error"][:19]) == (1, "The body is not XML")
