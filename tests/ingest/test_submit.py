"""`POST /v1/articles`, takedowns and receipts: what is accepted, as which revision, and what is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.app import BATCH_PATH
from shared.events import ArticleRetracted, ArticleSubmitted, decode_event
from shared.streams import EVENT_FIELD, RAW, article_key
from tests.ingest.conftest import ARTICLE, Start

Events = Callable[[], Awaitable[list[dict[str, Any]]]]


async def submit(client: httpx2.AsyncClient, query: str = "", **changes: Any) -> httpx2.Response:
    return await client.post(f"/v1/articles{query}", json={**ARTICLE, **changes})


async def outcome(client: httpx2.AsyncClient, query: str = "", **changes: Any) -> tuple[str, int]:
    response = await submit(client, query, **changes)
    if response.status_code != 202:
        return response.json()["type"].rpartition("/")[2], response.status_code
    return response.json()["status"], response.json()["revision"]


async def test_an_article_is_accepted_and_on_the_stream(ingest: httpx2.AsyncClient, events: Events) -> None:
    response = await submit(ingest, wordcount=9)
    assert response.status_code == 202
    answer = response.json()
    assert re.fullmatch(r"[0-9a-f]{32}", answer["id"])
    assert answer == {
        "id": answer["id"],
        "revision": 1,
        "status": "accepted",
        "status_url": f"/v1/articles/{answer['id']}/receipt",
    }
    assert response.headers["location"] == answer["status_url"]
    [event] = await events()
    assert event["article_id"] == answer["id"]
    assert event["article"]["canonical_url"] == "https://www.example.com/news/1"
    assert event["article"]["extra"] == {"wordcount": 9}
    assert event["provenance"] == {"door": "api", "versions": {}}


async def test_what_is_on_the_stream_is_an_event(ingest: httpx2.AsyncClient, redis: Redis) -> None:
    await submit(ingest)
    await submit(ingest, status="withheld")
    await submit(ingest, status="canceled")
    decoded = [decode_event(fields[EVENT_FIELD]) for _, fields in await redis.xrange(RAW.key(0))]
    submitted, withheld, canceled = decoded
    assert isinstance(submitted, ArticleSubmitted)
    assert isinstance(withheld, ArticleRetracted)
    assert isinstance(canceled, ArticleRetracted)
    assert (submitted.revision, submitted.epoch) == (1, 0)
    assert (withheld.withheld, withheld.revision) == (True, 2)
    assert (canceled.withheld, canceled.revision) == (False, 2)
    assert submitted.precedence < withheld.precedence < canceled.precedence


async def test_without_a_revision_changed_content_is_the_next_one(ingest: httpx2.AsyncClient) -> None:
    assert await outcome(ingest) == ("accepted", 1)
    assert await outcome(ingest) == ("duplicate", 1)
    assert await outcome(ingest, updated_at="2023-06-19T15:00:00Z", crawl=2) == ("duplicate", 1)
    assert await outcome(ingest, body="Ministers met again.") == ("accepted", 2)
    assert await outcome(ingest) == ("accepted", 3)


async def test_changed_content_that_is_older_by_its_own_date_is_stale(ingest: httpx2.AsyncClient) -> None:
    assert await outcome(ingest, updated_at="2023-06-19T15:00:00Z") == ("accepted", 1)
    assert await outcome(ingest, updated_at="2023-06-19T14:00:00Z", body="Before.") == ("duplicate", 1)
    assert await outcome(ingest, updated_at="2023-06-19T16:00:00Z", body="After.") == ("accepted", 2)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param({"revision": 3}, {"revision": 4, "body": "New."}, ("accepted", 4), id="higher"),
        pytest.param({"revision": 3}, {"revision": 4}, ("accepted", 4), id="higher, same content"),
        pytest.param({"revision": 3}, {"revision": 3}, ("duplicate", 3), id="equal, same content"),
        pytest.param(
            {"revision": 3}, {"revision": 3, "body": "New."}, ("accepted", 3), id="equal, received later"
        ),
        pytest.param(
            {"revision": 3, "updated_at": "2023-06-19T15:00:00Z"},
            {"revision": 3, "updated_at": "2023-06-19T14:00:00Z", "body": "New."},
            ("duplicate", 3),
            id="equal, updated before",
        ),
        pytest.param({"revision": 3}, {"revision": 2, "body": "Old."}, ("duplicate", 3), id="lower"),
        pytest.param({"revision": 3}, {"body": "New."}, ("accepted", 4), id="none after one"),
        pytest.param({}, {"revision": 0, "body": "Old."}, ("duplicate", 1), id="zero after one"),
        pytest.param({"revision": 0}, {"body": "New."}, ("accepted", 1), id="zero is a revision"),
        pytest.param(
            {"revision": 9_000_000_000_000_000},
            {"revision": 9_000_000_000_000_000},
            ("duplicate", 9_000_000_000_000_000),
            id="huge",
        ),
        pytest.param(
            {"revision": 3}, {"revision": 3, "status": "withheld"}, ("accepted", 4), id="withheld, equal"
        ),
        pytest.param(
            {"revision": 3}, {"revision": 2, "status": "withheld"}, ("duplicate", 3), id="withheld, lower"
        ),
        pytest.param({}, {"status": "withheld"}, ("accepted", 2), id="withheld"),
        pytest.param({"status": "withheld"}, {"status": "withheld"}, ("duplicate", 2), id="withheld twice"),
        pytest.param({"status": "withheld"}, {}, ("accepted", 3), id="usable after withheld"),
        pytest.param(
            {"revision": 1, "status": "withheld"},
            {"revision": 2},
            ("accepted", 2),
            id="usable revision after withheld",
        ),
    ],
)
async def test_the_higher_version_wins(
    ingest: httpx2.AsyncClient,
    events: Events,
    first: dict[str, Any],
    second: dict[str, Any],
    expected: tuple[str, int],
) -> None:
    await outcome(ingest, **first)
    assert await outcome(ingest, **second) == expected
    assert len(await events()) == 1 + (expected[0] == "accepted")


async def test_every_accepted_event_precedes_those_before_it(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"body": "2"},
        {"revision": 2, "body": "3"},
        {"revision": 2, "status": "withheld"},
        {"revision": 3, "body": "4"},
        {"revision": 7},
        {"body": "5"},
        {"status": "withheld"},
        {"body": "6"},
        {"status": "canceled"},
    ]
    for change in changes:
        await submit(ingest, **change)
    await submit(ingest, "?restore=true", revision=1)
    entries = await redis.xrange(RAW.key(0))
    events = [decode_event(fields[EVENT_FIELD]) for _, fields in entries]
    precedences = [event.precedence for event in events if not hasattr(event, "died_at")]
    assert len(precedences) == len(changes) + 1
    assert precedences == sorted(precedences)
    assert len(set(precedences)) == len(precedences)


async def test_a_hundred_identical_submits_at_once_are_one_article(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    outcomes = await asyncio.gather(*(outcome(ingest) for _ in range(100)))
    assert sorted(outcomes) == [("accepted", 1)] + [("duplicate", 1)] * 99
    assert len(await events()) == 1


async def test_a_takedown_blocks_until_it_is_restored(ingest: httpx2.AsyncClient, events: Events) -> None:
    id_ = (await submit(ingest)).json()["id"]
    for status in ("accepted", "duplicate"):
        takedown = await ingest.delete(f"/v1/articles/{id_}?reason=court order")
        assert (takedown.status_code, takedown.json()["status"]) == (202, status)
    blocked = await submit(ingest, body="Changed.")
    assert blocked.status_code == 409
    assert "restore=true" in blocked.json()["detail"]
    assert await outcome(ingest, "?restore=false") == ("taken-down", 409)
    assert await outcome(ingest, "?restore=true") == ("accepted", 2)
    assert await outcome(ingest) == ("duplicate", 2)
    epochs = [(event["type"], event["epoch"], event["revision"]) for event in await events()]
    assert epochs == [("ArticleSubmitted", 0, 1), ("ArticleRetracted", 0, 1), ("ArticleSubmitted", 1, 2)]


async def test_a_takedown_before_its_article_still_wins(ingest: httpx2.AsyncClient, redis: Redis) -> None:
    id_ = (await submit(ingest)).json()["id"]
    await redis.delete(article_key(id_, 1))
    assert (await ingest.delete(f"/v1/articles/{id_}")).status_code == 202
    assert await outcome(ingest) == ("taken-down", 409)


async def test_a_canceled_article_is_taken_down(ingest: httpx2.AsyncClient) -> None:
    await submit(ingest)
    assert await outcome(ingest, status="canceled", title=None, body=None) == ("accepted", 1)
    assert await outcome(ingest) == ("taken-down", 409)


async def test_a_receipt_tells_what_happened(ingest: httpx2.AsyncClient) -> None:
    first = (await submit(ingest)).json()
    await submit(ingest)
    await submit(ingest, body="Changed.")
    await ingest.delete(f"/v1/articles/{first['id']}", params={"reason": "court order"})
    receipt = (await ingest.get(first["status_url"])).json()
    assert (receipt["id"], receipt["revision"], receipt["status"]) == (first["id"], 2, "retracted")
    assert receipt["duplicates"] == 1
    timeline = [(entry["stage"], entry["revision"], entry["detail"]) for entry in receipt["timeline"]]
    assert timeline == [("accepted", 1, None), ("accepted", 2, None), ("retracted", 2, "court order")]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/articles/" + "0" * 32 + "/receipt", 404),
        ("/v1/articles/nonsense/receipt", 422),
        ("/v1/articles/" + "A" * 32 + "/receipt", 422),
        ("/v1/articles/" + "0" * 32 + "%0a/receipt", 422),
    ],
)
async def test_a_receipt_that_is_not_there_is_a_problem(
    ingest: httpx2.AsyncClient, path: str, status: int
) -> None:
    response = await ingest.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


async def test_partitions_spread_articles_and_keep_each_in_one(start_ingest: Start, redis: Redis) -> None:
    client = await start_ingest(partitions=4)
    ids = [(await submit(client, id=str(number))).json()["id"] for number in range(40)]
    lengths = [await redis.xlen(RAW.key(partition)) for partition in range(4)]
    assert sum(lengths) == 40
    assert all(lengths)
    assert (await client.get(f"/v1/articles/{ids[0]}/receipt")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        pytest.param(b"not json", 400, "invalid-json", id="not JSON"),
        pytest.param(b"[" * 100_000, 400, "invalid-json", id="100,000 brackets"),
        pytest.param(b'{"title":NaN}', 400, "invalid-json", id="NaN"),
        pytest.param(b'{"title":"\xff"}', 400, "invalid-utf-8", id="invalid UTF-8"),
        pytest.param(b'{"title":7}', 422, "invalid-article", id="wrong type"),
        pytest.param(b'{"title":" "}', 422, "invalid-article", id="no text"),
        pytest.param(b'{"title":"T","published_at":"9999-01-01"}', 422, "invalid-article", id="year 9999"),
        pytest.param(b'{"title":"T","x":1e999}', 422, "invalid-article", id="infinite number"),
        pytest.param(b'{"title":"' + b"x" * (2 << 20) + b'"}', 413, "body-too-large", id="too large"),
    ],
)
async def test_bad_input_is_a_problem_and_stores_nothing(
    ingest: httpx2.AsyncClient, redis: Redis, body: bytes, status: int, slug: str
) -> None:
    before = set(await redis.keys())
    response = await ingest.post("/v1/articles", content=body)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"/problems/{slug}"
    assert response.json()["status"] == status
    assert set(await redis.keys()) == before
    assert await redis.xlen(RAW.key(0)) == 0
    assert (await submit(ingest)).status_code == 202


async def test_a_compressed_body_is_refused(ingest: httpx2.AsyncClient) -> None:
    for path in ("/v1/articles", BATCH_PATH):
        response = await ingest.post(path, content=b"\x1f\x8b", headers={"content-encoding": "gzip"})
        assert response.status_code == 415
        assert "gzip" in response.json()["detail"]


async def test_restore_must_be_true_or_false(ingest: httpx2.AsyncClient) -> None:
    assert await outcome(ingest, "?restore=maybe") == ("invalid-request", 422)


async def test_outcomes_are_counted(ingest: httpx2.AsyncClient) -> None:
    await submit(ingest)
    await submit(ingest)
    await ingest.post("/v1/articles", content=b"{")
    metrics = (await ingest.get("/metrics")).text
    assert 'wireroom_articles_accepted_total{door="api"} 1.0' in metrics
    assert 'wireroom_articles_duplicate_total{door="api"} 1.0' in metrics
    assert 'wireroom_articles_rejected_total{reason="invalid-json"} 1.0' in metrics
    assert 'wireroom_http_requests_total{method="POST",route="/v1/articles",status="202"} 2.0' in metrics
