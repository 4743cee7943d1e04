"""The index service gives Redis back what it should know of the articles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from services.index.archive import Archive
from services.index.state import StateRestorer
from shared.events import ArticleEnriched, ArticleRetracted, DeadLetter, Event, encode_event
from shared.metrics import Metrics
from shared.receipts import receipt_from_hash
from shared.runtime.groups import ensure_groups
from shared.runtime.state import read_generation
from shared.streams import DEAD, ENRICHED, EVENT_FIELD, RAW, StreamSpec, article_key
from tests.support import NOW, article_id, enriched, eventually, mark_state, retracted, submitted

TTL_S = 30 * 86_400


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path)
    yield opened
    opened.close()


Make = Callable[..., StateRestorer]


@pytest.fixture
def make(redis: Redis, archive: Archive, tmp_path: Path) -> Make:
    def make(metrics: Metrics | None = None, *, batch_timeout_s: float = 0.0) -> StateRestorer:
        return StateRestorer(
            redis,
            archive,
            asyncio.Lock(),
            file=tmp_path / "STATE",
            partitions=1,
            ttl_s=TTL_S,
            batch_timeout_s=batch_timeout_s,
            metrics=metrics or Metrics(),
            now=lambda: NOW,
        )

    return make


def store(archive: Archive, *events: ArticleEnriched | ArticleRetracted) -> None:
    archive.append(events, NOW)


async def put(redis: Redis, spec: StreamSpec, event: Event) -> None:
    await redis.xadd(spec.key(0), {EVENT_FIELD: encode_event(event)})


async def held(redis: Redis, name: str) -> dict[str, str]:
    fields: Any = await redis.hgetall(article_key(article_id(name), 1))
    return {key.decode(): value.decode() for key, value in fields.items()}


def value(metrics: Metrics, name: str) -> float:
    return metrics.registry.get_sample_value(name) or 0.0


async def test_a_first_start_says_that_the_state_is_there(redis: Redis, make: Make, tmp_path: Path) -> None:
    metrics = Metrics()
    restorer = make(metrics)
    assert await restorer.check()
    await restorer.look()
    generation = await read_generation(redis, 1)
    assert generation
    assert (tmp_path / "STATE").read_text().strip() == generation
    await restorer.look()
    assert await restorer.check() is None
    assert await read_generation(redis, 1) == generation
    assert value(metrics, "wireroom_state_losses_total") == 0


async def test_a_flushed_redis_is_given_what_the_archive_holds(
    redis: Redis, make: Make, archive: Archive
) -> None:
    restorer = make(metrics := Metrics())
    await restorer.look()
    generation = await read_generation(redis, 1)
    store(archive, enriched("kept"), enriched("kept", revision=2), enriched("gone"), retracted("gone"))
    store(archive, retracted("withheld", revision=2, withheld=True))
    await redis.flushall()
    await restorer.look()
    kept, gone, withheld = [await held(redis, name) for name in ("kept", "gone", "withheld")]
    assert (kept["rev"], kept["hash"], kept.get("tomb")) == ("2", "hash-kept-2", None)
    assert gone["tomb"] == "1"
    assert (withheld["rev"], withheld["hash"], withheld.get("tomb")) == ("2", "withheld", None)
    assert await read_generation(redis, 1) not in (None, generation)
    assert value(metrics, "wireroom_state_losses_total") == 1


async def test_the_receipt_is_told_again(redis: Redis, make: Make, archive: Archive) -> None:
    store(archive, enriched(), retracted())
    await make().look()
    fields: Any = await redis.hgetall(article_key(article_id("a"), 1))
    receipt = receipt_from_hash(article_id("a"), fields)
    assert receipt is not None
    assert receipt.status == "retracted"
    assert {entry.stage for entry in receipt.timeline} == {"accepted", "enriched", "indexed", "retracted"}


async def test_what_is_on_its_way_or_dead_counts_too(redis: Redis, make: Make, archive: Archive) -> None:
    store(archive, enriched("raw"))
    await put(redis, RAW, submitted("raw", revision=4))
    await put(redis, ENRICHED, enriched("enriched", revision=3))
    letter = DeadLetter(
        stream=RAW.key(0), group="enrich", entry_id="1-1", reason="poison", error="it", attempts=5,
        died_at=NOW, fields={"event": encode_event(submitted("dead", revision=2))},
    )  # fmt: skip
    await put(redis, DEAD, letter)
    await redis.xadd(RAW.key(0), {EVENT_FIELD: b"no event"})
    await make().look()
    assert [(await held(redis, name))["rev"] for name in ("raw", "enriched", "dead")] == ["4", "3", "2"]


async def test_what_would_have_been_forgotten_is_not_brought_back(
    redis: Redis, make: Make, archive: Archive
) -> None:
    old = NOW - timedelta(seconds=TTL_S + 1)
    store(archive, enriched("first").model_copy(update={"received_at": old}))
    store(archive, enriched("second", revision=2).model_copy(update={"received_at": old}))
    await make().look()
    assert await held(redis, "first") == {}
    assert (await held(redis, "second"))["rev"] == "2"


async def test_what_was_being_stored_meanwhile_is_merged_afterwards(
    redis: Redis, make: Make, archive: Archive
) -> None:
    restorer = make()
    await restorer.look()
    store(archive, enriched("late", revision=2))
    assert await held(redis, "late") == {}
    await restorer.look()
    assert (await held(redis, "late"))["rev"] == "2"


async def test_a_redis_of_another_archive_is_told_from_ours(
    redis: Redis, make: Make, archive: Archive, tmp_path: Path
) -> None:
    store(archive, enriched("ours", revision=2))
    (tmp_path / "STATE").write_text("ours\n")
    await mark_state(redis, 1, "another")
    restorer = make(metrics := Metrics())
    await restorer.look()
    assert (await held(redis, "ours"))["rev"] == "2"
    assert await read_generation(redis, 1) not in (None, "ours", "another")
    assert value(metrics, "wireroom_state_losses_total") == 1


async def test_an_index_that_was_lost_adopts_the_state_that_is_there(
    redis: Redis, make: Make, archive: Archive, tmp_path: Path
) -> None:
    store(archive, enriched())
    await mark_state(redis, 1, "here")
    restorer = make(metrics := Metrics())
    await restorer.look()
    assert await read_generation(redis, 1) == "here"
    assert (tmp_path / "STATE").read_text() == "here\n"
    assert value(metrics, "wireroom_state_losses_total") == 0


async def test_what_a_lost_archive_had_can_be_sent_again_but_not_what_was_taken_down(
    redis: Redis, make: Make
) -> None:
    await redis.hset(article_key(article_id("served"), 1), mapping={"rev": "3", "hash": "h"})
    await redis.hset(article_key(article_id("gone"), 1), mapping={"rev": "3", "tomb": "1"})
    await mark_state(redis, 1, "here")
    restorer = make(metrics := Metrics())
    await restorer.look()
    assert await held(redis, "served") == {}
    assert (await held(redis, "gone"))["tomb"] == "1"
    assert await read_generation(redis, 1) not in (None, "here")
    assert value(metrics, "wireroom_state_losses_total") == 1


async def test_a_restored_backup_is_no_loss(
    redis: Redis, make: Make, archive: Archive, tmp_path: Path
) -> None:
    store(archive, enriched(revision=2))
    (tmp_path / "STATE").write_text("restored\n")
    restorer = make(metrics := Metrics())
    await restorer.look()
    assert (await held(redis, "a"))["rev"] == "2"
    assert value(metrics, "wireroom_state_losses_total") == 0


async def test_a_redis_that_is_emptied_during_the_restoration_is_restored_again(
    redis: Redis, make: Make, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(archive, enriched(), retracted())
    restorer = make(metrics := Metrics())
    merge_streams = restorer._merge_streams

    async def emptied() -> int:
        await redis.flushall()
        return await merge_streams()

    with monkeypatch.context() as interrupted:
        interrupted.setattr(restorer, "_merge_streams", emptied)
        await restorer.look()
    assert await read_generation(redis, 1) is None
    assert await restorer.check()
    await restorer.look()
    assert (await held(redis, "a"))["tomb"] == "1"
    assert await read_generation(redis, 1)
    assert value(metrics, "wireroom_state_losses_total") == 1, "it is told once"


async def test_what_was_in_flight_is_counted(
    redis: Redis, make: Make, archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    await ensure_groups(redis, 1)
    restorer = make(metrics := Metrics())
    await restorer.look()
    store(archive, enriched())
    for name in ("b", "c", "d"):
        await put(redis, RAW, submitted(name))
    await restorer.look()
    await redis.flushall()
    await restorer.look()
    assert value(metrics, "wireroom_state_lost_entries_total") == 3
    assert "redis has lost its state" in capsys.readouterr().out


async def test_a_restoration_that_failed_is_tried_again(
    redis: Redis, make: Make, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(archive, enriched("a", revision=2))
    restorer = make()

    def fail(*_: object) -> None:
        raise RuntimeError("no disk today")

    with monkeypatch.context() as broken:
        broken.setattr("services.index.state.write_durably", fail)
        running = asyncio.create_task(restorer.run())

        async def said() -> bool:
            return "no disk today" in (await restorer.check() or "")

        await eventually(said)
    assert await read_generation(redis, 1) is None

    async def restored() -> bool:
        return await restorer.check() is None

    await eventually(restored)
    running.cancel()
    assert (await held(redis, "a"))["rev"] == "2"
    assert await read_generation(redis, 1)
