"""A stream or a consumer group is lost while Redis keeps what it knows of the articles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from services.index.archive import Archive
from services.index.state import StateRestorer
from shared.events import encode_event
from shared.metrics import Metrics
from shared.receipts import stage_field
from shared.runtime.groups import ensure_groups
from shared.runtime.lost_streams import lost_partitions
from shared.runtime.scripts import run_all
from shared.runtime.state import RESTORE, read_generation, state_from_event
from shared.streams import ENRICHED, EVENT_FIELD, RAW, StreamSpec, article_key
from tests.support import NOW, article_id, enriched, retracted, submitted

TTL_S = 30 * 86_400
Make = Callable[..., StateRestorer]


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def make(redis: Redis, archive: Archive, tmp_path: Path) -> Make:
    def make(metrics: Metrics | None = None) -> StateRestorer:
        return StateRestorer(
            redis, archive, asyncio.Lock(), file=tmp_path / "STATE", partitions=1, ttl_s=TTL_S,
            batch_timeout_s=0.0, metrics=metrics or Metrics(), now=lambda: NOW,
        )  # fmt: skip

    return make


async def accept(redis: Redis, *events: object) -> None:
    """Write the hashes of events that ingest has accepted."""
    calls = [state_from_event(event).restore_call(partitions=1, keep_s=None) for event in events]  # type: ignore[arg-type]
    await run_all(redis, RESTORE, calls)


async def revision(redis: Redis, name: str) -> str | None:
    found: Any = await redis.hget(article_key(article_id(name), 1), "rev")
    return found.decode() if found else None


@pytest.mark.parametrize(("lost", "left"), [(RAW, ENRICHED), (ENRICHED, RAW)], ids=["raw", "enriched"])
async def test_a_lost_stream_makes_articles_known_only_as_far_as_something_of_them_is_left(
    redis: Redis, make: Make, archive: Archive, lost: StreamSpec, left: StreamSpec
) -> None:
    await ensure_groups(redis, 1)
    metrics = Metrics()
    restorer = make(metrics)
    await restorer.look()
    generation = await read_generation(redis, 1)
    await accept(redis, submitted("gone"), submitted("corrected", revision=2), submitted("left"))
    await accept(redis, enriched("indexed", revision=3), retracted("taken down"), retracted("not taken down"))
    key = article_key(article_id("indexed"), 1)
    await redis.hset(key, stage_field("indexed", 0, 3), "1")
    archive.append([enriched("corrected"), retracted("taken down")], NOW)
    await redis.xadd(left.key(0), {EVENT_FIELD: encode_event(submitted("left"))})
    for number in range(4):
        await redis.xadd(lost.key(0), {EVENT_FIELD: b"lost %d" % number})
    await restorer.look()
    await redis.delete(lost.key(0))
    # Ingest may make the stream again at once, and the index service may look before the group is there.
    await redis.xadd(lost.key(0), {EVENT_FIELD: encode_event(submitted("next"))})
    await restorer.look()
    assert await read_generation(redis, 1) == generation
    await ensure_groups(redis, 1)
    assert await read_generation(redis, 1) is None
    await restorer.look()

    assert await read_generation(redis, 1) not in (None, generation)
    assert await lost_partitions(redis, 1) == []
    known = {name: await revision(redis, name) for name in ("gone", "corrected", "left", "next", "indexed")}
    assert known == {"gone": None, "corrected": "1", "left": "1", "next": "1", "indexed": "3"}
    # A takedown that did not reach the index is as lost as an article; one that did stays final.
    assert await revision(redis, "not taken down") is None
    assert await redis.hget(article_key(article_id("taken down"), 1), "tomb") == b"1"
    assert metrics.registry.get_sample_value("wireroom_state_losses_total") == 1
    assert (metrics.registry.get_sample_value("wireroom_state_lost_entries_total") or 0) >= 4


async def test_an_entry_that_went_on_to_a_lost_stream_is_lost_though_it_was_not_trimmed_yet(
    redis: Redis, make: Make
) -> None:
    await ensure_groups(redis, 1)
    restorer = make()
    await restorer.look()
    names = ("handed on", "read", "waiting")
    await accept(redis, *(submitted(name) for name in names))
    for name in names:
        await redis.xadd(RAW.key(0), {EVENT_FIELD: encode_event(submitted(name))})
    read: Any = await redis.xreadgroup("enrich", "one", {RAW.key(0): ">"}, count=2)
    await redis.xack(RAW.key(0), "enrich", read[0][1][0][0])
    await redis.delete(ENRICHED.key(0))
    await ensure_groups(redis, 1)
    await restorer.look()
    assert [await revision(redis, name) for name in names] == [None, "1", "1"]


async def test_a_lost_group_is_declared_before_it_is_made_again(redis: Redis, make: Make) -> None:
    await ensure_groups(redis, 1)
    await make().look()
    await redis.xgroup_destroy(ENRICHED.key(0), "index")
    await ensure_groups(redis, 1)
    assert await lost_partitions(redis, 1) == [0]


async def test_groups_of_a_new_redis_are_no_loss(
    redis: Redis, make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    await ensure_groups(redis, 1)
    assert await lost_partitions(redis, 1) == []
    await make().look()
    await ensure_groups(redis, 1)
    assert await read_generation(redis, 1)
    assert "has lost" not in capsys.readouterr().out
