"""Erasing articles from segments of the archive that nobody appends to any more.

A segment that holds any of them is written anew beside the old one, synced, and renamed over it: a crash
leaves the old one or the new one. Frames without them are copied as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import zstandard
from pydantic_core import from_json, to_json

from services.index.archive_reading import decompressed, frame_end, next_frame, segment_path
from shared.durable import fsync_directory
from shared.erasing import Erased

DRAFT_SUFFIX = ".erasing"
_COPY_BYTES = 1 << 20


@dataclass(slots=True)
class ArchiveErasure:
    """What was found: records of content, links in others, and frames that are too damaged to tell."""

    records: int = 0
    links: int = 0
    damaged_frames: int = 0

    @property
    def left(self) -> int:
        return self.records + self.links


def remove_drafts(directory: Path) -> None:
    """Remove what an interruption has left of segments that were being written anew."""
    for draft in directory.glob(f"*{DRAFT_SUFFIX}"):
        draft.unlink()


def erase_from_segments(
    directory: Path, numbers: Sequence[int], erased: Erased, compressor: zstandard.ZstdCompressor
) -> ArchiveErasure:
    """Erase from these segments and say what was there. Raises OSError, and then some are done."""
    total = ArchiveErasure()
    for number in numbers:
        path = segment_path(directory, number)
        found = find_in_segment(path, erased)
        total.records += found.records
        total.links += found.links
        total.damaged_frames += found.damaged_frames
        if found.left:
            _write_anew(path, erased, compressor)
    return total


def find_in_segment(path: Path, erased: Erased) -> ArchiveErasure:
    """Count what is to be erased in a segment."""
    found = ArchiveErasure()
    with path.open("rb") as file:
        for _, _, content in _frames(file):
            if content is None:
                found.damaged_frames += 1
            elif erased.names(content):
                for line in content.splitlines():
                    kept = _line_without(line, erased)
                    found.records += kept is None
                    found.links += kept is not None and kept is not line
    return found


def _write_anew(path: Path, erased: Erased, compressor: zstandard.ZstdCompressor) -> None:
    draft = path.with_name(path.name + DRAFT_SUFFIX)
    with path.open("rb") as file, draft.open("wb") as out:
        for start, end, content in _frames(file):
            if content is None or not erased.names(content):
                _copy(file, start, end, out)
                continue
            lines = [_line_without(line, erased) for line in content.splitlines()]
            kept = b"".join(line + b"\n" for line in lines if line is not None)
            if kept:
                out.write(compressor.compress(kept))
        out.flush()
        os.fsync(out.fileno())
    draft.replace(path)
    fsync_directory(path.parent)


def _frames(file: BinaryIO) -> Iterator[tuple[int, int, bytes | None]]:
    """Yield where each frame begins and ends, and its content; None for damage, whose end is a guess."""
    size = os.fstat(file.fileno()).st_size
    decompressor = zstandard.ZstdDecompressor()
    at = 0
    while at < size:
        end = frame_end(file, at, size)
        if end is None:
            end = next_frame(file, at + 1, size) or size
            yield at, end, None
        else:
            yield at, end, decompressed(file, at, end, decompressor)
        at = end


def _copy(file: BinaryIO, start: int, end: int, out: BinaryIO) -> None:
    file.seek(start)
    while start < end:
        piece = file.read(min(_COPY_BYTES, end - start))
        if not piece:
            return
        out.write(piece)
        start += len(piece)


def _line_without(line: bytes, erased: Erased) -> bytes | None:
    """Return a record without what is erased; the very same if that is nothing, None if it is all."""
    if not erased.names(line):
        return line
    try:
        record = from_json(line)
        event = record["event"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(event, dict) or erased.is_content(event):
        return None
    return to_json(record) if erased.unlink(event) else line
