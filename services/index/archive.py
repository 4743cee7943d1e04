"""The archive: every event the index took in, in append-only zstd NDJSON segments under DATA/archive.

    segment-00000001.ndjson.zst    lines of {"archived_at": …, "event": {ArticleEnriched or ArticleRetracted}}

An appended batch is one zstd frame (several when it is large), so `zstdcat` reads a segment, damage stays
within its frame, and a frame cut off by a crash is recognised. Reading is in `archive_reading`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import zstandard
from pydantic_core import to_json

from services.index.archive_reading import (
    MAX_FRAME_BYTES,
    ArchiveReader,
    Position,
    frame_end,
    list_segments,
    segment_path,
    whole_frames_end,
)
from services.index.switching import finish_switch
from shared.durable import FileLock, HeldElsewhere, fsync_directory
from shared.errors import ConfigurationError
from shared.events import ArticleEnriched, ArticleRetracted, encode_event
from shared.logging import get_logger

log = get_logger(__name__)

SEGMENT_BYTES = 64 * 1024 * 1024
_FRAME_BYTES = 8 * 1024 * 1024  # uncompressed; bounds what a reader holds in memory
_LEVEL = 3


class ArchiveLocked(ConfigurationError):
    """Another process appends to this archive."""


@dataclass(frozen=True, slots=True)
class ArchiveStats:
    """`recovered_bytes` were cut off on opening: a frame that a crash had left unfinished."""

    segments: int
    size_bytes: int
    recovered_bytes: int


class Archive:
    """The appending side. One per data directory: it holds DATA/archive/LOCK until closed."""

    def __init__(self, data_dir: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        """Open the archive for appending, cutting off a torn last frame. Raises ArchiveLocked."""
        self.path = archive_directory(data_dir)
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._file_lock = FileLock(self.path / "LOCK")
        except HeldElsewhere as error:
            raise ArchiveLocked(
                f"another process (pid {error.holder}) appends to the archive in {self.path}"
            ) from error
        self._segment_bytes = segment_bytes
        self._lock = threading.Lock()
        self._compressor = new_compressor()
        self._recovered_bytes = 0
        self._file: BinaryIO | None = None
        self._number, self._size = 0, 0
        try:
            finish_switch(data_dir)
            self._recover()
        except BaseException:
            self._file_lock.release()
            raise

    def _recover(self) -> None:
        segments = list_segments(self.path)
        if not segments:
            return
        self._number = segments[-1]
        path = segment_path(self.path, self._number)
        with path.open("r+b") as file:
            self._size = whole_frames_end(file)
            torn = file.seek(0, os.SEEK_END) - self._size
            if torn:
                _tell_cut(file, path, self._size, torn)
                file.truncate(self._size)
                os.fsync(file.fileno())
                self._recovered_bytes += torn

    def append(self, events: Sequence[ArticleEnriched | ArticleRetracted], archived_at: datetime) -> None:
        """Append the events and return when they are on disk.

        Raises OSError when they cannot be written; then none of them are in the archive, and a later call
        may succeed.
        """
        self.append_lines([archive_line(event, archived_at) for event in events])

    def append_lines(self, lines: Sequence[bytes]) -> None:
        """As `append`, of records as `archive_line` makes them or a reader's `lines` gives them."""
        if not lines:
            return
        ended = (line if line.endswith(b"\n") else line + b"\n" for line in lines)
        with self._lock:
            self._write(b"".join(map(self._compressor.compress, _chunks(ended))))

    @property
    def end(self) -> Position:
        """Where the next append begins, as far as it fits this segment."""
        return Position(self._number, self._size)

    def leave_room(self, segments: int) -> int:
        """Return the first of so many segment numbers that somebody else fills: appends go on behind them."""
        with self._lock:
            self._close_segment()
            first = self._number + 1
            self._number += segments
            self._size = self._segment_bytes  # full
            return first

    def _write(self, data: bytes) -> None:
        file = self._segment_for(len(data))
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            self._take_back(file)
            raise
        self._size += len(data)

    def _segment_for(self, length: int) -> BinaryIO:
        if self._number and (self._size == 0 or self._size + length <= self._segment_bytes):
            if self._file is None:
                # Unbuffered, so that a failed write leaves nothing behind that a later flush would add.
                self._file = segment_path(self.path, self._number).open("r+b", buffering=0)
                self._file.seek(self._size)
            return self._file
        self._close_segment()
        new = segment_path(self.path, self._number + 1).open("xb", buffering=0)
        fsync_directory(self.path)
        self._file, self._number, self._size = new, self._number + 1, 0
        return new

    def _take_back(self, file: BinaryIO) -> None:
        """Cut off what a failed write left. If even that fails, the next append begins with a recovery."""
        self._file = None
        try:
            file.truncate(self._size)
        finally:
            file.close()

    def _close_segment(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def seal(self) -> list[int]:
        """Append to a new segment from now on; return the numbers of those that are finished."""
        with self._lock:
            self._close_segment()
            self._size = max(self._size, self._segment_bytes + 1) if self._size else 0
            numbers = list_segments(self.path)
            return numbers if self._size else numbers[:-1]

    def read(self, start: Position | None = None) -> ArchiveReader:
        """Return the records from `start` on; see `ArchiveReader`."""
        return ArchiveReader(self.path, start)

    def stats(self) -> ArchiveStats:
        segments = list_segments(self.path)
        size = sum(segment_path(self.path, number).stat().st_size for number in segments)
        return ArchiveStats(len(segments), size, self._recovered_bytes)

    def close(self) -> None:
        with self._lock:
            self._close_segment()
            self._file_lock.release()


def _tell_cut(file: BinaryIO, path: Path, at: int, length: int) -> None:
    """Say that the end of a segment is cut off. Only what a crash left unfinished was never acknowledged."""
    if frame_end(file, at, at + length) is None:
        log.warning("an unfinished write was cut off the archive", segment=path.name, at=at, bytes=length)
    else:
        log.error(
            "the last write in the archive is damaged and was cut off; if it was acknowledged, "
            "its articles cannot be restored from the archive",
            segment=path.name,
            at=at,
            bytes=length,
        )


def archive_line(event: ArticleEnriched | ArticleRetracted, archived_at: datetime) -> bytes:
    """Return the event as a line of the archive."""
    return b'{"archived_at":' + to_json(archived_at) + b',"event":' + encode_event(event) + b"}\n"


def new_compressor() -> zstandard.ZstdCompressor:
    """Return what makes the archive's frames; for one thread."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True, write_content_size=True)


def archive_directory(data_dir: Path) -> Path:
    return data_dir / "archive"


def _chunks(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Join lines into pieces of about _FRAME_BYTES. Raises ValueError for a line no reader would take."""
    piece: list[bytes] = []
    size = 0
    for line in lines:
        if len(line) > MAX_FRAME_BYTES:
            raise ValueError(f"an event of {len(line)} bytes is too large for the archive")
        if piece and size + len(line) > _FRAME_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    yield b"".join(piece)
