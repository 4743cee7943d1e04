"""A Redis that has lost its state: nothing is taken until it is back, and what was taken is given back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.recent import RecentSubmits
from services.ingest.state_watch import StateWatch
from shared.erasing import Erased
from shared.events import encode_event
from shared.metrics import Metrics
from shared.runtime.erasing import tell_ingest
from shared.runtime.scripts import run_all
from shared.runtime.state import RESTORE, state_from_event
from shared.streams import article_key
from tests.ingest.conftest import ARTICLE, Start
from tests.support import NOW, article_id, eventually, mark_state, submitted

Events = Callable[[], Awaitable[list[dict[str, Any]]]]
UNKNOWN = "0" * 32


async def lose_state(redis: Redis, ingest: httpx2.AsyncClient) -> None:
    await redis.flushall()

    async def noticed() -> bool:
        return "state" in (await ingest.get("/readyz")).json()["not_ready"]

    await eventually(noticed, what="readiness says that the state is missing")


async def restore_state(redis: Redis, ingest: httpx2.AsyncClient, generation: str = "second") -> None:
    """As the index service does, with nothing in its archive."""
    await mark_state(redis, 1, generation)

    async def ready() -> bool:
        return (await ingest.get("/readyz")).status_code == 200

    await eventually(ready, what="ready again")


REQUESTS: dict[str, tuple[str, str, Any]] = {
    "submit": ("POST", "/v1/articles", ARTICLE),
    "batch": ("POST", "/v1/articles/batch", [ARTICLE]),
    "takedown": ("DELETE", f"/v1/articles/{UNKNOWN}", None),
}


@pytest.mark.parametrize("noticed", [False, True], ids=["the moment after", "once it was noticed"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_without_its_state_redis_is_given_nothing(
    ingest: httpx2.AsyncClient, redis: Redis, request_: tuple[str, str, Any], noticed: bool
) -> None:
    if noticed:
        await lose_state(redis, ingest)
    else:
        await redis.flushall()
    method, path, body = request_
    response = await ingest.request(method, path, json=body)
    assert (response.status_code, response.json()["type"]) == (503, "/problems/state-missing")
    assert int(response.headers["retry-after"]) >= 1
    assert not await redis.keys("article*"), "neither a hash nor an entry was written"


async def test_a_service_that_starts_before_the_index_waits_for_it(start_ingest: Start, redis: Redis) -> None:
    ingest = await start_ingest()
    await redis.delete("state:{0}")
    second = await start_ingest(ready=False)
    await redis.delete("state:{0}")

    async def waits() -> bool:
        return "state" in (await second.get("/readyz")).json()["not_ready"]

    await eventually(waits)
    await restore_state(redis, second)
    assert (await second.post("/v1/articles", json=ARTICLE)).status_code == 202
    assert (await ingest.get("/livez")).status_code == 200


async def test_what_redis_lost_is_published_again_before_anything_new(
    ingest: httpx2.AsyncClient, redis: Redis, events: Events
) -> None:
    first = (await ingest.post("/v1/articles", json={**ARTICLE, "revision": 5})).json()
    await ingest.post("/v1/articles", json={**ARTICLE, "body": "Corrected."})
    gone = (await ingest.post("/v1/articles", json={**ARTICLE, "id": "2"})).json()["id"]
    await ingest.delete(f"/v1/articles/{gone}")
    before = await events()
    hashes = [await redis.hgetall(article_key(id_, 1)) for id_ in (first["id"], gone)]

    await lose_state(redis, ingest)
    await restore_state(redis, ingest)

    assert await events() == before
    assert [await redis.hgetall(article_key(id_, 1)) for id_ in (first["id"], gone)] == hashes
    assert (await ingest.post("/v1/articles", json={**ARTICLE, "id": "2"})).status_code == 409
    corrected = await ingest.post("/v1/articles", json={**ARTICLE, "body": "Corrected again."})
    assert corrected.json()["revision"] == 7
    metrics = (await ingest.get("/metrics")).text
    assert "wireroom_articles_republished_total 4.0" in metrics


async def test_what_the_archive_gave_back_is_not_published_again(
    ingest: httpx2.AsyncClient, redis: Redis, events: Events
) -> None:
    await ingest.post("/v1/articles", json=ARTICLE)
    (published,) = await events()
    await ingest.post("/v1/articles", json={**ARTICLE, "id": "2"})
    await lose_state(redis, ingest)
    event = submitted().model_validate(published)
    await run_all(redis, RESTORE, [state_from_event(event).restore_call(partitions=1, keep_s=None)])
    await restore_state(redis, ingest)
    assert [event["article"]["publisher_id"] for event in await events()] == ["2"]


async def test_only_so_much_is_remembered() -> None:
    recent = RecentSubmits(10)
    for event in (b"aaaa", b"bbbb", b"cccc"):
        recent.add(event)
    assert recent.events() == (b"bbbb", b"cccc")
    recent.add(b"longer than all")
    assert recent.events() == ()
    nothing = RecentSubmits(0)
    nothing.add(b"a")
    assert nothing.events() == ()


async def test_what_was_erased_is_forgotten_and_never_published_again(
    redis: Redis,
) -> None:
    recent = RecentSubmits(1 << 20)
    watch = StateWatch(redis, recent, partitions=1, ttl_s=3600, metrics=Metrics(), now=lambda: NOW)
    for name in ("gone", "other"):
        recent.add(encode_event(submitted(name)))
    recent.add(encode_event(submitted("gone", epoch=1)))
    await tell_ingest(redis, Erased({article_id("gone"): 0}), NOW)
    await watch.look()
    assert recent.events() == (encode_event(submitted("other")), encode_event(submitted("gone", epoch=1)))
    # It is told for a day, and that must not cost what was restored since.
    recent.add(encode_event(submitted("gone")))
    await watch.look()
    assert len(recent.events()) == 3
