"""When Redis is away, slow or full: 503 with Retry-After, never a false 202, and back by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis
from redis.exceptions import BusyLoadingError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from services.ingest.app import BATCH_PATH, end_tasks
from services.ingest.availability import problem_from_write_error
from services.ingest.submission import SUBMIT
from services.ingest.writer import CoalescingWriter
from shared.http.problems import Problem
from shared.metrics import Metrics
from shared.runtime.scripts import Call, Script
from tests.conftest import free_port
from tests.ingest.conftest import ARTICLE, Start

Events = Callable[[], Awaitable[list[dict[str, Any]]]]


def assert_unavailable(response: httpx2.Response) -> None:
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert response.headers["content-type"] == "application/problem+json"


async def test_without_redis_nothing_is_accepted_and_readyz_says_so(start_ingest: Start) -> None:
    client = await start_ingest(ready=False, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    assert_unavailable(await client.post("/v1/articles", json=ARTICLE))
    assert_unavailable(await client.post(BATCH_PATH, json=[ARTICLE]))
    assert_unavailable(await client.delete("/v1/articles/" + "0" * 32))
    assert_unavailable(await client.get("/v1/articles/" + "0" * 32 + "/receipt"))
    assert_unavailable(await client.get("/v1/dead-letters"))
    readiness = await client.get("/readyz")
    assert readiness.status_code == 503
    assert "Redis does not answer" in readiness.json()["checks"]["redis"]
    assert (await client.get("/livez")).status_code == 200


async def test_groups_exist_before_the_first_article(ingest: httpx2.AsyncClient, redis: Redis) -> None:
    groups = await redis.xinfo_groups("articles.raw.{0}")
    assert [(group["name"], group["last-delivered-id"]) for group in groups] == [(b"enrich", b"0-0")]


async def test_a_redis_that_is_slow_is_a_503_and_a_retry_is_safe(
    start_ingest: Start, redis: Redis, events: Events
) -> None:
    client = await start_ingest(write_timeout_s=0.3)
    await redis.client_pause(1200, all=False)  # writes hang, reads go on
    start = time.monotonic()
    response = await client.post("/v1/articles", json=ARTICLE)
    assert time.monotonic() - start < 1
    assert_unavailable(response)
    assert "may or may not" in response.json()["detail"]
    batch = await client.post(BATCH_PATH, json=[ARTICLE])
    assert_unavailable(batch)
    await redis.client_unpause()
    retried = await client.post("/v1/articles", json=ARTICLE)
    assert retried.status_code == 202
    assert len(await events()) == 1


async def test_a_redis_that_hangs_is_a_503_within_two_seconds(start_ingest: Start, redis: Redis) -> None:
    client = await start_ingest()
    await redis.client_pause(4000, all=True)
    try:
        requests = {
            "submit": lambda: client.post("/v1/articles", json=ARTICLE),
            "keyed": lambda: client.post("/v1/articles", json=ARTICLE, headers={"idempotency-key": "k"}),
            "receipt": lambda: client.get("/v1/articles/" + "0" * 32 + "/receipt"),
            "dead letters": lambda: client.get("/v1/dead-letters"),
        }
        start = time.monotonic()
        answers = await asyncio.gather(*(request() for request in requests.values()))
        assert time.monotonic() - start < 2
        for answer in answers:
            assert_unavailable(answer)
    finally:
        await asyncio.sleep(4 - (time.monotonic() - start))


async def test_a_full_redis_is_a_503(ingest: httpx2.AsyncClient, redis: Redis, events: Events) -> None:
    await redis.config_set("maxmemory", "1mb")
    await redis.config_set("maxmemory-policy", "noeviction")
    try:
        assert_unavailable(await ingest.post("/v1/articles", json=ARTICLE))
    finally:
        await redis.config_set("maxmemory", "0")
    assert await events() == []


async def test_a_redis_that_forgot_its_scripts_is_taught_again(
    ingest: httpx2.AsyncClient, redis: Redis
) -> None:
    await ingest.post("/v1/articles", json=ARTICLE)
    await redis.script_flush()
    response = await ingest.post("/v1/articles", json={**ARTICLE, "body": "Changed."})
    assert response.json()["revision"] == 2


async def test_a_lost_connection_is_made_again(ingest: httpx2.AsyncClient, redis: Redis) -> None:
    await ingest.post("/v1/articles", json=ARTICLE)
    await redis.client_kill_filter(_type="normal", skipme=True)
    statuses = [
        (await ingest.post("/v1/articles", json={**ARTICLE, "id": str(n)})).status_code for n in range(9)
    ]
    assert statuses[-1] == 202
    assert set(statuses) <= {202, 503}


@pytest.mark.parametrize(
    "error",
    [
        RedisConnectionError("Error 111 connecting"),
        TimeoutError(),
        OutOfMemoryError("command not allowed"),
        ReadOnlyError("You can't write"),
        ResponseError("MISCONF Redis is configured to save"),
        BusyLoadingError("Redis is loading the dataset"),
        ResponseError("BUSY Redis is busy running a script"),
    ],
    ids=lambda error: type(error).__name__ + str(error)[:8],
)
def test_a_redis_that_takes_no_writes_is_a_503(error: Exception) -> None:
    problem = problem_from_write_error(error)
    assert isinstance(problem, Problem)
    assert problem.status == 503
    assert "retry-after" in problem.headers


def test_a_mistake_of_ours_is_no_503() -> None:
    error = ResponseError("WRONGTYPE Operation against a key")
    assert problem_from_write_error(error) is error


_ECHO = Script.of("return redis.call('INCR', KEYS[1])")


def writer_of(redis: Redis, **settings: Any) -> CoalescingWriter:
    return CoalescingWriter(redis, metrics=Metrics(), **{"timeout_s": 2, "max_queued": 1000, **settings})


async def test_submits_that_arrive_together_share_a_pipeline(redis: Redis) -> None:
    writer = writer_of(redis)
    running = asyncio.create_task(writer.run())
    await redis.script_load(_ECHO.source)
    before = (await redis.info("stats"))["total_reads_processed"]
    replies = await asyncio.gather(*(writer.write(_ECHO, Call(("n",), ())) for _ in range(200)))
    reads = (await redis.info("stats"))["total_reads_processed"] - before
    running.cancel()
    assert sorted(replies) == list(range(1, 201))
    assert reads < 20


async def test_a_full_queue_refuses_at_once(redis: Redis) -> None:
    writer = writer_of(redis, max_queued=2, timeout_s=0.2)
    first = [asyncio.create_task(writer.write(_ECHO, Call(("n",), ()))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Problem, match="waiting"):
        await writer.write(_ECHO, Call(("n",), ()))
    for task in first:
        with pytest.raises(Problem, match="may or may not"):
            await task


async def test_what_nobody_waits_for_any_more_is_not_written(redis: Redis) -> None:
    writer = writer_of(redis, timeout_s=0.05)
    with pytest.raises(Problem):
        await writer.write(_ECHO, Call(("n",), ()))
    running = asyncio.create_task(writer.run())
    await asyncio.sleep(0.05)
    running.cancel()
    assert await redis.get("n") is None


async def test_one_bad_call_fails_alone(redis: Redis) -> None:
    await redis.set("text", "x")
    writer = writer_of(redis)
    running = asyncio.create_task(writer.run())
    calls = [writer.write(_ECHO, Call((key,), ())) for key in ("n", "text", "n")]
    good, bad, other = await asyncio.gather(*calls, return_exceptions=True)
    running.cancel()
    assert (good, other) == (1, 2)
    assert isinstance(bad, ResponseError)


async def test_a_writer_that_is_stopped_leaves_nobody_waiting(redis: Redis) -> None:
    writer = writer_of(redis, timeout_s=30)
    running = asyncio.create_task(writer.run())
    await redis.client_pause(500)
    waiting = asyncio.create_task(writer.write(SUBMIT, Call(("n",), ())))
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(Problem, match="may or may not"):
        await waiting


async def test_a_task_that_loses_a_cancellation_is_ended_all_the_same() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await asyncio.wait_for(end_tasks([task]), 5)
    assert task.cancelled()
