"""Rebuilding the index from the archive into a new directory, and the switch to it.

Offline, with no index service running: `reindex(data_dir)`.

Online, by the index service itself, which goes on indexing and serving meanwhile:

    rebuild = Rebuild(engine.home, archive.path)          # in a thread, as all that follows
    rebuild.catch_up()                                    # reads the archive to its present end; takes long
    with the lock that keeps batches from being stored:   # no append and no commit from here …
        rebuild.switch()                                  # reads the rest, flips CURRENT
        engine.reopen_if_moved()                          # … to here: a moment
    rebuild.abandon()                                     # instead, if anything before the flip failed

A batch is appended to the archive before it is committed, and the lock spans both, so under the lock the
archive holds all that the old index does. An interruption at any point leaves CURRENT naming a whole index;
the next open removes what is not in use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path

from services.index.archive import archive_directory
from services.index.archive_reading import ArchiveReader, ArchiveRecord, Position, list_segments
from services.index.engine.home import IndexHome
from services.index.engine.protocol import UpsertOutcome
from services.index.engine.revisions import Rank
from services.index.engine.writing import RevisionedIndex
from services.index.entity_edits_file import EntityEdits
from services.index.switching import finish_switch
from shared.errors import ConfigurationError

_BATCH_RECORDS = 500
_COMMIT_RECORDS = 10_000


@dataclass(frozen=True, slots=True)
class ReindexReport:
    """What a rebuild read and kept.

    `superseded` records gave way to a higher revision; `failed` ones cannot be indexed. Damage is what the
    archive could not give back; see `ArchiveReader`.
    """

    records: int = 0
    written: int = 0
    superseded: int = 0
    failed: int = 0
    damaged_frames: int = 0
    damaged_records: int = 0
    directory: str = ""


Progress = Callable[[ReindexReport, int], None]


def no_progress(_report: ReindexReport, _remaining_bytes: int) -> None:
    return


class Rebuild:
    """An index in the making. The owner of `home` holds its lock until it is switched to or abandoned."""

    def __init__(
        self,
        home: IndexHome,
        archive_dir: Path,
        progress: Progress = no_progress,
        edits: EntityEdits | None = None,
    ) -> None:
        """`edits` are those of the service that runs; else they are read from the archive's directory.

        Raises ConfigurationError when there is no archive: switching to nothing would lose the index.
        """
        if not list_segments(archive_dir):
            raise ConfigurationError(f"there is no archive to rebuild from in {archive_dir}")
        self._home = home
        self._reader = ArchiveReader(archive_dir)
        self._progress = progress
        self._edits = edits or EntityEdits(archive_dir)
        self._report = ReindexReport()
        self._directory = home.create_next()
        self._index = RevisionedIndex(self._directory)

    @property
    def report(self) -> ReindexReport:
        return replace(
            self._report,
            damaged_frames=self._reader.damaged_frames,
            damaged_records=self._reader.damaged_records,
            directory=self._directory.name,
        )

    def catch_up(self) -> None:
        """Index what the archive holds beyond what was read before."""
        batch: list[ArchiveRecord] = []
        uncommitted = 0
        for record in self._reader:
            batch.append(record)
            if len(batch) < _BATCH_RECORDS:
                continue
            self._count(batch, self._store(batch))
            uncommitted += len(batch)
            batch = []
            if uncommitted >= _COMMIT_RECORDS:
                self._index.commit()
                uncommitted = 0
            self._progress(self.report, self._reader.remaining_bytes())
        self._count(batch, self._store(batch))
        self._index.commit()
        self._progress(self.report, self._reader.remaining_bytes())

    def include(self, reader: ArchiveReader) -> None:
        """Index what is to join the archive: before `catch_up`, whose older ones then cost little."""
        records = iter(reader)
        while batch := list(islice(records, _BATCH_RECORDS)):
            self._store(batch)
            self._progress(self.report, self._reader.remaining_bytes() + reader.remaining_bytes())
        self._index.commit()

    def tell(self, remaining_bytes: int) -> None:
        """Let whoever watches the progress know of other work for this index, and stop it by raising."""
        self._progress(self.report, remaining_bytes)

    def ranks(self, article_ids: Sequence[str]) -> dict[str, Rank]:
        """Return the rank that the index in the making holds of each of the articles that it has."""
        return self._index.ranks(article_ids)

    def _store(self, batch: list[ArchiveRecord]) -> list[UpsertOutcome]:
        outcomes: list[UpsertOutcome] = []
        for archived_at, records in groupby(batch, key=lambda record: record.archived_at):
            outcomes += self._index.upsert_many(
                [self._edits.apply(record.event) for record in records], archived_at
            )
        return outcomes

    def _count(self, batch: list[ArchiveRecord], outcomes: list[UpsertOutcome]) -> None:
        written = sum(outcome.outcome in ("indexed", "retracted") for outcome in outcomes)
        failed = sum(outcome.outcome == "failed" for outcome in outcomes)
        before = self._report
        self._report = replace(
            before,
            records=before.records + len(batch),
            written=before.written + written,
            superseded=before.superseded + len(batch) - written - failed,
            failed=before.failed + failed,
        )

    def switch(self, make_current: Callable[[Path], None] | None = None) -> ReindexReport:
        """Catch up and make this the current index. Nobody may append to the archive meanwhile.

        `make_current` does it in place of CURRENT alone, given the directory, which is at rest.
        """
        self.catch_up()
        self._index.close()
        (make_current or self._home.make_current)(self._directory)
        return self.report

    def abandon(self) -> None:
        """Stop; the next open removes the directory."""
        self._index.close()


def reindex(data_dir: Path, progress: Progress = no_progress) -> ReindexReport:
    """Rebuild the index of `data_dir` while no service runs on it.

    Raises IndexLocked when one does, and ConfigurationError when there is no archive.
    """
    home = IndexHome(data_dir)
    home.lock()
    try:
        finish_switch(data_dir)
        rebuild = Rebuild(home, archive_directory(data_dir), progress)
        try:
            report = rebuild.switch()
        except BaseException:
            rebuild.abandon()
            raise
        home.remove_all_but(home.path / report.directory)
        return report
    finally:
        home.unlock()


def catch_up(data_dir: Path, start: Position) -> int:
    """Index what the archive of `data_dir` holds from `start` on; return how many records were written.

    For an index that is older than its archive. Nobody else may have it open.
    """
    home = IndexHome(data_dir)
    home.lock()
    try:
        directory = home.current()
        if directory is None:
            raise ConfigurationError(f"there is no index in {home.path}")
        edits = EntityEdits(archive_directory(data_dir))
        index = RevisionedIndex(directory)
        try:
            written = 0
            for archived_at, records in groupby(
                ArchiveReader(archive_directory(data_dir), start), key=lambda record: record.archived_at
            ):
                events = [edits.apply(record.event) for record in records]
                outcomes = index.upsert_many(events, archived_at)
                written += sum(outcome.outcome in ("indexed", "retracted") for outcome in outcomes)
            index.commit()
        finally:
            index.close()
        return written
    finally:
        home.unlock()
