"""Re-enriched articles on their way into archive and index, while the wire goes on.

    replacement = Replacement(data_dir, run_id)           # in a thread, as all that follows
    rebuild.include(replacement.read())                   # first, so that what they replace loses to them
    rebuild.catch_up()
    replacement.prepare(rebuild)                          # those that nothing later has overtaken
    with the lock that keeps batches from being stored:
        rebuild.switch(replacement.switch_of(archive))
        engine.reopen_if_moved()

They have the identity and revision of what they replace, and a later time of enrichment, which decides
between equals: so a newer revision or a takedown wins over them wherever they meet (`engine/revisions.py`).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from services.index.archive import Archive, ArchiveLocked, archive_directory
from services.index.archive_reading import ArchiveReader
from services.index.engine.home import IndexHome
from services.index.reindex import Progress, Rebuild, no_progress
from services.index.staging import StagingRefused, read_run
from services.index.stamps import Stamp
from services.index.switching import make_switch, prepared_directory, staging_directory

_BATCH_RECORDS = 500


class Replacement:
    """What a finished run has staged. It holds the lock of the staging directory until closed."""

    def __init__(self, data_dir: Path, run_id: str) -> None:
        """Raises StagingRefused when that run is not there, or not complete."""
        self._data_dir = data_dir
        self.articles = 0
        self.overtaken = 0
        directory = staging_directory(data_dir)
        if read_run(data_dir) is None:  # so that asking in vain leaves no directory behind
            raise StagingRefused(f"no re-enriched articles wait in {directory}")
        try:
            self._staged = Archive(directory)
        except ArchiveLocked as error:
            raise StagingRefused(f"a re-enrichment is at work in {directory}") from error
        run = read_run(data_dir)
        if run is None or run.id != run_id or not run.complete:
            self._staged.close()
            raise StagingRefused(f"other articles than those asked for wait in {directory}, or not all yet")

    def read(self) -> ArchiveReader:
        return self._staged.read()

    def prepare(self, rebuild: Rebuild) -> None:
        """Copy the records that the index in the making has kept: only they will join the archive.

        One that was overtaken, by a takedown perhaps, must not bring its text back there. Raises
        StagingRefused when some of them are damaged: they would be missing without a word.
        """
        directory = prepared_directory(self._data_dir)
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        prepared = Archive(directory)
        try:
            reader = self.read()
            lines = reader.lines()
            while batch := list(islice(lines, _BATCH_RECORDS)):
                kept = _held_by(rebuild, batch)
                prepared.append_lines(kept)
                self.articles += len(kept)
                self.overtaken += len(batch) - len(kept)
                rebuild.tell(reader.remaining_bytes())
        except ValidationError as error:
            raise _damaged(self._staged) from error
        finally:
            prepared.close()
        if reader.damaged_frames:
            raise _damaged(self._staged)

    def switch_of(self, archive: Archive) -> Callable[[Path], None]:
        """Return what makes an index directory current and the prepared segments part of `archive`."""

        def switch(directory: Path) -> None:
            segments = prepared_directory(self._data_dir) / "archive"
            first = archive.leave_room(sum(1 for _ in segments.glob("segment-*")))
            make_switch(self._data_dir, directory.name, first)

        return switch

    def report(self) -> dict[str, Any]:
        return {"re_enriched": self.articles, "overtaken": self.overtaken}

    def close(self) -> None:
        self._staged.close()


def _damaged(staged: Archive) -> StagingRefused:
    return StagingRefused(
        f"re-enriched articles in {staged.path} are damaged: `wireroom re-enrich --restart` makes them again"
    )


def _held_by(rebuild: Rebuild, lines: list[bytes]) -> list[bytes]:
    stamps = [Stamp.model_validate_json(line) for line in lines]
    held = rebuild.ranks([stamp.article_id for stamp in stamps])
    return [
        line for line, stamp in zip(lines, stamps, strict=True) if held.get(stamp.article_id) == stamp.rank
    ]


def replace_offline(data_dir: Path, run_id: str, progress: Progress = no_progress) -> dict[str, Any]:
    """Switch to a run's articles while no service runs on `data_dir`; return the report.

    Raises IndexLocked or ArchiveLocked when one does, and StagingRefused.
    """
    home = IndexHome(data_dir)
    home.lock()
    try:
        archive = Archive(data_dir)
        try:
            replacement = Replacement(data_dir, run_id)
            try:
                rebuild = Rebuild(home, archive_directory(data_dir), progress)
                try:
                    rebuild.include(replacement.read())
                    rebuild.catch_up()
                    replacement.prepare(rebuild)
                    report = rebuild.switch(replacement.switch_of(archive))
                except BaseException:
                    rebuild.abandon()
                    raise
                home.remove_all_but(home.path / report.directory)
                return replacement.report() | {"directory": report.directory}
            finally:
                replacement.close()
        finally:
            archive.close()
    finally:
        home.unlock()
