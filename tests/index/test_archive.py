"""The archive: appended batches are durable and readable, damage costs one frame, a torn tail nothing."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import pytest
import zstandard

from services.index import archive as archive_module
from services.index.archive import Archive, ArchiveLocked
from services.index.archive_reading import (
    ArchiveReader,
    Position,
    list_segments,
    segment_path,
    whole_frames_end,
)
from tests.index.articles import NOW, article_id, enriched, minutes, retracted


def ids(reader: ArchiveReader) -> list[str]:
    return [record.event.article_id for record in reader]


def named(*keys: str) -> list[str]:
    return [article_id(key) for key in keys]


@pytest.fixture
def archive(tmp_path: Path):  # type: ignore[no-untyped-def]
    opened = Archive(tmp_path)
    yield opened
    opened.close()


def test_events_come_back_as_they_went_in(archive: Archive) -> None:
    article = enriched("a", "José", "Body", sentiment=0.5, enriched_at=NOW)
    takedown = retracted("b", reason="court order")
    archive.append([article, takedown], NOW)
    archive.append([enriched("c")], NOW + minutes(1))
    records = list(archive.read())
    assert [record.event for record in records][:2] == [article, takedown]
    assert [record.archived_at for record in records] == [NOW, NOW, NOW + minutes(1)]


def test_nothing_appended_is_nothing_read(archive: Archive) -> None:
    archive.append([], NOW)
    assert list(archive.read()) == []
    assert archive.stats().segments == 0


def test_appending_goes_on_after_reopening(tmp_path: Path) -> None:
    for key in "abc":
        archive = Archive(tmp_path)
        archive.append([enriched(key)], NOW)
        archive.close()
    assert ids(ArchiveReader(tmp_path / "archive")) == named("a", "b", "c")
    assert list_segments(tmp_path / "archive") == [1]


def test_zstdcat_reads_a_segment(archive: Archive) -> None:
    zstdcat = shutil.which("zstdcat")
    if zstdcat is None:
        pytest.skip("no zstdcat on this machine")
    for key in "abc":
        archive.append([enriched(key), retracted(key)], NOW)
    path = segment_path(archive.path, 1)
    lines = subprocess.run([zstdcat, str(path)], check=True, capture_output=True).stdout.splitlines()
    assert [json.loads(line)["event"]["type"] for line in lines] == [
        "ArticleEnriched",
        "ArticleRetracted",
    ] * 3


def test_segments_rotate_and_are_read_in_order(tmp_path: Path) -> None:
    archive = Archive(tmp_path, segment_bytes=1_000)
    keys = [str(n) for n in range(30)]
    for key in keys:
        archive.append([enriched(key)], NOW)
    stats = archive.stats()
    assert stats.segments > 3
    assert stats.size_bytes == sum(path.stat().st_size for path in archive.path.glob("*.zst"))
    assert all(path.stat().st_size <= 1_000 for path in archive.path.glob("*.zst"))
    assert ids(archive.read()) == named(*keys)
    archive.close()


def test_large_batch_is_split_into_frames(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "_FRAME_BYTES", 2_000)
    keys = [str(n) for n in range(20)]
    archive.append([enriched(key) for key in keys], NOW)
    data = segment_path(archive.path, 1).read_bytes()
    assert data.count(zstandard.FRAME_HEADER) > 3
    assert ids(archive.read()) == named(*keys)


def test_second_opener_is_refused(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveLocked, match=str(os.getpid())):
        Archive(tmp_path)


def test_tail_cut_at_any_byte_loses_only_its_frame(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW)
    archive.append([enriched("b"), enriched("c")], NOW)
    path = segment_path(archive.path, 1)
    whole = path.stat().st_size
    archive.append([enriched("d")], NOW)
    archive.close()
    content = path.read_bytes()
    for cut in range(whole, len(content)):
        path.write_bytes(content[:cut])
        assert whole_frames_end(io.BytesIO(content[:cut])) == whole
        assert ids(reader := ArchiveReader(archive.path)) == named("a", "b", "c")
        assert reader.damaged_frames == 0
        if cut % 16:
            continue
        reopened = Archive(tmp_path)
        assert path.stat().st_size == whole
        assert reopened.stats().recovered_bytes == cut - whole
        reopened.close()
    reopened = Archive(tmp_path)
    reopened.append([enriched("e")], NOW)
    reopened.close()
    assert ids(ArchiveReader(archive.path)) == named("a", "b", "c", "e")


def test_first_frame_torn_leaves_an_empty_segment_to_go_on_with(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW)
    archive.close()
    path = segment_path(archive.path, 1)
    path.write_bytes(path.read_bytes()[:-1])
    reopened = Archive(tmp_path)
    reopened.append([enriched("b")], NOW)
    reopened.close()
    assert ids(ArchiveReader(archive.path)) == named("b")


@pytest.mark.parametrize("filler", [b"\0" * 5_000, b"not a frame at all", zstandard.FRAME_HEADER * 3])
def test_tail_of_garbage_is_cut_off(tmp_path: Path, filler: bytes) -> None:
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW)
    archive.close()
    path = segment_path(archive.path, 1)
    whole = path.read_bytes()
    path.write_bytes(whole + filler)
    Archive(tmp_path).close()
    assert path.read_bytes() == whole


def test_tail_with_its_length_but_not_its_content_is_cut_off(tmp_path: Path) -> None:
    """What a power loss can leave: the file system kept the size of the last write and zeros for its data."""
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW)
    path = segment_path(archive.path, 1)
    whole = path.stat().st_size
    archive.append([enriched("b", body="words that take some room " * 50)], NOW)
    archive.close()
    content = path.read_bytes()
    path.write_bytes(content[:-20] + b"\0" * 20)
    Archive(tmp_path).close()
    assert path.stat().st_size == whole


@pytest.mark.parametrize(
    ("damage", "level"),
    [(lambda end: end[:-3], "warning"), (lambda end: end[:-9] + b"\0" * 9, "error")],
    ids=["unfinished", "whole but damaged"],
)
def test_what_is_cut_off_is_told(
    tmp_path: Path, damage: Callable[[bytes], bytes], level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = Archive(tmp_path)
    archive.append([enriched("a")], NOW)
    archive.append([enriched("b")], NOW)
    archive.close()
    path = segment_path(archive.path, 1)
    path.write_bytes(damage(path.read_bytes()))
    log = Mock()
    monkeypatch.setattr("services.index.archive.log", log)
    Archive(tmp_path).close()
    ((said, (words,), fields),) = log.method_calls
    assert said == level
    assert "cut off" in words
    assert fields["segment"] == path.name


def test_damage_inside_is_counted_and_costs_its_frame_only(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    borders = [0]
    for key in "abcd":
        archive.append([enriched(key, body=f"{key} " * 100)], NOW)
        borders.append(segment_path(archive.path, 1).stat().st_size)
    archive.close()
    path = segment_path(archive.path, 1)
    content = path.read_bytes()
    rng = random.Random(3)
    for _ in range(60):
        at = rng.randrange(borders[1], borders[2])
        damaged = bytearray(content)
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        reader = ArchiveReader(archive.path)
        found = ids(reader)
        # A flip in bits that carry nothing (a reserved one) may do no harm at all.
        assert found in (named("a", "c", "d"), named("a", "b", "c", "d"))
        assert reader.damaged_frames == 4 - len(found)
        Archive(tmp_path).close()
        assert path.read_bytes() == damaged, "opening must not cut off what can be read"


def test_damage_in_an_old_segment_does_not_hide_the_next(tmp_path: Path) -> None:
    archive = Archive(tmp_path, segment_bytes=1)
    for key in "abc":
        archive.append([enriched(key)], NOW)
    archive.close()
    path = segment_path(archive.path, 2)
    path.write_bytes(path.read_bytes()[:-3])
    reader = ArchiveReader(archive.path)
    assert ids(reader) == named("a", "c")
    assert (reader.damaged_frames, reader.damaged_segments) == (1, {2})


def test_line_that_is_no_event_is_counted(archive: Archive) -> None:
    archive.append([enriched("a")], NOW)
    lines = b'{"archived_at":"2026-11-20T12:00:00Z","event":{"type":"Nonsense"}}\nnot json\n'
    path = segment_path(archive.path, 1)
    path.write_bytes(path.read_bytes() + zstandard.ZstdCompressor().compress(lines))
    reader = archive.read()
    assert ids(reader) == named("a")
    assert reader.damaged_records == 2


def test_frame_that_claims_any_amount_of_memory_is_damage(archive: Archive) -> None:
    archive.append([enriched("a")], NOW)
    path = segment_path(archive.path, 1)
    bomb = bytearray(zstandard.ZstdCompressor(write_content_size=True).compress(b"x" * 100_000))
    bomb[5:9] = b"\xff\xff\xff\xff"
    path.write_bytes(path.read_bytes() + bytes(bomb) + path.read_bytes())
    reader = archive.read()
    assert ids(reader) == named("a", "a")
    assert reader.damaged_frames == 1


def test_reader_goes_on_from_where_it_stopped(archive: Archive) -> None:
    archive.append([enriched("a")], NOW)
    reader = archive.read()
    assert ids(reader) == named("a")
    assert reader.remaining_bytes() == 0
    archive.append([enriched("b")], NOW)
    assert reader.remaining_bytes() > 0
    assert ids(reader) == named("b")
    assert ids(ArchiveReader(archive.path, Position(1, 0))) == named("a", "b")


def test_reader_waits_for_a_frame_that_is_being_written(archive: Archive) -> None:
    archive.append([enriched("a")], NOW)
    reader = archive.read()
    path = segment_path(archive.path, 1)
    frame = path.read_bytes()
    with path.open("ab") as file:
        file.write(frame[:-5])
        file.flush()
        assert ids(reader) == named("a")
        file.write(frame[-5:])
    assert ids(reader) == named("a")
    assert reader.damaged_frames == 0


def test_failed_write_leaves_nothing_and_the_next_succeeds(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.append([enriched("a")], NOW)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(archive_module.os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            archive.append([enriched("b")], NOW)
    archive.append([enriched("c")], NOW)
    assert ids(archive.read()) == named("a", "c")


def test_reading_takes_constant_memory(tmp_path: Path) -> None:
    archive = Archive(tmp_path, segment_bytes=200_000)
    rng = random.Random(5)
    for batch in range(40):
        archive.append([enriched(f"{batch}-{n}", body=rng.randbytes(4_000).hex()) for n in range(20)], NOW)
    total = archive.stats().size_bytes
    archive.close()
    tracemalloc.start()
    count = sum(1 for _ in ArchiveReader(tmp_path / "archive"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 800
    assert total > 3_000_000
    assert peak < 2_000_000


def test_appends_go_on_behind_room_left_for_others(archive, tmp_path: Path) -> None:
    archive.append([enriched("a")], NOW)
    first = archive.leave_room(2)
    assert first == 2
    archive.append([enriched("c")], NOW)
    assert list_segments(archive.path) == [1, 4]
    shutil.copy(segment_path(archive.path, 1), segment_path(archive.path, first))
    assert ids(archive.read()) == named("a", "a", "c")
    archive.close()
    again = Archive(tmp_path)
    again.append([enriched("d")], NOW)
    assert ids(again.read()) == named("a", "a", "c", "d")
    again.close()


def test_lines_of_a_reader_are_appended_as_they_are(archive, tmp_path: Path) -> None:
    archive.append([enriched("a"), retracted("b")], NOW - minutes(5))
    copy = Archive(tmp_path / "copy")
    copy.append_lines(list(archive.read().lines()))
    assert list(copy.read().lines()) == list(archive.read().lines())
    assert copy.end == Position(1, copy.stats().size_bytes)
    copy.close()
