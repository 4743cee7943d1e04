"""Switching to re-enriched articles: all at once, after what came in meanwhile, and not half by any crash."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.index import switching
from services.index.archive import Archive, archive_line
from services.index.archive_reading import ArchiveReader, list_segments, segment_path
from services.index.engine.protocol import IndexableEvent, IndexLocked, Query, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.opening import open_engine
from services.index.reindex import Rebuild, reindex
from services.index.replacement import Replacement, replace_offline
from services.index.staging import Run, Staging, StagingRefused, discard, read_run
from shared.errors import ConfigurationError
from shared.events import ArticleEnriched
from tests.index.articles import NOW, article_id, enriched, minutes, retracted

RUN = Run(id="0" * 32, purpose={})
INDEXED_AT = NOW - minutes(90)


def store(data_dir: Path, *events: IndexableEvent) -> None:
    archive, engine = Archive(data_dir), TantivyEngine(data_dir)
    engine.upsert_many(events, INDEXED_AT)
    archive.append(events, INDEXED_AT)
    engine.commit()
    engine.close()
    archive.close()


def again(key: str, *, revision: int = 1) -> IndexableEvent:
    return enriched(key, f"{key} again", revision=revision, enriched_at=NOW)


def stage(data_dir: Path, *events: IndexableEvent, complete: bool = True) -> None:
    staging = Staging(data_dir)
    staging.begin(RUN)
    staging.append([archive_line(event, INDEXED_AT) for event in events])
    staging.save({}, complete=complete)
    staging.close()


def titles(data_dir: Path) -> list[str]:
    archive = Archive(data_dir)
    engine = open_engine(data_dir, archive)
    found = sorted(hit.card["title"] for hit in engine.search(Query(size=100)).hits)
    engine.close()
    archive.close()
    return found


def prepared(data_dir: Path) -> None:
    store(data_dir, enriched("a", "a first"), enriched("b", "b first"), enriched("c", "c first"))
    stage(data_dir, again("a"), again("b"))


def test_all_re_enriched_articles_are_served_and_archived(tmp_path: Path) -> None:
    prepared(tmp_path)
    report = replace_offline(tmp_path, RUN.id)
    assert report == {"re_enriched": 2, "overtaken": 0, "directory": "index-2"}
    assert titles(tmp_path) == ["a again", "b again", "c first"]
    assert not (tmp_path / "re-enrich").exists()
    reindex(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first"]


def test_they_keep_the_time_they_were_indexed_at(tmp_path: Path) -> None:
    prepared(tmp_path)
    replace_offline(tmp_path, RUN.id)
    engine = TantivyEngine(tmp_path)
    assert {hit.card["indexed_at"] for hit in engine.search(Query()).hits} == {"2026-11-20T10:30:00Z"}
    engine.close()


def test_a_takedown_and_a_newer_revision_win_wherever_they_meet(tmp_path: Path) -> None:
    prepared(tmp_path)
    store(tmp_path, retracted("a"), enriched("b", "b corrected", revision=2))
    report = replace_offline(tmp_path, RUN.id)
    assert (report["re_enriched"], report["overtaken"]) == (0, 2)
    assert titles(tmp_path) == ["b corrected", "c first"]
    engine = TantivyEngine(tmp_path)
    assert isinstance(engine.get(article_id("a")), Tombstone)
    engine.close()
    archived = [r.event for r in ArchiveReader(tmp_path / "archive") if isinstance(r.event, ArticleEnriched)]
    assert not [event for event in archived if "again" in event.article.title]


def test_the_archive_goes_on_behind_what_joined_it(tmp_path: Path) -> None:
    prepared(tmp_path)
    replace_offline(tmp_path, RUN.id)
    store(tmp_path, enriched("d", "d first"))
    assert [r.event.article_id for r in ArchiveReader(tmp_path / "archive")][-1] == article_id("d")
    reindex(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first", "d first"]


@pytest.mark.parametrize(
    ("run_id", "complete"), [("1" * 32, True), (RUN.id, False)], ids=["another run", "not complete"]
)
def test_another_or_unfinished_run_is_refused(tmp_path: Path, run_id: str, complete: bool) -> None:
    store(tmp_path, enriched("a", "a first"))
    stage(tmp_path, again("a"), complete=complete)
    with pytest.raises(StagingRefused):
        replace_offline(tmp_path, run_id)
    assert titles(tmp_path) == ["a first"]


def test_nothing_staged_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    store(tmp_path, enriched("a"))
    with pytest.raises(StagingRefused, match="no re-enriched articles"):
        replace_offline(tmp_path, RUN.id)
    assert not (tmp_path / "re-enrich").exists()


def test_a_run_that_is_still_being_made_is_refused(tmp_path: Path) -> None:
    prepared(tmp_path)
    staging = Staging(tmp_path)
    with pytest.raises(StagingRefused, match="at work"):
        replace_offline(tmp_path, RUN.id)
    staging.close()


def test_a_running_service_is_left_alone(tmp_path: Path) -> None:
    prepared(tmp_path)
    engine = TantivyEngine(tmp_path)
    with pytest.raises(IndexLocked):
        replace_offline(tmp_path, RUN.id)
    engine.close()


def test_damaged_staged_articles_are_not_left_out_in_silence(tmp_path: Path) -> None:
    prepared(tmp_path)
    path = segment_path(tmp_path / "re-enrich" / "archive", 1)
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(content + content)  # the last frame alone would be cut off as unfinished
    with pytest.raises(StagingRefused, match="damaged"):
        replace_offline(tmp_path, RUN.id)
    assert titles(tmp_path) == ["a first", "b first", "c first"]


# Each of these is called in the course of a switch, in this order.
STEPS: dict[str, tuple[object, str]] = {
    "while the index is built": (Rebuild, "catch_up"),
    "before articles are prepared": (Replacement, "prepare"),
    "before the note is written": (switching, "write_durably"),
    "after the note": (switching, "_carry_out"),
    "with segments moved": (switching, "fsync_directory"),
    "with all done but the note": (switching, "_clear"),
}


def _die_at(data_dir: Path, step: str) -> None:
    owner, name = STEPS[step]
    setattr(owner, name, lambda *_, **__: os._exit(9))
    replace_offline(data_dir, RUN.id)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_point_either_all_or_nothing_is_switched(tmp_path: Path, step: str) -> None:
    prepared(tmp_path)
    process = multiprocessing.get_context("fork").Process(target=_die_at, args=(tmp_path, step))
    process.start()
    process.join(30)
    assert process.exitcode == 9
    done = step in ("after the note", "with segments moved", "with all done but the note")
    expected = ["a again", "b again", "c first"] if done else ["a first", "b first", "c first"]
    assert titles(tmp_path) == expected
    reindex(tmp_path)
    assert titles(tmp_path) == expected, "the archive says the same"
    if done:
        assert not (tmp_path / "re-enrich").exists()
    else:
        assert replace_offline(tmp_path, RUN.id)["re_enriched"] == 2
        assert titles(tmp_path) == ["a again", "b again", "c first"]


@pytest.mark.parametrize(
    "next_step", [discard, lambda data_dir: Staging(data_dir).close()], ids=["discard", "run"]
)
def test_what_a_switch_has_begun_is_finished_before_the_staged_articles_go(
    tmp_path: Path, next_step: Callable[[Path], object]
) -> None:
    prepared(tmp_path)
    process = multiprocessing.get_context("fork").Process(
        target=_die_at, args=(tmp_path, "with segments moved")
    )
    process.start()
    process.join(30)
    next_step(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first"]
    reindex(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first"]


def test_offline_reindex_finishes_an_interrupted_switch_first(tmp_path: Path) -> None:
    prepared(tmp_path)
    process = multiprocessing.get_context("fork").Process(target=_die_at, args=(tmp_path, "after the note"))
    process.start()
    process.join(30)
    reindex(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first"]


def test_a_disk_that_fails_in_the_switch_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path)
    original: Callable[..., None] = switching.IndexHome.make_current

    def fail(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(switching.IndexHome, "make_current", fail)
    with pytest.raises(OSError, match="no space"):
        replace_offline(tmp_path, RUN.id)
    monkeypatch.setattr(switching.IndexHome, "make_current", original)
    assert list_segments(tmp_path / "archive") == [1]
    assert titles(tmp_path) == ["a first", "b first", "c first"]
    assert read_run(tmp_path) is not None
    assert replace_offline(tmp_path, RUN.id)["re_enriched"] == 2


def test_a_segment_that_took_the_number_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    prepared(tmp_path)
    process = multiprocessing.get_context("fork").Process(target=_die_at, args=(tmp_path, "after the note"))
    process.start()
    process.join(30)
    taken = segment_path(tmp_path / "archive", 2)
    taken.write_bytes(segment_path(tmp_path / "archive", 1).read_bytes())
    before = taken.read_bytes()
    assert titles(tmp_path) == ["a again", "b again", "c first"]
    assert taken.read_bytes() == before
    reindex(tmp_path)
    assert titles(tmp_path) == ["a again", "b again", "c first"]


def test_a_damaged_note_stops_the_start_and_says_what_to_do(tmp_path: Path) -> None:
    prepared(tmp_path)
    (tmp_path / "re-enrich" / "SWITCH").write_text('{"index": "../../etc", "segments": {}}')
    with pytest.raises(ConfigurationError, match="wireroom reindex"):
        Archive(tmp_path)
