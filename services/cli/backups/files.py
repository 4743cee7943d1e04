"""Index, archive and saved searches, out of a data directory in use and back into one that is not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from services.cli.backups.manifest import BackedUpFile
from services.cli.output import Failure
from services.index import entity_edits_file, erasures
from services.index.archive import archive_directory
from services.index.archive_reading import Position, list_segments, segment_path, whole_frames_end
from services.index.engine.meta import META, Meta, read_meta
from services.index.saved_searches import database
from services.index.state import RESTORED
from shared.durable import fsync_directory

_ATTEMPTS = 20


def copy_index(data_dir: Path, target: Path) -> None:
    """Put the committed index of `data_dir` into `target`, by hard links where that can be.

    Tantivy never changes a file that it has written, and replaces meta.json as a whole; a merge may remove
    files that the meta.json just read names, and then all is read again.
    """
    home = data_dir / "index"
    for _ in range(_ATTEMPTS):
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        try:
            _copy_index_once(home, target)
        except FileNotFoundError:
            continue
        return
    raise Failure(
        f"The index in {home} could not be read as a whole in {_ATTEMPTS} attempts.",
        "If it is damaged, mend it with `wireroom reindex`, then back up again.",
    )


def _copy_index_once(home: Path, target: Path) -> None:
    current = home / (home / "CURRENT").read_text(encoding="utf-8").strip()
    # Read once: the files that are linked are those of this very meta.json, whatever is committed meanwhile.
    (target / META).write_bytes((current / META).read_bytes())
    meta = _meta_of(target)
    for name in ("schema.json", *meta.file_names()):
        link_or_copy(current / name, target / name)


def documents_in(index: Path) -> int:
    """Return how many documents the index in a backup holds, by its meta.json."""
    return _meta_of(index).live_documents


def _meta_of(index: Path) -> Meta:
    meta = read_meta(index)
    if meta is None:
        raise FileNotFoundError(f"{index} has no {META}")
    return meta


def archive_end(data_dir: Path) -> Position:
    """Return where the archive ends now."""
    directory = archive_directory(data_dir)
    segments = list_segments(directory)
    if not segments:
        return Position(0, 0)
    with segment_path(directory, segments[-1]).open("rb") as file:
        return Position(segments[-1], whole_frames_end(file))


def copy_archive(data_dir: Path, target: Path) -> int:
    """Put the archive into `target` and return its segments. The newest grows in place, so it is copied."""
    target.mkdir()
    directory = archive_directory(data_dir)
    segments = list_segments(directory)
    for number in segments[:-1]:
        link_or_copy(segment_path(directory, number), segment_path(target, number))
    for number in segments[-1:]:
        with segment_path(directory, number).open("rb") as source:
            left = whole_frames_end(source)
            source.seek(0)
            with segment_path(target, number).open("wb") as copy:
                while left and (chunk := source.read(min(left, 1 << 20))):
                    copy.write(chunk)
                    left -= len(chunk)
                copy.flush()
                os.fsync(copy.fileno())
    # The edits that operators made of entities, and what is to be erased: each is replaced as a whole when it
    # changes, so a link is a copy.
    for name in (entity_edits_file.FILE, erasures.FILE):
        with suppress(FileNotFoundError):
            link_or_copy(directory / name, target / name)
    return len(segments)


def copy_saved_searches(data_dir: Path, target: Path) -> None:
    """Put the saved searches, and what they have yet to tell, into `target`, which is for its owner only.

    A data directory from before there were any has none. Raises Failure when they cannot be read.
    """
    source = database.database_path(data_dir)
    if not source.exists():
        return
    try:
        database.copy_database(source, target / database.FILE)
    except sqlite3.Error as error:
        raise Failure(
            f"The saved searches in {source} cannot be read: {error}.",
            "Restore them from another backup, or move them away to go on without them.",
        ) from error


def link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def has_data(data_dir: Path) -> bool:
    """Whether there is an index or an archive that a restore would hide."""
    has_index = (data_dir / "index" / "CURRENT").exists()
    return has_index or bool(list_segments(archive_directory(data_dir)))


def put_back(backup: Path, files: Sequence[BackedUpFile], data_dir: Path) -> None:
    """Copy the parts of a backup into `data_dir`, which has none of them. Each appears as a whole."""
    for part in ("archive", "index", database.DIRECTORY):
        if part == database.DIRECTORY and not any(file.path.startswith(f"{part}/") for file in files):
            continue
        draft = data_dir / f"{part}.restoring"
        shutil.rmtree(draft, ignore_errors=True)
        target = draft / "index-1" if part == "index" else draft
        # Secrets of webhooks are for the owner's eyes only.
        private = part == database.DIRECTORY
        target.mkdir(0o700 if private else 0o777, parents=True)
        for file in files:
            directory, _, name = file.path.partition("/")
            if directory == part:
                (target / name).touch(0o600 if private else 0o666)
                shutil.copyfile(backup / file.path, target / name)
                _fsync(target / name)
        if part == "index":
            for name, content in (("CURRENT", "index-1\n"), ("STATE", f"{RESTORED}\n")):
                (draft / name).write_text(content, encoding="utf-8")
                _fsync(draft / name)
        fsync_directory(target)
        draft.rename(data_dir / part)
        fsync_directory(data_dir)


def set_aside(data_dir: Path, suffix: str) -> list[Path]:
    """Move what a restore puts back out of the way, never deleting it; return where it is now."""
    moved = []
    for part in ("index", "archive", database.DIRECTORY):
        source = data_dir / part
        if source.exists():
            moved.append(source.rename(data_dir / f"{part}.{suffix}"))
    return moved


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
