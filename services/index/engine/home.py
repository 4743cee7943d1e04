"""Where an index lives on disk, and which of several is the current one.

DATA/index/LOCK            held by the one process that writes
DATA/index/CURRENT         the name of the directory in use, replaced atomically
DATA/index/index-<n>/      a Tantivy index and its schema.json
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from services.index.engine.meta import read_meta
from services.index.engine.protocol import IndexLocked, IndexUnusable
from services.index.engine.schema import SCHEMA_VERSION
from shared.durable import FileLock, HeldElsewhere, fsync_directory, write_durably

_PREFIX = "index-"


class IndexHome:
    """The directory DATA/index. Methods that change it need the lock, which lasts until `unlock`."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / "index"
        self._lock: FileLock | None = None

    def lock(self) -> None:
        """Become the only writer. Raises IndexLocked when another process is."""
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FileLock(self.path / "LOCK")
        except HeldElsewhere as error:
            raise IndexLocked(
                f"another process (pid {error.holder}) writes the index in {self.path}"
            ) from error

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def current(self) -> Path | None:
        """Return the directory in use, or None before the first. Raises IndexUnusable if it is gone."""
        try:
            name = (self.path / "CURRENT").read_text(encoding="utf-8", errors="replace").strip()
        except FileNotFoundError:
            self._require_unused()
            return None
        directory = self.path / name
        if not name.startswith(_PREFIX) or "/" in name or not directory.is_dir():
            raise IndexUnusable(
                f"{self.path / 'CURRENT'} names {name!r}, which is not there: run `wireroom reindex`"
            )
        return directory

    def _require_unused(self) -> None:
        """Without CURRENT there must be no index, or only one that a crash left before its first commit."""
        for directory in self._directories():
            meta = read_meta(directory)
            if meta is not None and meta.segments:
                raise IndexUnusable(
                    f"{self.path / 'CURRENT'} is missing: write {directory.name!r} into it, "
                    "or run `wireroom reindex`"
                )

    def create_next(self) -> Path:
        """Return a new empty directory for an index; it is in use only after `make_current`."""
        number = 1 + max((int(path.name.removeprefix(_PREFIX)) for path in self._directories()), default=0)
        directory = self.path / f"{_PREFIX}{number}"
        directory.mkdir()
        write_durably(directory / "schema.json", json.dumps({"schema_version": SCHEMA_VERSION}) + "\n")
        fsync_directory(self.path)
        return directory

    def make_current(self, directory: Path) -> None:
        write_durably(self.path / "CURRENT", directory.name + "\n")

    def remove_all_but(self, *keep: Path) -> None:
        """Remove index directories that are not in use: replaced ones, and drafts a crash left behind.

        Readers that have them open can go on, since the files stay until they are closed.
        """
        for directory in self._directories():
            if directory not in keep:
                shutil.rmtree(directory)

    def _directories(self) -> list[Path]:
        return [
            path
            for path in self.path.glob(f"{_PREFIX}*")
            if path.is_dir() and path.name.removeprefix(_PREFIX).isdigit()
        ]


def require_schema(directory: Path) -> None:
    """Raise IndexUnusable unless the index in `directory` was written with our schema."""
    try:
        found = json.loads((directory / "schema.json").read_text(encoding="utf-8"))["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IndexUnusable(
            f"{directory / 'schema.json'} cannot be read ({error}): run `wireroom reindex`"
        ) from error
    if found != SCHEMA_VERSION:
        raise IndexUnusable(
            f"the index in {directory} has schema {found}, this version needs {SCHEMA_VERSION}: "
            "run `wireroom reindex` to rebuild it from the archive"
        )


def size_bytes(directory: Path) -> int:
    """Return the size of all files in `directory`; those merged away meanwhile count nothing."""
    total = 0
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                total += entry.stat().st_size
            except FileNotFoundError:
                continue
    return total
