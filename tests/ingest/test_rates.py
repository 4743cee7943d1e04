"""The token bucket that all replicas share, and how seldom it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from services.ingest.rates import Rates
from shared.http.problems import Problem
from shared.sources import Source
from tests.support import NOW


def source(per_minute: int | None, name: str = "A") -> Source:
    return Source(name=name, made_at=NOW, per_minute=per_minute)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def taken(rates: Rates, one: Source, count: int) -> int:
    done = 0
    for _ in range(count):
        try:
            done += await rates.take(one)
        except Problem as problem:
            assert problem.status == 429
    return done


async def evals(redis: Redis) -> int:
    stats: Any = await redis.info("commandstats")
    return int(stats.get("cmdstat_evalsha", {}).get("calls", 0))


async def test_replicas_together_take_no_more_than_the_limit(redis: Redis) -> None:
    one = source(600)
    replicas = [Rates(redis) for _ in range(4)]
    done = await asyncio.gather(*(taken(rates, one, 400) for rates in replicas))
    # The bucket holds 600, and fills by ten a second meanwhile.
    assert 590 <= sum(done) <= 660


async def test_a_busy_source_asks_redis_once_for_many_articles(redis: Redis) -> None:
    one, clock = source(60_000), Clock()
    rates = Rates(redis, clock)
    before = await evals(redis)
    assert await taken(rates, one, 5_000) == 5_000
    assert await evals(redis) - before < 40


async def test_a_slow_source_keeps_no_tokens_from_its_others(redis: Redis) -> None:
    one, clock = source(120), Clock()
    slow = Rates(redis, clock)
    for _ in range(20):
        await slow.take(one)
        clock.now += 2  # ours alone: no time passes for Redis
    assert 99 <= await taken(Rates(redis), one, 200) <= 102


async def test_a_source_without_tokens_is_refused_without_asking(redis: Redis) -> None:
    one, clock = source(1), Clock()
    rates = Rates(redis, clock)
    assert await taken(rates, one, 1) == 1
    with pytest.raises(Problem) as caught:
        await rates.take(one)
    assert 59 <= int(caught.value.headers["retry-after"]) <= 60
    before = await evals(redis)
    assert await taken(rates, one, 500) == 0
    assert await evals(redis) == before


async def test_many_at_once_get_as_many_as_there_are(redis: Redis) -> None:
    one = source(100)
    rates = Rates(redis)
    assert await rates.take(one, 70) == 70
    assert await rates.take(one, 70) == 30
    with pytest.raises(Problem):
        await rates.take(one, 70)


async def test_a_bucket_of_the_future_is_no_dead_end(redis: Redis) -> None:
    await redis.hset("rate:A", mapping={"tokens": "0.000000", "at": "99999999999999"})
    one, clock = source(60_000), Clock()
    rates = Rates(redis, clock)
    assert await taken(rates, one, 1) == 0
    await asyncio.sleep(0.05)
    clock.now += 60
    assert await taken(rates, one, 1) == 1
