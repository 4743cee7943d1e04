"""Rebuilding the index: it holds what the archive holds, whatever happens meanwhile, or nothing changes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from services.index.archive import Archive
from services.index.archive_reading import segment_path
from services.index.engine.home import IndexHome
from services.index.engine.protocol import IndexableEvent, IndexLocked, IndexUnusable, Query, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.reindex import Rebuild, ReindexReport, reindex
from shared.errors import ConfigurationError
from tests.index.articles import NOW, article_id, enriched, minutes, retracted


def titles(engine: TantivyEngine) -> list[str]:
    return sorted(hit.card["title"] for hit in engine.search(Query(size=100)).hits)


def store(engine: TantivyEngine, archive: Archive, *events: IndexableEvent) -> None:
    """Store events as the service does: archived before they are committed."""
    engine.upsert_many(events, NOW)
    archive.append(events, NOW)
    engine.commit()


def stocked(data_dir: Path) -> None:
    archive, engine = Archive(data_dir), TantivyEngine(data_dir)
    store(engine, archive, enriched("a", "a1"), enriched("b", "b1"), enriched("c", "c1"))
    store(engine, archive, enriched("a", "a3", revision=3), retracted("b"))
    store(engine, archive, enriched("a", "a2", revision=2), retracted("d", withheld=True))
    engine.close()
    archive.close()


def test_rebuilt_index_equals_the_one_it_replaces(tmp_path: Path) -> None:
    stocked(tmp_path)
    report = reindex(tmp_path)
    assert (report.records, report.written, report.superseded, report.failed) == (7, 6, 1, 0)
    assert report.directory == "index-2"
    engine = TantivyEngine(tmp_path)
    assert titles(engine) == ["a3", "c1"]
    removed, withheld = engine.get(article_id("b")), engine.get(article_id("d"))
    assert isinstance(removed, Tombstone)
    assert not removed.withheld
    assert isinstance(withheld, Tombstone)
    assert withheld.withheld
    assert [outcome.outcome for outcome in engine.upsert_many([enriched("b", "b9", revision=9)], NOW)] == [
        "stale"
    ]
    assert [path.name for path in (tmp_path / "index").glob("index-*")] == ["index-2"]
    engine.close()


def test_rebuilding_twice_gives_the_same(tmp_path: Path) -> None:
    stocked(tmp_path)
    first, second = reindex(tmp_path), reindex(tmp_path)
    assert (second.written, second.directory) == (first.written, "index-3")


def test_articles_keep_the_time_they_were_indexed_at(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW - minutes(90))
    archive.close()
    reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert engine.search(Query()).hits[0].card["indexed_at"] == "2026-11-20T10:30:00Z"
    engine.close()


def test_articles_keep_the_order_they_arrived_in(tmp_path: Path) -> None:
    archive, engine = Archive(tmp_path), TantivyEngine(tmp_path)
    for step in range(3):
        events = [enriched(f"{step}-{n}", f"{step}-{n}") for n in range(5)]
        engine.upsert_many(events, NOW + minutes(step))
        archive.append(events, NOW + minutes(step))
        engine.commit()
    before = [hit.arrival for hit in engine.arrivals(Query(), None, 100)]
    engine.close()
    archive.close()
    reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert [hit.arrival for hit in engine.arrivals(Query(), None, 100)] == before
    engine.close()


def test_progress_is_reported(tmp_path: Path) -> None:
    stocked(tmp_path)
    seen: list[tuple[int, int]] = []
    reindex(tmp_path, lambda report, remaining: seen.append((report.records, remaining)))
    assert seen[-1] == (7, 0)


def test_damage_is_reported_and_the_rest_rebuilt(tmp_path: Path) -> None:
    stocked(tmp_path)
    path = segment_path(tmp_path / "archive", 1)
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(content)
    report = reindex(tmp_path)
    assert (report.damaged_frames, report.records) == (1, 4)


def test_without_an_archive_nothing_is_replaced(tmp_path: Path) -> None:
    engine = TantivyEngine(tmp_path)
    engine.upsert_many([enriched("a", "kept")], NOW)
    engine.commit()
    engine.close()
    with pytest.raises(ConfigurationError, match="no archive"):
        reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert titles(engine) == ["kept"]
    engine.close()


def test_offline_rebuild_is_refused_while_the_service_runs(tmp_path: Path) -> None:
    stocked(tmp_path)
    engine = TantivyEngine(tmp_path)
    with pytest.raises(IndexLocked, match=str(os.getpid())):
        reindex(tmp_path)
    with pytest.raises(IndexLocked):
        TantivyEngine(tmp_path)
    engine.close()
    assert reindex(tmp_path).written == 6


def test_interrupted_rebuild_leaves_the_old_index_in_use(tmp_path: Path) -> None:
    stocked(tmp_path)

    def interrupt(_report: ReindexReport, _remaining: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reindex(tmp_path, interrupt)
    assert (tmp_path / "index" / "index-2").is_dir()
    engine = TantivyEngine(tmp_path)
    assert titles(engine) == ["a3", "c1"]
    assert engine.stats().directory == "index-1"
    assert [path.name for path in (tmp_path / "index").glob("index-*")] == ["index-1"]
    engine.close()


def test_crash_after_the_flip_leaves_the_new_index_in_use(tmp_path: Path) -> None:
    stocked(tmp_path)
    home = IndexHome(tmp_path)
    home.lock()
    Rebuild(home, tmp_path / "archive").switch()
    home.unlock()
    engine = TantivyEngine(tmp_path)
    assert engine.stats().directory == "index-2"
    assert titles(engine) == ["a3", "c1"]
    assert [path.name for path in (tmp_path / "index").glob("index-*")] == ["index-2"]
    engine.close()


def test_online_rebuild_loses_nothing_that_comes_in_meanwhile(tmp_path: Path) -> None:
    stocked(tmp_path)
    archive, engine = Archive(tmp_path), TantivyEngine(tmp_path)
    rebuild = Rebuild(engine.home, archive.path)
    store(engine, archive, enriched("e", "e1"))
    rebuild.catch_up()
    store(engine, archive, enriched("f", "f1"), retracted("c"))
    assert titles(engine) == ["a3", "e1", "f1"]
    rebuild.switch()
    assert engine.reopen_if_moved()
    assert not engine.reopen_if_moved()
    assert engine.stats().directory == "index-2"
    assert titles(engine) == ["a3", "e1", "f1"]
    store(engine, archive, enriched("g", "g1"), enriched("c", "c9", revision=9))
    assert titles(engine) == ["a3", "e1", "f1", "g1"]
    assert engine.health().ok
    assert [path.name for path in (tmp_path / "index").glob("index-*")] == ["index-2"]
    engine.close()
    archive.close()


def test_abandoned_online_rebuild_changes_nothing(tmp_path: Path) -> None:
    stocked(tmp_path)
    engine = TantivyEngine(tmp_path)
    rebuild = Rebuild(engine.home, tmp_path / "archive")
    rebuild.catch_up()
    rebuild.abandon()
    assert not engine.reopen_if_moved()
    assert titles(engine) == ["a3", "c1"]
    engine.close()
    TantivyEngine(tmp_path).close()
    assert [path.name for path in (tmp_path / "index").glob("index-*")] == ["index-1"]


def test_rebuilt_index_that_cannot_be_opened_is_not_gone_over_to(tmp_path: Path) -> None:
    stocked(tmp_path)
    archive, engine = Archive(tmp_path), TantivyEngine(tmp_path)
    Rebuild(engine.home, archive.path).switch()
    (tmp_path / "index" / "index-2" / "meta.json").write_text("{")
    with pytest.raises(IndexUnusable):
        engine.reopen_if_moved()
    store(engine, archive, enriched("z", "z1"))
    assert engine.health().ok
    engine.close()
    archive.close()
    engine = TantivyEngine(tmp_path)
    assert titles(engine) == ["a3", "c1", "z1"]
    engine.close()


def test_going_over_with_uncommitted_writes_is_refused(tmp_path: Path) -> None:
    stocked(tmp_path)
    engine = TantivyEngine(tmp_path)
    Rebuild(engine.home, tmp_path / "archive").switch()
    engine.upsert_many([enriched("z")], NOW)
    with pytest.raises(RuntimeError, match="commit before"):
        engine.reopen_if_moved()
    engine.commit()
    assert engine.reopen_if_moved()
    engine.close()


def test_other_schema_refuses_to_open_and_a_rebuild_mends_it(tmp_path: Path) -> None:
    stocked(tmp_path)
    (tmp_path / "index" / "index-1" / "schema.json").write_text(json.dumps({"schema_version": 0}))
    with pytest.raises(IndexUnusable, match=r"schema 0.*wireroom reindex"):
        TantivyEngine(tmp_path)
    reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert titles(engine) == ["a3", "c1"]
    engine.close()


@pytest.mark.parametrize("damage", ["schema.json", "meta.json"])
def test_damaged_index_says_how_to_mend_it(tmp_path: Path, damage: str) -> None:
    stocked(tmp_path)
    (tmp_path / "index" / "index-1" / damage).write_text("{")
    with pytest.raises(IndexUnusable, match="wireroom reindex"):
        TantivyEngine(tmp_path)
    reindex(tmp_path)
    TantivyEngine(tmp_path).close()


def test_missing_pointer_never_costs_an_index(tmp_path: Path) -> None:
    stocked(tmp_path)
    (tmp_path / "index" / "CURRENT").unlink()
    with pytest.raises(IndexUnusable, match="index-1"):
        TantivyEngine(tmp_path)
    assert (tmp_path / "index" / "index-1").is_dir()


@pytest.mark.parametrize("name", ["index-9", "../archive", "index-1/../..", ""])
def test_pointer_to_nowhere_is_refused(tmp_path: Path, name: str) -> None:
    stocked(tmp_path)
    (tmp_path / "index" / "CURRENT").write_text(name)
    with pytest.raises(IndexUnusable, match="wireroom reindex"):
        TantivyEngine(tmp_path)
