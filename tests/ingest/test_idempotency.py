from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from tests.ingest.conftest import ARTICLE, Start

Events = Callable[[], Awaitable[list[dict[str, Any]]]]


async def submit(
    client: httpx2.AsyncClient, key: str = "k", query: str = "", **changes: Any
) -> httpx2.Response:
    return await client.post(
        f"/v1/articles{query}", json={**ARTICLE, **changes}, headers={"idempotency-key": key}
    )


async def test_the_same_key_and_body_gives_the_first_answer_again(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    first = await submit(ingest)
    await submit(ingest, key="another", body="Changed meanwhile.")
    again = await submit(ingest)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert len(await events()) == 2


async def test_the_same_key_with_another_body_is_refused(ingest: httpx2.AsyncClient, events: Events) -> None:
    await submit(ingest)
    for response in (await submit(ingest, body="Other."), await submit(ingest, query="?restore=true")):
        assert (response.status_code, response.json()["type"]) == (409, "/problems/idempotency-key-reused")
    assert len(await events()) == 1


async def test_requests_at_once_with_one_key_get_one_answer(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    responses = await asyncio.gather(*(submit(ingest) for _ in range(20)))
    assert {response.content for response in responses} == {responses[0].content}
    assert responses[0].json()["status"] == "accepted"
    assert len(await events()) == 1


async def test_a_failed_request_does_not_use_its_key_up(ingest: httpx2.AsyncClient) -> None:
    id_ = (await submit(ingest, key="a")).json()["id"]
    await ingest.delete(f"/v1/articles/{id_}")
    assert (await submit(ingest, key="b")).status_code == 409
    assert (await submit(ingest, key="b", query="?restore=true")).status_code == 202


async def test_a_crash_before_the_answer_was_stored_is_harmless(
    ingest: httpx2.AsyncClient, redis: Redis, events: Events
) -> None:
    await submit(ingest)
    [record] = await redis.keys("idempotency:*")
    claim = (await redis.get(record)).split(b" ")[0]
    await redis.set(record, claim, px=300)  # as a process that died between submit and answer leaves it
    again = await submit(ingest)
    assert (again.status_code, again.json()["status"]) == (202, "duplicate")
    assert len(await events()) == 1


async def test_answers_are_kept_for_a_day(ingest: httpx2.AsyncClient, redis: Redis) -> None:
    await submit(ingest)
    [record] = await redis.keys("idempotency:*")
    assert 86_000 < await redis.ttl(record) <= 86_400


@pytest.mark.parametrize("key", ["", "x" * 257])
async def test_a_key_that_cannot_be_kept_is_a_problem(ingest: httpx2.AsyncClient, key: str) -> None:
    response = await submit(ingest, key=key)
    assert (response.status_code, response.json()["type"]) == (400, "/problems/idempotency-key-invalid")


async def test_keys_of_two_submitters_do_not_meet(start_ingest: Start) -> None:
    from shared.http.auth import hash_api_key

    keys = f"alice {hash_api_key('a')}\nbob {hash_api_key('b')}"
    client = await start_ingest(api_keys=keys)
    for key, body in (("a", "One."), ("b", "Two.")):
        response = await client.post(
            "/v1/articles", json={**ARTICLE, "body": body}, headers={"x-api-key": key, "idempotency-key": "k"}
        )
        assert response.json()["status"] == "accepted"
