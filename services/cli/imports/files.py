"""Which files there are: those that are named, and all in the folders that are named, ordered by name."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from services.cli.imports.entries import Skipped, passed_over
from services.cli.imports.formats import format_by_name
from services.cli.output import Failure

STDIN = "-"
HEAD_BYTES = 64 << 10
MAX_FOLDER_DEPTH = 64


@dataclass(frozen=True, slots=True)
class Job:
    """One file to read. `size` is None for a pipe, which can be read once only."""

    name: str
    path: Path | None
    size: int | None
    in_folder: bool = False

    def open(self) -> BinaryIO:
        """Raises OSError, also for a file that has become something else since it was found."""
        if self.path is None:
            return open(0, "rb", closefd=False)  # standard input has no path
        # Not blocking: what was a file may be a pipe by now that nobody writes to.
        flags = os.O_RDONLY | (os.O_NONBLOCK if self.size is not None else 0)
        file = os.fdopen(os.open(self.path, flags), "rb")
        if self.size is not None and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise OSError(0, "is no longer a file")
        return file

    def identity(self) -> tuple[object, ...] | None:
        """Return what tells this file from a changed one: path, size, times, inode, its first bytes.

        None for a pipe. Raises OSError.
        """
        if self.path is None or self.size is None:
            return None
        with self.open() as file:
            status = os.fstat(file.fileno())
            head = "" if self.in_folder else blake2b(file.read(HEAD_BYTES), digest_size=16).hexdigest()
        return (str(self.path.resolve()), status.st_size, status.st_mtime_ns, status.st_ino, head)


def check(paths: Sequence[str]) -> None:
    """Raises Failure for a path that cannot be read, before anything is sent."""
    for name in paths:
        if name != STDIN and not os.access(name, os.R_OK):
            what = "cannot be read" if Path(name).exists() else "does not exist"
            raise Failure(f"{name} {what}.", "Nothing was imported.")


def jobs_in(paths: Sequence[str], *, of_any_name: bool = False) -> Iterator[Job | tuple[str, Skipped]]:
    """Yield the files in order, and in their place those of folders that are passed over, with why.

    Of folders only files with a suffix that is known are taken, unless `of_any_name`.
    """
    for name in paths:
        if name == STDIN:
            yield Job("stdin", None, None)
            continue
        path = Path(name)
        if path.is_dir():
            yield from _in_folder(path, of_any_name)
            continue
        status = path.stat()
        yield Job(_shown(name), path, status.st_size if stat.S_ISREG(status.st_mode) else None)


def total_bytes(paths: Sequence[str], *, of_any_name: bool = False) -> int | None:
    """Return how many bytes there are to read, None when a pipe is among them."""
    total = 0
    for job in jobs_in(paths, of_any_name=of_any_name):
        if isinstance(job, Job):
            if job.size is None:
                return None
            total += job.size
    return total


def _in_folder(root: Path, of_any_name: bool) -> Iterator[Job | tuple[str, Skipped]]:
    """Go through a folder depth first. Links are followed to files within it only, so never in circles."""
    home = root.resolve()
    stack = [iter(_sorted(root))]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
            continue
        path = Path(entry.path)
        if not entry.is_dir(follow_symlinks=False):
            yield _judged(path, entry, home, of_any_name)
        elif len(stack) >= MAX_FOLDER_DEPTH:
            yield (
                _shown(str(path)),
                Skipped("nested too deeply", f"more than {MAX_FOLDER_DEPTH} folders deep"),
            )
        else:
            try:
                stack.append(iter(_sorted(path)))
            except OSError as error:
                yield _shown(str(path)), Skipped("cannot be read", str(error.strerror))


def _judged(path: Path, entry: os.DirEntry[str], home: Path, of_any_name: bool) -> Job | tuple[str, Skipped]:
    name = _shown(str(path))
    try:
        if entry.is_symlink() and not path.resolve(strict=True).is_relative_to(home):
            return name, passed_over("link out of the folder")
        status = entry.stat()
    except (OSError, RuntimeError) as error:
        return name, Skipped("cannot be read", getattr(error, "strerror", None) or str(error))
    if not stat.S_ISREG(status.st_mode) or not (of_any_name or format_by_name(name)):
        return name, passed_over("unknown kind of file", path.suffix[:20])
    return Job(name, path, status.st_size, in_folder=True)


def _shown(name: str) -> str:
    """Return a name as text: those on disk are bytes, and need not be UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _sorted(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: os.fsencode(entry.name))
