"""What Redis knows of an article is given back from its events, whatever order they come in."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.events import ArticleEnriched, ArticleRetracted, ArticleSubmitted
from shared.receipts import receipt_from_hash
from shared.runtime.scripts import run_all
from shared.runtime.state import (
    RESTORE,
    WITHHELD_HASH,
    begin_restoring,
    marker_value,
    microseconds,
    read_generation,
    state_from_event,
    write_generation,
)
from shared.streams import EVENT_FIELD, RAW, article_key, state_key
from tests.support import NOW, article_id, enriched, mark_state, retracted, submitted

Precedent = ArticleSubmitted | ArticleEnriched | ArticleRetracted
KEY = article_key(article_id("a"), 1)
TTL_S = 3600


async def merge(redis: Redis, *events: Precedent) -> list[Any]:
    states = [state_from_event(event) for event in events]
    calls = [state.restore_call(partitions=1, keep_s=state.seconds_to_keep(NOW, TTL_S)) for state in states]
    return await run_all(redis, RESTORE, calls)


async def held(redis: Redis) -> dict[str, str]:
    fields: Any = await redis.hgetall(KEY)
    return {name.decode(): value.decode() for name, value in fields.items() if not name.startswith(b"t:")}


def later(event: ArticleSubmitted, seconds: float) -> ArticleSubmitted:
    return event.model_copy(update={"received_at": NOW + timedelta(seconds=seconds)})


HISTORIES: dict[str, list[Precedent]] = {
    "revisions": [submitted(), submitted(revision=2), submitted(revision=7)],
    "taken down": [submitted(), submitted(revision=2), retracted(revision=2)],
    "taken down before": [retracted(revision=0), submitted(revision=3)],
    "restored": [submitted(), retracted(), submitted(revision=2, epoch=1)],
    "withheld, then usable": [submitted(), retracted(revision=2, withheld=True), submitted(revision=3)],
    "same revision, received later": [submitted(), later(submitted(body="Other."), 5)],
    "same revision, updated later": [
        later(submitted(updated_at=NOW + timedelta(1)), 5),
        later(submitted(updated_at=NOW), 60),
    ],
    "enriched": [submitted(), enriched(), enriched(revision=2), submitted(revision=2)],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
async def test_the_latest_event_wins_in_any_order(redis: Redis, history: list[Precedent]) -> None:
    latest = max(history, key=lambda event: event.precedence)
    for order in itertools.permutations(history):
        await redis.delete(KEY)
        await merge(redis, *order)
        fields = await held(redis)
        assert int(fields["epoch"]) == latest.epoch
        assert ("tomb" in fields) == latest.precedence.final
        if not latest.precedence.final:
            assert int(fields["rev"]) == latest.revision
            assert int(fields["at"]) == microseconds(latest.received_at)
            expected = WITHHELD_HASH if isinstance(latest, ArticleRetracted) else latest.content_hash
            assert fields["hash"] == expected


async def test_the_same_state_again_changes_nothing(redis: Redis) -> None:
    assert await merge(redis, submitted(), enriched()) == [1, 0]
    before = await redis.hgetall(KEY)
    assert await merge(redis, submitted(), enriched()) == [0, 0]
    assert await redis.hgetall(KEY) == before


async def test_a_later_state_is_left_alone_but_its_receipt_is_completed(redis: Redis) -> None:
    await merge(redis, submitted(revision=3))
    assert await merge(redis, enriched(revision=2)) == [0]
    fields: Any = await redis.hgetall(KEY)
    receipt = receipt_from_hash(article_id("a"), fields)
    assert receipt is not None
    assert receipt.revision == 3
    assert {(entry.revision, entry.stage) for entry in receipt.timeline} == {
        (2, "accepted"), (2, "enriched"), (3, "accepted"),
    }  # fmt: skip


async def test_a_mere_receipt_counts_as_nothing_known(redis: Redis) -> None:
    await redis.hset(KEY, "t:enriched:0.1", "1700000000000")
    assert await merge(redis, submitted()) == [1]
    assert (await held(redis))["rev"] == "1"


@pytest.mark.parametrize(
    ("event", "kept_s"),
    [
        pytest.param(submitted(), TTL_S, id="first revision"),
        pytest.param(later(submitted(), -600), TTL_S - 600, id="first revision, ten minutes old"),
        pytest.param(later(submitted(), -7200), TTL_S - 7200, id="first revision, too old"),
        pytest.param(submitted(revision=2), None, id="revised"),
        pytest.param(submitted(epoch=1), None, id="restored"),
        pytest.param(retracted(revision=0), None, id="taken down"),
        pytest.param(retracted(revision=2, withheld=True), None, id="withheld"),
    ],
)
async def test_only_first_revisions_are_forgotten(event: Precedent, kept_s: int | None) -> None:
    assert state_from_event(event).seconds_to_keep(NOW, TTL_S) == kept_s


async def test_the_hash_expires_as_it_would_have(redis: Redis) -> None:
    await merge(redis, later(submitted(), -600))
    assert TTL_S - 610 < await redis.ttl(KEY) <= TTL_S - 600
    await merge(redis, submitted(revision=2))
    assert await redis.ttl(KEY) == -1


async def test_an_event_is_published_only_if_it_was_not_known(redis: Redis) -> None:
    async def publish(event: ArticleSubmitted) -> int:
        state = state_from_event(event)
        call = state.publish_call(b"payload", RAW.key(0), partitions=1, keep_s=None)
        return int((await run_all(redis, RESTORE, [call]))[0])

    assert [await publish(submitted(revision=2)) for _ in range(2)] == [1, 0]
    assert await publish(submitted(revision=1)) == 0
    assert [fields for _, fields in await redis.xrange(RAW.key(0))] == [{EVENT_FIELD: b"payload"}]


async def test_a_takedown_that_is_known_is_not_published_again(redis: Redis) -> None:
    await redis.hset(
        KEY, mapping={"rev": "1", "epoch": "0", "hash": "h", "at": "5", "tomb": "1"}
    )  # as ingest
    assert await merge(redis, retracted()) == [0]
    assert await merge(redis, retracted(epoch=1)) == [1]


async def test_partitions_must_agree_on_their_generation(redis: Redis) -> None:
    assert await read_generation(redis, 3) is None
    await mark_state(redis, 3, "one")
    assert await read_generation(redis, 3) == "one"
    assert await read_generation(redis, 2) is None, "with fewer partitions the articles have other keys"
    await redis.set(state_key(1), marker_value("two", 3))
    assert await read_generation(redis, 3) is None
    await redis.delete(state_key(1))
    assert await read_generation(redis, 3) is None


async def test_a_redis_that_was_emptied_meanwhile_is_not_said_to_be_restored(redis: Redis) -> None:
    await begin_restoring(redis, 2, "token")
    await merge(redis, submitted())
    await redis.flushall()
    assert not await write_generation(redis, 2, "token")
    assert await read_generation(redis, 2) is None
    await begin_restoring(redis, 2, "again")
    assert await write_generation(redis, 2, "again")
    assert await read_generation(redis, 2) == "again"
    assert not await redis.keys("restoring:*")
