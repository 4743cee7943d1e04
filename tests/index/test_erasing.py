"""Erasing from the archive and the index, beside a service that goes on, and again after an interruption."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zstandard
from redis.asyncio import Redis

from services.index import archive_erasing, erasing
from services.index.archive import Archive, archive_line, new_compressor
from services.index.archive_erasing import erase_from_segments, find_in_segment
from services.index.archive_reading import ArchiveReader, list_segments, segment_path
from services.index.engine.protocol import IndexableEvent, StoredArticle, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.erasing import Eraser, NotTakenDown
from services.index.erasures import Erasures
from services.index.handler import StoreHandler
from services.index.maintenance import Reindexer
from services.index.staging import Run, Staging
from services.index.state import StateRestorer
from shared.erasing import Erased
from shared.errors import ConfigurationError
from shared.events import Related
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Entry
from shared.streams import article_key
from tests.support import NOW, article_id, enriched, eventually, retracted

ID = article_id("gone")
LINK = Related(kind="similar", id=ID, url="https://a/", title="Canaryzq", score=0.5, why="shares: x")


def content(directory: Path) -> bytes:
    """Return all bytes of the archive, decompressed."""
    parts = []
    for path in sorted(directory.iterdir()):
        data = path.read_bytes()
        if ".zst" in path.name and data:
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
                data = reader.read()
        parts.append(data)
    return b"".join(parts)


@pytest.fixture
def archive(tmp_path: Path) -> Any:
    opened = Archive(tmp_path)
    yield opened
    opened.close()


def fill(archive: Archive) -> None:
    archive.append([enriched("a"), enriched("gone", title="Canaryzq"), enriched("b", related=(LINK,))], NOW)
    archive.append([enriched("c")], NOW)
    archive.append([retracted("gone")], NOW)


def erase(archive: Archive) -> archive_erasing.ArchiveErasure:
    return erase_from_segments(archive.path, archive.seal(), Erased({ID: 0}), new_compressor())


def test_records_and_links_go_from_the_archive_and_the_rest_stays(archive: Archive) -> None:
    fill(archive)
    untouched = [r for r in ArchiveReader(archive.path) if r.event.article_id == article_id("c")]
    found = erase(archive)
    assert (found.records, found.links, found.damaged_frames) == (1, 1, 0)
    events = [record.event for record in archive.read()]
    assert events == [enriched("a"), enriched("b"), enriched("c"), retracted("gone")]
    assert [r for r in archive.read() if r.event.article_id == article_id("c")] == untouched
    assert b"Canaryzq" not in content(archive.path)
    assert erase(archive).left == 0


def test_appending_goes_on_after_a_segment_was_finished(archive: Archive, tmp_path: Path) -> None:
    assert archive.seal() == []
    fill(archive)
    assert archive.seal() == [1] == archive.seal()
    archive.append([enriched("d")], NOW)
    assert list_segments(archive.path) == [1, 2]
    erase(archive)
    archive.close()
    reopened = Archive(tmp_path)
    reopened.append([enriched("e")], NOW)
    names = [record.event.article_id for record in reopened.read()]
    assert names == [article_id(name) for name in ("a", "b", "c", "gone", "d", "e")]
    reopened.close()


def test_damage_is_counted_and_left_as_it_is(archive: Archive) -> None:
    fill(archive)
    archive.seal()
    path = segment_path(archive.path, 1)
    data = path.read_bytes()
    path.write_bytes(b"damage" * 10 + data)
    found = erase(archive)
    assert (found.records, found.links, found.damaged_frames) == (1, 1, 1)
    assert path.read_bytes().startswith(b"damage" * 10)
    assert find_in_segment(path, Erased({ID: 0})).left == 0


def test_a_crash_before_the_renaming_leaves_the_segment_and_a_draft_that_goes(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(archive)

    def crash(*_: object) -> None:
        raise OSError("power loss")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="power loss"):
        erase(archive)
    monkeypatch.undo()
    assert [r.event for r in archive.read()][1] == enriched("gone", title="Canaryzq")
    assert list(archive.path.glob("*.erasing"))
    archive_erasing.remove_drafts(archive.path)
    assert not list(archive.path.glob("*.erasing"))
    assert erase(archive).records == 1 and b"Canaryzq" not in content(archive.path)


@dataclass
class Service:
    """The parts of an index service that erasing works with."""

    data_dir: Path
    redis: Redis
    engine: TantivyEngine
    archive: Archive
    erasures: Erasures = field(init=False)
    handler: StoreHandler = field(init=False)

    def __post_init__(self) -> None:
        self.erasures = Erasures(self.archive.path)
        self.handler = StoreHandler(
            self.engine,
            self.archive,
            Metrics(),
            full_batch=1,
            commit_interval_s=0,
            unlinked=lambda event: self.erasures.unlinked(event),
        )

    def eraser(self) -> Eraser:
        lock = self.handler.lock
        states = StateRestorer(
            self.redis, self.archive, lock, file=self.data_dir / "STATE", partitions=1, ttl_s=3600,
            batch_timeout_s=1, metrics=Metrics(),
        )  # fmt: skip
        self.erasures = Erasures(self.archive.path)
        reindexer = Reindexer(self.engine, self.archive, lock)
        return Eraser(
            self.erasures, self.redis, self.engine, self.archive, reindexer, states, lock, partitions=1
        )

    async def store(self, *events: IndexableEvent) -> None:
        await self.handler([Delivery(Entry("1-0", {}), event) for event in events])

    async def take_down(self) -> None:
        await self.redis.hset(article_key(ID, 1), mapping={"tomb": "1", "epoch": "0"})
        await self.store(retracted("gone"))


@pytest.fixture
async def service(tmp_path: Path, redis: Redis, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Service]:
    monkeypatch.setattr(erasing, "FORGETTING_S", 0.01)
    monkeypatch.setattr(erasing, "RETRY_S", 0.05)
    monkeypatch.setattr(erasing, "ARRIVAL_TIMEOUT_S", 0.1)
    service = Service(tmp_path, redis, TantivyEngine(tmp_path), Archive(tmp_path))
    await service.store(enriched("a"), enriched("gone", title="Canaryzq"), enriched("b", related=(LINK,)))
    yield service
    service.engine.close()
    service.archive.close()


async def test_an_erased_article_is_in_neither_archive_nor_index_and_a_report_says_so(
    service: Service,
) -> None:
    await service.take_down()
    eraser = service.eraser()
    running = asyncio.create_task(eraser.run())
    asked = await eraser.ask([ID, ID])
    await eventually(lambda: not service.erasures.pending)
    running.cancel()
    report = service.erasures.get(asked.number)
    assert report is not None and report.problem is None and report.attempts == 1
    places = {place.place: place for place in report.places}
    assert (places["archive"].removed, places["archive"].left) == (1, 0)
    assert b"Canaryzq" not in content(service.archive.path)
    assert isinstance(service.engine.get(ID), Tombstone)
    other = service.engine.get(article_id("b"))
    assert isinstance(other, StoredArticle) and b"Canaryzq" not in other.json
    assert service.engine.stats().articles == 2


async def test_what_a_re_enrichment_has_staged_is_erased_too_once_nobody_writes_it(service: Service) -> None:
    await service.take_down()
    staging = Staging(service.data_dir)
    staging.begin(Run(id="0" * 32, purpose={}))
    staging.append([archive_line(enriched("gone", title="Canaryzq"), NOW)])
    staging.save({}, complete=True)
    eraser = service.eraser()
    running = asyncio.create_task(eraser.run())
    await eraser.ask([ID])
    await eventually(lambda: "re-enrich is running" in (service.erasures.pending[0].problem or ""))
    staging.close()
    await eventually(lambda: not service.erasures.pending)
    running.cancel()
    assert not staging.path.exists()


async def test_what_is_served_is_not_erased(service: Service) -> None:
    with pytest.raises(NotTakenDown, match=ID):
        await service.eraser().ask([ID])
    assert service.erasures.all == ()


async def test_a_takedown_that_is_on_its_way_is_waited_for(service: Service) -> None:
    await service.redis.hset(article_key(ID, 1), mapping={"tomb": "1"})
    eraser = service.eraser()
    running = asyncio.create_task(eraser.run())
    await eraser.ask([ID])
    await eventually(lambda: "not come to the index" in str(service.erasures.all[0].problem))
    await service.store(retracted("gone"))
    await eventually(lambda: not service.erasures.pending)
    running.cancel()
    assert service.erasures.all[0].problem is None


@pytest.mark.parametrize(
    "step", ["tell_ingest", "erase_from_streams", "scrub_articles", "erase_from_segments", "rewrite_files"]
)
async def test_an_erasure_that_was_interrupted_anywhere_is_finished_at_the_next_start(
    service: Service, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await service.take_down()
    real, interrupted = getattr(erasing, step), asyncio.Event()
    loop = asyncio.get_running_loop()

    def interrupt(*_: object) -> object:
        loop.call_soon_threadsafe(interrupted.set)
        raise OSError("killed here")

    monkeypatch.setattr(erasing, step, interrupt)
    eraser = service.eraser()
    running = asyncio.create_task(eraser.run())
    await eraser.ask([ID])
    await asyncio.wait_for(interrupted.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    monkeypatch.setattr(erasing, step, real)
    running = asyncio.create_task(service.eraser().run())
    await eventually(lambda: not service.erasures.pending)
    running.cancel()
    places = {place.place: place for place in service.erasures.all[0].places}
    assert places["archive"].removed == 1, "what the first attempt found is still told"
    assert b"Canaryzq" not in content(service.archive.path)


async def test_an_article_that_comes_later_keeps_no_link_to_an_erased_one(service: Service) -> None:
    await service.take_down()
    await service.eraser().ask([ID])
    await service.store(enriched("late", related=(LINK,)))
    assert b"late" in content(service.archive.path)
    late = [r.event for r in service.archive.read() if r.event.article_id == article_id("late")]
    assert late == [enriched("late")]


async def test_a_restored_article_may_be_linked_to_again(service: Service) -> None:
    await service.take_down()
    await service.eraser().ask([ID])
    await service.store(enriched("gone", epoch=1))
    await service.store(enriched("late", related=(LINK,)))
    late = service.engine.get(article_id("late"))
    assert isinstance(late, StoredArticle) and b"Canaryzq" in late.json


def test_a_list_that_cannot_be_read_stops_the_service(tmp_path: Path) -> None:
    (tmp_path / "erasures.json").write_text("{")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        Erasures(tmp_path)
