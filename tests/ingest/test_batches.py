"""`POST /v1/articles/batch`: each article is judged alone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.app import BATCH_PATH
from tests.ingest.conftest import ARTICLE, Start

Events = Callable[[], Awaitable[list[dict[str, Any]]]]


def line(number: int, **changes: Any) -> bytes:
    return json.dumps({**ARTICLE, "id": str(number), **changes}).encode()


@pytest.mark.parametrize("array", [False, True], ids=["NDJSON", "array"])
@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json", "text/plain"])
async def test_a_bad_article_never_sinks_its_neighbours(
    ingest: httpx2.AsyncClient, events: Events, array: bool, content_type: str
) -> None:
    lines = [
        line(1),
        b'{"title": }',
        line(2),
        b'{"title": "\xff"}',
        line(1),
        b'{"title": "' + b"x" * (2 << 20) + b'"}',
        line(3, title=7, body=8),
        b"[" * 300 + b"]" * 300,
        line(4),
    ]
    body = b"[" + b",".join(lines) + b"]" if array else b"\n".join(lines)
    response = await ingest.post(BATCH_PATH, content=body, headers={"content-type": content_type})
    assert response.status_code == 200
    answer = response.json()
    statuses = [(result["line"], result["status"]) for result in answer["results"]]
    assert statuses == [
        (1, "accepted"),
        (2, "rejected"),
        (3, "accepted"),
        (4, "rejected"),
        (5, "duplicate"),
        (6, "rejected"),
        (7, "rejected"),
        (8, "rejected"),
        (9, "accepted"),
    ]
    assert (answer["accepted"], answer["duplicates"], answer["rejected"]) == (3, 1, 5)
    errors = {result["line"]: result["error"] for result in answer["results"]}
    assert errors[1] is None
    assert "UTF-8" in errors[4]
    assert "2097152 bytes" in errors[6]
    assert "title" in errors[7] and "body" in errors[7]
    assert all((result["id"] is None) == (result["status"] == "rejected") for result in answer["results"])
    assert [event["article"]["publisher_id"] for event in await events()] == ["1", "2", "4"]
    assert {event["provenance"]["door"] for event in await events()} == {"batch"}


async def test_a_large_batch_is_taken_whole_and_in_order(ingest: httpx2.AsyncClient, events: Events) -> None:
    async def body() -> AsyncIterator[bytes]:
        for number in range(1500):
            yield line(number) + b"\n"

    answer = (await ingest.post(BATCH_PATH, content=body())).json()
    assert answer["accepted"] == 1500
    assert [result["line"] for result in answer["results"]] == list(range(1, 1501))
    assert [event["article"]["publisher_id"] for event in await events()] == [str(n) for n in range(1500)]


async def test_sending_a_batch_again_changes_nothing(ingest: httpx2.AsyncClient, events: Events) -> None:
    body = b"\n".join(line(number) for number in range(10))
    await ingest.post(BATCH_PATH, content=body)
    answer = (await ingest.post(BATCH_PATH, content=body)).json()
    assert (answer["accepted"], answer["duplicates"]) == (0, 10)
    assert len(await events()) == 10


async def test_an_article_taken_down_is_rejected_within_a_batch(ingest: httpx2.AsyncClient) -> None:
    id_ = (await ingest.post("/v1/articles", content=line(1))).json()["id"]
    await ingest.delete(f"/v1/articles/{id_}")
    answer = (await ingest.post(BATCH_PATH, content=line(1) + b"\n" + line(2))).json()
    assert [result["status"] for result in answer["results"]] == ["rejected", "accepted"]
    assert "taken down" in answer["results"][0]["error"]


async def test_a_batch_longer_than_allowed_says_where_it_stopped(start_ingest: Start, events: Events) -> None:
    client = await start_ingest(max_batch_articles=3)
    answer = (await client.post(BATCH_PATH, content=b"\n".join(line(n) for n in range(5)))).json()
    assert answer["accepted"] == 3
    assert "line 4" in answer["error"]
    assert len(await events()) == 3


async def test_a_batch_over_its_limit_is_refused(start_ingest: Start) -> None:
    client = await start_ingest(max_batch_bytes=1024)
    response = await client.post(BATCH_PATH, content=line(1, body="x" * 2000))
    assert response.status_code == 413


@pytest.mark.parametrize("body", [b"", b"\n \n", b"[]"])
async def test_an_empty_batch_is_a_problem(ingest: httpx2.AsyncClient, body: bytes) -> None:
    response = await ingest.post(BATCH_PATH, content=body)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/empty-body")


async def test_a_full_pipeline_takes_nothing_of_a_batch(
    start_ingest: Start, redis: Redis, events: Events
) -> None:
    client = await start_ingest(high_water_entries=1, low_water_entries=0)
    await client.post("/v1/articles", content=line(0))
    while (await client.get("/readyz")).status_code == 200:
        pass
    for path in (BATCH_PATH, "/v1/articles"):
        response = await client.post(path, content=line(1))
        assert response.status_code == 503
        assert int(response.headers["retry-after"]) > 0
        assert response.json()["type"] == "/problems/pipeline-full"
    assert len(await events()) == 1
    assert "room" in (await client.get("/readyz")).json()["not_ready"]


async def test_the_door_file_says_where_each_article_was_fetched(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    page = {"fetched_from": "https://news.example/a", "fetched_at": "2017-03-06T04:02:06Z", "door": "feed"}
    body = b"\n".join((line(1, provenance=page), line(2)))
    answer = (await ingest.post(f"{BATCH_PATH}?door=file", content=body)).json()
    assert answer["accepted"] == 2
    first, second = await events()
    assert first["provenance"] == {
        "door": "file",
        "fetched_from": "https://news.example/a",
        "fetched_at": "2017-03-06T04:02:06Z",
        "versions": {},
    }
    assert second["provenance"] == {"door": "file", "versions": {}}
    assert "provenance" not in first["article"]["extra"]


async def test_elsewhere_a_provenance_is_one_more_unknown_field(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    page = {"fetched_from": "https://news.example/a"}
    await ingest.post(BATCH_PATH, content=line(1, provenance=page))
    (event,) = await events()
    assert event["provenance"] == {"door": "batch", "versions": {}}
    assert event["article"]["extra"]["provenance"] == page


@pytest.mark.parametrize(
    ("provenance", "named"),
    [
        ({"fetched_from": "javascript:alert(1)"}, "fetched_from"),
        ({"fetched_from": 7}, "fetched_from"),
        ({"fetched_at": "yesterday"}, "fetched_at"),
    ],
)
async def test_a_provenance_that_cannot_be_read_is_named(
    ingest: httpx2.AsyncClient, provenance: dict[str, Any], named: str
) -> None:
    body = b"\n".join((line(1, provenance=provenance), line(2)))
    answer = (await ingest.post(f"{BATCH_PATH}?door=file", content=body)).json()
    assert [result["status"] for result in answer["results"]] == ["rejected", "accepted"]
    assert f"provenance.{named}" in answer["results"][0]["error"]


async def test_a_door_that_is_not_for_batches_is_refused(ingest: httpx2.AsyncClient) -> None:
    assert (await ingest.post(f"{BATCH_PATH}?door=webhook", content=line(1))).status_code == 422
