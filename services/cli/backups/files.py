"""Index and archive, out of a data directory that is in use and back into one that is not."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from services.cli.output import Failure
from services.index.archive import archive_directory
from services.index.archive_reading import list_segments, segment_path, whole_frames_end
from services.index.durable import fsync_directory

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
    stems = {segment["segment_id"].replace("-", "") for segment in json.loads(meta)["segments"]}
    for path in sorted(current.iterdir()):
        if path.name.partition(".")[0] in stems or path.name == "schema.json":
            link_or_copy(path, target / path.name)
    (target / "meta.json").write_bytes(meta)
    found = {path.name.partition(".")[0] for path in target.iterdir()}
    if not stems <= found:
        raise FileNotFoundError(f"{current} lacks a segment that meta.json names")


def documents_in(index: Path) -> int:
    """Return how many documents the index in a backup holds, by its meta.json."""
    segments = json.loads((index / "meta.json").read_bytes())["segments"]
    return sum(one["max_doc"] - (one["deletes"] or {}).get("num_deleted_docs", 0) for one in segments)


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


def put_back(backup: Path, data_dir: Path) -> None:
    """Copy index and archive into `data_dir`, which has neither. Each appears as a whole."""
    for part in ("archive", "index"):
        draft = data_dir / f"{part}.restoring"
        shutil.rmtree(draft, ignore_errors=True)
        target = draft / "index-1" if part == "index" else draft
        target.mkdir(parents=True)
        for path in sorted((backup / part).iterdir()):
            shutil.copyfile(path, target / path.name)
            _fsync(target / path.name)
        if part == "index":
            (draft / "CURRENT").write_text("index-1\n", encoding="utf-8")
            _fsync(draft / "CURRENT")
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
