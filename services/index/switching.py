"""The moment in which re-enriched articles take the place of those they were made of: all of them, or none.

Two things have to change as one: the archive gets their segments, and CURRENT names the index that was built
with them. Both are ready on disk, so what is left is to rename files. What has to be done is written down
first, in DATA/re-enrich/SWITCH: from that moment on it is done, by whoever opens the archive next if we die.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.index.archive_reading import list_segments, segment_path
from services.index.engine.home import IndexHome
from shared.durable import fsync_directory, write_durably
from shared.errors import ConfigurationError
from shared.logging import get_logger

log = get_logger(__name__)

_SWITCH = "SWITCH"
_Number = Annotated[int, Field(ge=1, lt=100_000_000)]


class _Switch(BaseModel):
    """`segments` are numbers of prepared segments and of those they become; `index` is a directory's name."""

    model_config = ConfigDict(frozen=True)

    segments: dict[_Number, _Number]
    index: Annotated[str, Field(pattern=r"^index-[0-9]+$")]


def staging_directory(data_dir: Path) -> Path:
    """Where `wireroom re-enrich` keeps articles until they are switched to."""
    return data_dir / "re-enrich"


def prepared_directory(data_dir: Path) -> Path:
    """A data directory in itself: its archive holds the segments that will join ours."""
    return staging_directory(data_dir) / "prepared"


def make_switch(data_dir: Path, index: str, first: int) -> None:
    """Put the prepared segments into the archive, from number `first` on, and make `index` the current one.

    The caller has closed that index, and keeps others from appending to the archive. Raises OSError; then
    nothing has changed, or, if not even that could be had, it is finished at the next start.
    """
    numbers = list_segments(prepared_directory(data_dir) / "archive")
    switch = _Switch(segments={number: first + i for i, number in enumerate(numbers)}, index=index)
    write_durably(staging_directory(data_dir) / _SWITCH, switch.model_dump_json() + "\n")
    try:
        _carry_out(data_dir, switch)
    except OSError:
        _take_back(data_dir, switch)
        raise
    _clear(data_dir)


def switch_begun(data_dir: Path) -> bool:
    """Whether a switch is being made, or was interrupted."""
    return (staging_directory(data_dir) / _SWITCH).exists()


def finish_switch(data_dir: Path) -> bool:
    """Finish a switch that a crash interrupted, and tell whether there was one.

    Call it before the archive or the index is opened. Raises ConfigurationError when its note is damaged.
    """
    path = staging_directory(data_dir) / _SWITCH
    try:
        switch = _Switch.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return False
    except (ValidationError, OSError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}): a switch to re-enriched articles was interrupted. Remove the "
            "file, run `wireroom reindex`, and then `wireroom re-enrich` again"
        ) from error
    _carry_out(data_dir, switch)
    _clear(data_dir)
    log.warning("an interrupted switch to re-enriched articles was finished", index=switch.index)
    return True


def _carry_out(data_dir: Path, switch: _Switch) -> None:
    prepared, archive = prepared_directory(data_dir) / "archive", data_dir / "archive"
    for number, final in switch.segments.items():
        source = segment_path(prepared, number)
        if source.exists():
            while segment_path(archive, final).exists():  # the archive went on after a switch that failed
                final += 1
            source.rename(segment_path(archive, final))
    if switch.segments:
        fsync_directory(archive)
    home = IndexHome(data_dir)
    if (home.path / switch.index).is_dir():  # else it was removed since, and is made anew from the archive
        home.make_current(home.path / switch.index)


def _take_back(data_dir: Path, switch: _Switch) -> None:
    prepared, archive = prepared_directory(data_dir) / "archive", data_dir / "archive"
    for number, final in switch.segments.items():
        source, target = segment_path(prepared, number), segment_path(archive, final)
        if target.exists() and not source.exists():
            target.rename(source)
    fsync_directory(archive)
    (staging_directory(data_dir) / _SWITCH).unlink()
    fsync_directory(staging_directory(data_dir))


def _clear(data_dir: Path) -> None:
    """The note goes first: without what it tells of, it would be wrong."""
    directory = staging_directory(data_dir)
    (directory / _SWITCH).unlink(missing_ok=True)
    fsync_directory(directory)
    shutil.rmtree(directory, ignore_errors=True)
