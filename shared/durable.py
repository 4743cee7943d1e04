"""Files that survive a crash whole, and locks that end with their process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO


def fsync_directory(path: Path) -> None:
    """Make the creation, renaming or removal of entries of `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: str, *, private: bool = False) -> None:
    """Replace `path` as a whole: a reader, or a crash, sees the old content or the new.

    What is `private` is never readable by others than its owner, not as a draft either.
    """
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    fsync_directory(path.parent)


class HeldElsewhere(Exception):
    """Another process (or another opener in this one) holds the lock; `holder` is its pid, if it said so."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(f"held by pid {holder}")


class FileLock:
    """An exclusive lock on a file, held until `release` or the end of the process, however it ends."""

    def __init__(self, path: Path) -> None:
        """Raises HeldElsewhere."""
        file: IO[str] = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            holder = file.read(20).strip()
            file.close()
            raise HeldElsewhere(holder or "unknown") from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        self._file.close()
