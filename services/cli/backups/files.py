"""Index and archive, out of a data directory that is in use and back into one that is not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from services.cli.backups.manifest import BackedUpFile
from services.cli.output import Failure
from services.index import entity_edits_file
from services.index.archive import archive_directory
from services.index.archive_reading import Position, list_segments, segment_path, whole_frames_end
from services.index.durable import fsync_directory
from services.index.state import RESTORED

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
    meta = (current / "meta.json").read_bytes()
    segments = json.loads(meta)["segments"]
    stems = {segment["segment_id"].replace("-", "") for segment in segments}
    for path in sorted(current.iterdir()):
        if path.name.partition(".")[0] in stems or path.name == "schema.json":
            link_or_copy(path, target / path.name)
    (target / "meta.json").write_bytes(meta)
    missing = {name for segment in segments for name in _names_of(segment)} - {
        path.name for path in target.iterdir()
    }
    if missing:
        raise FileNotFoundError(f"{current} lacks {sorted(missing)}, which meta.json names")


def _names_of(segment: dict[str, Any]) -> list[str]:
    stem = segment["segment_id"].replace("-", "")
    names = [f"{stem}.{suffix}" for suffix in ("fast", "fieldnorm", "idx", "pos", "store", "term")]
    if segment["deletes"]:
        names.append(f"{stem}.{segment['deletes']['opstamp']}.del")
    return names


def documents_in(index: Path) -> int:
    """Return how many documents the index in a backup holds, by its meta.json."""
    segments = json.loads((index / "meta.json").read_bytes())["segments"]
    return sum(one["max_doc"] - (one["deletes"] or {}).get("num_deleted_docs", 0) for one in segments)


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
    # The edits that operators made of entities: replaced as a whole when one is made, so a link is a copy.
    with suppress(FileNotFoundError):
        link_or_copy(directory / entity_edits_file.FILE, target / entity_edits_file.FILE)
    return len(segments)


def link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def has_data(data_dir: Path) -> bool:
    """Whether there is an index or an archive that a restore would hide."""
    return (data_dir / "index" / "CURRENT").exists() or bool(list_segments(archive_directory(data_dir)))


def put_back(backup: Path, files: Sequence[BackedUpFile], data_dir: Path) -> None:
    """Copy the files of index and archive into `data_dir`, which has neither. Each appears as a whole."""
    for part in ("archive", "index"):
        draft = data_dir / f"{part}.restoring"
        shutil.rmtree(draft, ignore_errors=True)
        target = draft / "index-1" if part == "index" else draft
        target.mkdir(parents=True)
        for file in files:
            directory, _, name = file.path.partition("/")
            if directory == part:
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
    """Move index and archive out of the way, never deleting them; return where they are now."""
    moved = []
    for part in ("index", "archive"):
        source = data_dir / part
        if source.exists():
            moved.append(source.rename(data_dir / f"{part}.{suffix}"))
    return moved


def _fsync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
