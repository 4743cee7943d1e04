"""A Redis whose memory is full: articles go on without related links, and the corpus gives way."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from services.enrich.corpus import Corpus
from services.enrich.corpus.room import ENOUGH
from tests.enrich.test_corpus import AT, HOTLINE, HOTLINE_AGAIN, article, nonsense, number, place
from tests.support import eventually

ARTICLES = 300


@pytest.fixture
async def filled(redis: Redis) -> AsyncIterator[Corpus]:
    """A corpus of ARTICLES articles in a Redis without a limit; the limit is taken away again afterwards."""
    corpus = Corpus(redis, clock=lambda: AT + timedelta(days=13))
    await place(corpus, *(article(n, nonsense(n)) for n in range(ARTICLES)))
    yield corpus
    await redis.config_set("maxmemory", 0)


async def used(redis: Redis) -> int:
    memory: Any = await redis.info("memory")
    return int(memory["used_memory"])


async def live(redis: Redis) -> int:
    return int(await redis.hget("{corpus}:state", "count") or 0)


async def test_an_article_without_room_goes_on_without_neighbours(redis: Redis, filled: Corpus) -> None:
    await place(filled, article(1000, HOTLINE))
    await redis.config_set("maxmemory", await used(redis) // 2)
    (found,) = await place(filled, article(1001, HOTLINE_AGAIN))
    assert (found.story_id, found.duplicates, found.similar) == (
        article(1001, HOTLINE_AGAIN).story_id,
        (),
        (),
    )


async def test_the_oldest_articles_leave_until_there_is_room(redis: Redis, filled: Corpus) -> None:
    limit = int(await used(redis) / 0.99)
    await redis.config_set("maxmemory", limit)
    # A few fit into what is left, and a hundred do not.
    await place(filled, *(article(n, nonsense(n)) for n in range(1000, 1100)))

    async def has_room() -> bool:
        return await used(redis) <= ENOUGH * limit or await live(redis) == 0

    await eventually(has_room, what="there is room")
    assert 0 <= await live(redis) < ARTICLES
    assert not await redis.exists("{corpus}:d1"), "the oldest one is gone first"


async def test_a_takedown_goes_on_when_memory_is_full(redis: Redis, filled: Corpus) -> None:
    await redis.config_set("maxmemory", await used(redis) // 2)
    assert await filled.forget(number(5))
    assert not await filled.forget(number(5), "0000.00000001")
