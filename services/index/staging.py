"""Re-enriched articles between `wireroom re-enrich`, which makes them, and the index, which switches to them.

DATA/re-enrich/run.json      what the articles were made for and how far that is
DATA/re-enrich/archive/      their records, an archive of its own
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.index.archive import Archive
from services.index.archive_reading import ArchiveReader, list_segments, segment_path
from services.index.switching import staging_directory, switch_begun
from shared.durable import write_durably
from shared.errors import ConfigurationError

_RUN = "run.json"


class StagingRefused(ConfigurationError):
    """What is staged cannot be switched to; the message says why."""


class Run(BaseModel):
    """How far a run is. What lies behind `end` of the staged archive is not part of it yet.

    `purpose` is what the articles are made by and for: another one begins anew. `report` is the writer's own.
    """

    model_config = ConfigDict(frozen=True)

    id: str = Field(pattern=r"^[0-9a-f]{32}$")
    purpose: dict[str, Any]
    end: tuple[int, int] = (0, 0)
    complete: bool = False
    report: dict[str, Any] = Field(default_factory=dict)


class Staging:
    """The writing side; it holds a lock until closed. Any crash leaves the state of the latest `save`."""

    def __init__(self, data_dir: Path) -> None:
        """Raises ArchiveLocked while another re-enrichment or a switch is at work on this data directory."""
        self.path = staging_directory(data_dir)
        _finish_switch(data_dir)
        # First the lock: who has it may cut and remove.
        self._archive = Archive(self.path)
        self.run = read_run(data_dir)

    def begin(self, run: Run) -> None:
        """Start anew, forgetting what is staged."""
        (self.path / _RUN).unlink(missing_ok=True)
        self._archive.close()
        for number in list_segments(self._archive.path):
            segment_path(self._archive.path, number).unlink()
        self._archive = Archive(self.path)
        self._save(run)

    def resume(self, run: Run) -> None:
        """Go on with a run, cutting off what was staged after its latest `save`."""
        self._archive.close()
        segment, offset = run.end
        for number in list_segments(self._archive.path):
            path = segment_path(self._archive.path, number)
            if number > segment:
                path.unlink()
            elif number == segment:
                os.truncate(path, offset)
        self._archive = Archive(self.path)
        self.run = run

    @property
    def run_id(self) -> str:
        return self._begun().id

    def append(self, lines: list[bytes]) -> None:
        self._archive.append_lines(lines)

    def read(self) -> ArchiveReader:
        return self._archive.read()

    def save(self, report: dict[str, Any], *, complete: bool = False) -> None:
        """Make all that was appended part of the run."""
        end = self._archive.end
        self._save(
            self._begun().model_copy(
                update={"end": (end.segment, end.offset), "report": report, "complete": complete}
            )
        )

    def _begun(self) -> Run:
        if self.run is None:
            raise RuntimeError("begin or resume a run first")
        return self.run

    def _save(self, run: Run) -> None:
        write_durably(self.path / _RUN, run.model_dump_json() + "\n")
        self.run = run

    def close(self) -> None:
        self._archive.close()


def read_run(data_dir: Path) -> Run | None:
    """Return the run that is staged; None when there is none that can be gone on with."""
    try:
        return Run.model_validate_json((staging_directory(data_dir) / _RUN).read_bytes())
    except (OSError, ValidationError):
        return None


def discard(data_dir: Path) -> bool:
    """Remove what is staged and tell whether there was anything. Raises ArchiveLocked as `Staging` does."""
    directory = staging_directory(data_dir)
    _finish_switch(data_dir)
    if not directory.exists():
        return False
    Archive(directory).close()
    (directory / _RUN).unlink(missing_ok=True)
    shutil.rmtree(directory)
    return True


def _finish_switch(data_dir: Path) -> None:
    """What a crash left of a switch is no longer ours to change; whoever opens the archive finishes it."""
    if switch_begun(data_dir):
        Archive(data_dir).close()
