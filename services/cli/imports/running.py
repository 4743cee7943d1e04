"""The loop of an import: read entries, send articles in batches, remember what is settled.

An entry is settled once ingest has answered for it, or once it is known not to be an article. After each
batch what is settled is written down, so that at any moment a kill costs one batch, which is then sent again.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from services.cli.documents import Document
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import Entry, Options, Skipped, Unusable
from services.cli.imports.files import Job
from services.cli.imports.formats import Format, entries_of
from services.cli.imports.state import Memory, Progress, key_of
from services.cli.imports.tally import Tally
from services.cli.output import Failure
from services.cli.submission import Sender

BATCH_DOCUMENTS = 500
BATCH_BYTES = 4 << 20
SAVE_EVERY_S = 2.0


class Watcher(Protocol):
    """Is told how the import goes: of bytes read of all there are, and of articles that were sent."""

    def reading(self, read_bytes: int) -> None: ...
    def sent(self, documents: int) -> None: ...


@dataclass(slots=True)
class Result:
    """`resumed` counts entries that an earlier run had settled, `done_before` whole files that one had."""

    tally: Tally = field(default_factory=Tally)
    files: int = 0
    done_before: int = 0
    resumed: int = 0
    read_bytes: int = 0
    finished: bool = False


@dataclass(slots=True)
class Import:
    """One run of `wireroom import`. `result` is there to be looked at however the run ends."""

    sender: Sender
    memory: Memory
    watcher: Watcher
    options: Options
    format: Format | None = None
    destination: str = ""
    restart: bool = False
    result: Result = field(default_factory=Result)
    _batch: list[tuple[Document, Progress]] = field(default_factory=list)
    _batch_bytes: int = 0
    _touched: dict[int, Progress] = field(default_factory=dict)
    _saved_at: float = 0.0

    def run(self, jobs: Iterable[Job | tuple[str, Skipped]]) -> None:
        """Import all. Raises Failure when ingest cannot be used; what is settled by then is remembered."""
        for job in jobs:
            if isinstance(job, Job):
                self._take(job)
                self.result.read_bytes += job.size or 0
                self.watcher.reading(self.result.read_bytes)
            else:
                self.result.tally.skip(*job)
        self._flush()
        self.result.finished = True

    def _take(self, job: Job) -> None:
        """Import one file, from where an earlier run came to."""
        self.result.files += 1
        try:
            progress = self._recall(job)
            if progress.complete:
                self.result.done_before += 1
                return
            self.result.tally.add(progress.tally)
            self.result.resumed += progress.settled
            with closing(job.open()) as file:
                source = ByteSource(file)
                progress.complete = self._read(job, source, progress) and not source.failed
        except OSError as error:
            self.result.tally.skip(job.name, Skipped("cannot be read", error.strerror or str(error)))

    def _recall(self, job: Job) -> Progress:
        identity = job.identity()
        if identity is None:  # a pipe
            return Progress("", job.name)
        key = key_of(identity, (self.format, self.options), self.destination)
        return Progress(key, job.name) if self.restart else self.memory.recall(key, job.name)

    def _read(self, job: Job, source: ByteSource, progress: Progress) -> bool:
        """Return whether the file has been read to its end, or to where reading it again would not help."""
        settled_before, read_before = progress.settled, self.result.read_bytes
        self._touched[id(progress)] = progress
        number = -1
        for number, entry in enumerate(self._entries(job, source)):
            self.watcher.reading(read_before + source.position)
            if isinstance(entry, Skipped):
                if entry.reason == "cannot be read":  # perhaps it can another time, so this is not remembered
                    self.result.tally.skip(job.name, entry)
                    return False
                self._skip(job.name, entry, progress)
                return True
            if number >= settled_before:
                self._settle(entry, progress)
                progress.settled = number + 1
                if not self._batch and time.monotonic() - self._saved_at > SAVE_EVERY_S:
                    self._save()
        if number < 0:
            self._skip(job.name, Skipped("empty"), progress)
        self.result.tally.note_damage(job.name, source.damage)
        if not source.failed:
            progress.tally.note_damage(job.name, source.damage)
        return True

    def _entries(self, job: Job, source: ByteSource) -> Iterator[Entry | Skipped]:
        """Yield the entries of a file; last of all why it could not be read to its end, if it could not."""
        try:
            yield from entries_of(source, job.name, self.format, self.options)
        except Unusable as error:
            yield error.skipped
        except Exception as error:  # a reader that stumbles must not stand in the way of the other files
            yield Skipped("cannot be read", f"{type(error).__name__}: {error}")

    def _settle(self, entry: Entry, progress: Progress) -> None:
        try:
            found = entry.read()
        except (
            Exception
        ) as error:  # one entry that a reader stumbles over must not stand in the way of all others
            found = Skipped("cannot be read", f"{type(error).__name__}: {error}")
        if isinstance(found, Skipped):
            self._skip(entry.origin, found, progress)
            return
        size = len(found.payload) + 1
        if self._batch and (len(self._batch) >= BATCH_DOCUMENTS or self._batch_bytes + size > BATCH_BYTES):
            self._flush()
            self._touched[id(progress)] = progress
        self._batch.append((found, progress))
        self._batch_bytes += size

    def _skip(self, origin: str, skipped: Skipped, progress: Progress) -> None:
        for tally in (progress.tally, self.result.tally):
            tally.skip(origin, skipped)

    def _flush(self) -> None:
        """Send what is at hand, and write down how far each file has come by that."""
        if self._batch:
            outcomes = self.sender.send([document for document, _ in self._batch])
            for outcome, (_, progress) in zip(outcomes, self._batch, strict=True):
                for tally in (progress.tally, self.result.tally):
                    tally.settle(outcome)
            self.watcher.sent(len(self._batch))
            self._batch, self._batch_bytes = [], 0
        self._save()

    def _save(self) -> None:
        """To be called while no batch is at hand: then all entries that were read are settled."""
        remembered = [progress for progress in self._touched.values() if progress.key]
        self._touched = {}
        self._saved_at = time.monotonic()
        try:
            self.memory.save(remembered, datetime.now(UTC))
        except sqlite3.Error as error:
            raise Failure(
                f"cannot write down how far the import has come: {error}",
                "Nothing is lost: run it again once there is room. What was taken counts as duplicate then.",
            ) from error
