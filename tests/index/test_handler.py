"""The store handler: archive, commit, and what the runtime is told of each event."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.index.archive import Archive
from services.index.engine.protocol import IndexableEvent, Query, StoredArticle
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.handler import BUSY_ENTRIES, StoreHandler
from shared.errors import TransientError
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Done, Entry, Result
from tests.support import article_id, enriched, retracted


class FullDisk(Archive):
    """An archive whose disk is full until `free` is set."""

    free = False

    def append(self, events: Sequence[IndexableEvent], archived_at: datetime) -> None:
        if not self.free:
            raise OSError(28, "No space left on device")
        super().append(events, archived_at)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def handler_of(engine: TantivyEngine, archive: Archive) -> StoreHandler:
    return StoreHandler(
        engine,
        archive,
        Metrics(),
        full_batch=500,
        commit_interval_s=0,
        clock=lambda: datetime(2026, 11, 25, 9, tzinfo=UTC),
    )


def deliveries(*events: IndexableEvent) -> list[Delivery]:
    return [Delivery(Entry(f"{n}-0", {}), event) for n, event in enumerate(events, 1)]


def stages(results: Sequence[Result]) -> list[str | None]:
    assert all(isinstance(result, Done) for result in results), results
    return [result.stage for result in results if isinstance(result, Done)]


async def test_a_stored_batch_is_searchable_and_archived(engine: TantivyEngine, tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    results = await handler_of(engine, archive)(deliveries(enriched("a"), enriched("b")))
    assert stages(results) == ["indexed", "indexed"]
    assert isinstance(engine.get(article_id("a")), StoredArticle)
    assert [record.event.article_id for record in archive.read()] == [article_id("a"), article_id("b")]
    archive.close()


async def test_a_redelivered_article_is_indexed_and_archived_once(
    engine: TantivyEngine, tmp_path: Path
) -> None:
    archive = Archive(tmp_path)
    handler = handler_of(engine, archive)
    await handler(deliveries(enriched("a")))
    assert stages(await handler(deliveries(enriched("a")))) == ["indexed"]
    assert len(list(archive.read())) == 1
    assert engine.stats().articles == 1
    archive.close()


async def test_stale_revisions_are_superseded_and_takedowns_need_no_receipt(
    engine: TantivyEngine, tmp_path: Path
) -> None:
    archive = Archive(tmp_path)
    events = (
        enriched("a", revision=2),
        enriched("a", revision=1),
        enriched("b"),
        retracted("b"),
        enriched("b"),
    )
    results = await handler_of(engine, archive)(deliveries(*events))
    assert stages(results) == ["indexed", "superseded", "indexed", None, "superseded"]
    archive.close()


@pytest.mark.parametrize("withheld", [False, True], ids=["taken down", "withheld"])
async def test_a_redelivered_takedown_is_not_called_indexed(
    engine: TantivyEngine, tmp_path: Path, withheld: bool
) -> None:
    archive = Archive(tmp_path)
    handler = handler_of(engine, archive)
    takedown = retracted("a", revision=2, withheld=withheld)
    await handler(deliveries(enriched("a"), takedown))
    assert "indexed" not in stages(await handler(deliveries(takedown)))
    archive.close()


async def test_nothing_is_searchable_while_the_archive_cannot_be_written(
    engine: TantivyEngine, tmp_path: Path
) -> None:
    archive = FullDisk(tmp_path)
    handler = handler_of(engine, archive)
    with pytest.raises(TransientError, match="No space left"):
        await handler(deliveries(enriched("a")))
    # What failed must not slip in with the next commit either.
    engine.commit()
    assert engine.get(article_id("a")) is None
    archive.free = True
    assert stages(await handler(deliveries(enriched("a")))) == ["indexed"]
    assert isinstance(engine.get(article_id("a")), StoredArticle)
    assert len(list(archive.read())) == 1
    archive.close()


async def test_articles_arrive_in_order_although_the_clock_is_set_back(
    engine: TantivyEngine, tmp_path: Path
) -> None:
    archive = Archive(tmp_path)
    nine = datetime(2026, 11, 25, 9, tzinfo=UTC)
    for key, at in (("a", nine), ("b", nine - timedelta(hours=1)), ("c", nine)):
        # A handler of its own each time: a restart does not forget either.
        handler = StoreHandler(
            engine, archive, Metrics(), full_batch=9, commit_interval_s=0, clock=lambda at=at: at
        )
        await handler(deliveries(enriched(key)))
    hits = engine.arrivals(Query(), None, 10)
    assert [hit.id for hit in hits] == [article_id(key) for key in "abc"]
    assert [record.archived_at for record in archive.read()] == [
        nine + timedelta(microseconds=n) for n in range(3)
    ]
    archive.close()


async def test_commits_are_paced_unless_there_is_a_backlog(
    engine: TantivyEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path)
    handler = StoreHandler(engine, archive, Metrics(), full_batch=100, commit_interval_s=0.2)
    asked: list[float] = []

    async def sleep(delay_s: float) -> None:
        asked.append(delay_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    for entries, interval_s in ((1, 0.2), (BUSY_ENTRIES, 0.4)):
        before = time.monotonic()
        await handler(deliveries(enriched(str(entries))))
        await handler.pace(entries)
        passed_s = time.monotonic() - before
        # What the commit took is part of the interval.
        assert interval_s - passed_s <= asked.pop() < interval_s
    await handler.pace(100)
    archive.close()
    assert asked == []
