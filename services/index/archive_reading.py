"""Reading the archive: frame by frame, in constant memory, past damage, while another process appends."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, NamedTuple

import zstandard
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.events import ArticleEnriched, ArticleRetracted

MAX_FRAME_BYTES = 256 * 1024 * 1024
_MAGIC = zstandard.FRAME_HEADER
_LONGEST_FRAME_HEADER = 18  # RFC 8878, 3.1.1.1
_RESERVED_BLOCK, _RLE_BLOCK = 3, 1
_CHECKSUM_BYTES = 4
_SCAN_BYTES = 1024 * 1024
_SEGMENT = re.compile(r"segment-(\d{8})\.ndjson\.zst")


class ArchiveRecord(BaseModel):
    """One line of the archive. `event` holds the article both as it was submitted and as it was enriched."""

    model_config = ConfigDict(frozen=True)

    archived_at: AwareDatetime
    event: Annotated[ArticleEnriched | ArticleRetracted, Field(discriminator="type")]


class Position(NamedTuple):
    """Between two frames: bytes of segment number `segment` that lie before it."""

    segment: int
    offset: int


def list_segments(directory: Path) -> list[int]:
    """Return the segment numbers in order."""
    if not directory.is_dir():
        return []
    matches = (_SEGMENT.fullmatch(path.name) for path in directory.iterdir())
    return sorted(int(match[1]) for match in matches if match)


def segment_path(directory: Path, number: int) -> Path:
    return directory / f"segment-{number:08d}.ndjson.zst"


class ArchiveReader:
    """Iterates over the records from a position to the end there is now; iterating again goes on from there.

    Damage is skipped and counted: `damaged_frames` that do not decompress, `damaged_records` that are no
    event of ours; `damaged_segments` have such frames. An unfinished frame at the very end is not damage:
    another process is writing it.
    """

    def __init__(self, directory: Path, start: Position | None = None) -> None:
        self._directory = directory
        self._decompressor = zstandard.ZstdDecompressor()
        self.position = start or Position(0, 0)
        self.damaged_frames = 0
        self.damaged_records = 0
        self.damaged_segments: set[int] = set()

    def __iter__(self) -> Iterator[ArchiveRecord]:
        for line in self.lines():
            try:
                yield ArchiveRecord.model_validate_json(line)
            except ValidationError:
                self.damaged_records += 1

    def lines(self) -> Iterator[bytes]:
        """Yield the records as the JSON they are stored as."""
        for frame in self._frames():
            yield from frame.splitlines()

    def remaining_bytes(self) -> int:
        """Return the bytes between the position and the present end."""
        return sum(
            segment_path(self._directory, number).stat().st_size
            - (self.position.offset if number == self.position.segment else 0)
            for number in list_segments(self._directory)
            if number >= self.position.segment
        )

    def _frames(self) -> Iterator[bytes]:
        segments = [n for n in list_segments(self._directory) if n >= self.position.segment]
        for number in segments:
            if number != self.position.segment:
                self.position = Position(number, 0)
            with segment_path(self._directory, number).open("rb") as file:
                yield from self._frames_of(file, number, newest=number == segments[-1])

    def _frames_of(self, file: BinaryIO, number: int, *, newest: bool) -> Iterator[bytes]:
        size = os.fstat(file.fileno()).st_size
        while (at := self.position.offset) < size:
            end = frame_end(file, at, size)
            if end is not None:
                content = decompressed(file, at, end, self._decompressor)
                self.position = Position(number, end)
                if content is None:
                    self._count_damage(number)
                else:
                    yield content
                continue
            following = next_frame(file, at + 1, size)
            if following is None and newest:
                return
            self._count_damage(number)
            self.position = Position(number, size if following is None else following)

    def _count_damage(self, segment: int) -> None:
        self.damaged_frames += 1
        self.damaged_segments.add(segment)


def frame_end(file: BinaryIO, start: int, size: int) -> int | None:
    """Return where the frame at `start` ends, by its block headers; None if no whole frame is there."""
    file.seek(start)
    header = file.read(_LONGEST_FRAME_HEADER)
    try:
        at = start + zstandard.frame_header_size(header)
        parameters = zstandard.get_frame_parameters(header)
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        file.seek(at)
        block = file.read(3)
        if len(block) < 3:
            return None
        bits = int.from_bytes(block, "little")
        last, kind, length = bool(bits & 1), bits >> 1 & 3, bits >> 3
        if kind == _RESERVED_BLOCK:
            return None
        at += 3 + (1 if kind == _RLE_BLOCK else length)
    at += _CHECKSUM_BYTES if parameters.has_checksum else 0
    return at if at <= size else None


def decompressed(
    file: BinaryIO, start: int, end: int, decompressor: zstandard.ZstdDecompressor
) -> bytes | None:
    """Return the content of a frame, None if it is damaged."""
    file.seek(start)
    frame = file.read(end - start)
    try:
        # A damaged header could ask for any amount of memory.
        if not 0 <= zstandard.frame_content_size(frame) <= MAX_FRAME_BYTES:
            return None
        return decompressor.decompress(frame)
    except zstandard.ZstdError:
        return None


def next_frame(file: BinaryIO, start: int, size: int) -> int | None:
    """Return the first position from `start` on where a whole, undamaged frame begins."""
    decompressor = zstandard.ZstdDecompressor()
    at = start
    while at < size:
        file.seek(at)
        window = file.read(_SCAN_BYTES)
        found = window.find(_MAGIC)
        if found < 0:
            at += max(1, len(window) - len(_MAGIC) + 1)
            continue
        end = frame_end(file, at + found, size)
        if end is not None and decompressed(file, at + found, end, decompressor) is not None:
            return at + found
        at += found + 1
    return None


def whole_frames_end(file: BinaryIO) -> int:
    """Return the position after the last whole frame of a segment.

    What lies behind is what a crash left of an append. Damage before a later whole frame is left alone, so
    that nothing readable is ever cut off.
    """
    size = file.seek(0, os.SEEK_END)
    decompressor = zstandard.ZstdDecompressor()
    at, last_start = 0, 0
    while at < size:
        end = frame_end(file, at, size)
        if end is None:
            following = next_frame(file, at + 1, size)
            if following is None:
                break
            at = following
            continue
        last_start, at = at, end
    # After a power loss the last frame can have its length and yet not its content.
    if at and decompressed(file, last_start, at, decompressor) is None:
        return last_start
    return at
