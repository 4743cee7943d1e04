"""How long ingest remembers an article: what it forgets must not make the index drop what comes next."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.settings import IngestSettings
from shared.events import ArticleRetracted, ArticleSubmitted, decode_event
from shared.streams import EVENT_FIELD, RAW, article_key
from tests.ingest.conftest import ARTICLE

TTL_S = IngestSettings.model_fields["article_state_ttl_s"].default
FOR_EVER = -1
Precedent = ArticleSubmitted | ArticleRetracted


async def submit(client: httpx2.AsyncClient, query: str = "", **changes: Any) -> str:
    """Submit an article and return the key of its hash."""
    response = await client.post(f"/v1/articles{query}", json={**ARTICLE, **changes})
    assert response.status_code == 202, response.text
    return article_key(response.json()["id"], 1)


async def take_down(client: httpx2.AsyncClient, key: str) -> None:
    assert (await client.delete(f"/v1/articles/{key.rpartition(':')[2]}")).status_code == 202


async def published(redis: Redis) -> list[Precedent]:
    decoded = [decode_event(fields[EVENT_FIELD]) for _, fields in await redis.xrange(RAW.key(0))]
    return [event for event in decoded if isinstance(event, ArticleSubmitted | ArticleRetracted)]


@pytest.mark.parametrize("first", [{}, {"revision": 1}, {"revision": 0}], ids=["none", "one", "zero"])
async def test_a_first_revision_expires(
    ingest: httpx2.AsyncClient, redis: Redis, first: dict[str, Any]
) -> None:
    key = await submit(ingest, **first)
    assert 0 < await redis.ttl(key) <= TTL_S
    await redis.expire(key, 10)
    await submit(ingest, **first)
    assert await redis.ttl(key) > 10, "a duplicate says that the article is still about"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([{}, {"body": "Changed."}], id="second revision"),
        pytest.param([{"revision": 7}], id="higher revision at once"),
        pytest.param([{"status": "withheld"}], id="withheld at once"),
        pytest.param([{}, {"status": "withheld"}], id="withheld"),
        pytest.param([{}, {"status": "canceled"}], id="taken down"),
    ],
)
async def test_what_a_new_start_would_not_beat_is_kept(
    ingest: httpx2.AsyncClient, redis: Redis, changes: list[dict[str, Any]]
) -> None:
    for change in changes:
        key = await submit(ingest, **change)
    assert await redis.ttl(key) == FOR_EVER


async def test_a_restored_article_is_kept_for_its_next_takedown(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    key = await submit(ingest)
    await take_down(ingest, key)
    await submit(ingest, "?restore=true", revision=1)
    assert await redis.ttl(key) == FOR_EVER
    await submit(ingest, revision=1)
    assert await redis.ttl(key) == FOR_EVER, "a duplicate changes nothing"


async def test_a_hash_that_was_to_expire_is_kept_once_it_may_not(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    key = await submit(ingest, revision=2)
    await redis.expire(key, 3600)
    await submit(ingest, revision=2)
    assert await redis.ttl(key) == FOR_EVER


FIRST = pytest.mark.parametrize(
    "first",
    [{}, {"revision": 1}, {"updated_at": "2023-06-19T15:00:00Z"}],
    ids=["plain", "with revision", "with updated_at"],
)


@FIRST
@pytest.mark.parametrize(
    "later",
    [
        pytest.param({"body": "Changed.", "updated_at": "2023-06-20T15:00:00Z"}, id="update"),
        pytest.param({"status": "withheld"}, id="withheld"),
        pytest.param({"status": "withheld", "revision": 1}, id="withheld with its revision"),
        pytest.param({"status": "withheld", "revision": 2}, id="withheld with a revision"),
        pytest.param({"status": "canceled"}, id="canceled"),
    ],
)
async def test_what_follows_an_expired_first_revision_wins(
    ingest: httpx2.AsyncClient, redis: Redis, first: dict[str, Any], later: dict[str, Any]
) -> None:
    await redis.delete(await submit(ingest, **first))
    await submit(ingest, **later)
    held, new = await published(redis)
    assert new.precedence > held.precedence


@FIRST
async def test_a_delete_after_expiry_wins_and_blocks(
    ingest: httpx2.AsyncClient, redis: Redis, first: dict[str, Any]
) -> None:
    key = await submit(ingest, **first)
    await redis.delete(key)
    await take_down(ingest, key)
    held, takedown = await published(redis)
    assert takedown.precedence > held.precedence
    assert await redis.ttl(key) == FOR_EVER
    assert (await ingest.post("/v1/articles", json={**ARTICLE, "body": "Changed."})).status_code == 409


async def test_after_a_withheld_start_every_next_version_wins(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    await redis.delete(await submit(ingest, updated_at="2023-06-19T15:00:00Z"))
    await submit(ingest, status="withheld")
    await submit(ingest)
    await submit(ingest, body="Changed.")
    precedences = [event.precedence for event in await published(redis)]
    assert precedences == sorted(set(precedences)) and len(precedences) == 4


async def test_a_receipt_without_a_revision_is_nothing_known(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    """An entry that is settled after the hash has expired brings it back, without a time to live."""
    key = await submit(ingest)
    await redis.delete(key)
    await redis.hset(key, "t:indexed:0.1", "1795580780918")
    await submit(ingest, body="Changed.")
    held, new = await published(redis)
    assert new.revision == 1 and new.precedence > held.precedence
    assert 0 < await redis.ttl(key) <= TTL_S
