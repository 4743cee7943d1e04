"""Whether the files of a Tantivy index hold what was written: damage is found at open, not by a panic later.

Tantivy ends each segment file with a footer: JSON with the CRC-32 of all before it, then the length of that
JSON and a magic number, both 32 bits, little endian. It compares them only when asked to, which its Python
binding cannot. meta.json has no checksum of Tantivy's; ours is written when the index is closed.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from services.index.engine.meta import META, Meta, read_meta
from services.index.engine.protocol import IndexUnusable
from shared.durable import write_durably

META_CHECKSUM = "meta.crc32"
_MAGIC = 1337
_TAIL = struct.Struct("<II")
_MAX_FOOTER_BYTES = 4096
_CHUNK_BYTES = 1 << 20


def require_intact(directory: Path) -> Meta:
    """Check every file of the index in `directory`, which nobody has open; return its meta.json.

    Raises IndexUnusable that names the first damaged file.
    """
    problem = _meta_problem(directory) or find_damage(directory)
    meta = None if problem else read_meta(directory)
    if meta is None:
        raise IndexUnusable(f"{problem}. Run `wireroom reindex`")
    return meta


def find_damage(directory: Path) -> str | None:
    """Return what is damaged in an index, which may be in use; None for nothing.

    A file that a merge has removed meanwhile is not missing.
    """
    try:
        for name in _file_names(directory):
            problem = _problem_of(directory / name)
            if problem is not None and name in _file_names(directory):
                return f"{directory / name} is damaged: {problem}"
    except IndexUnusable as error:
        return str(error)
    return None


def note_closed(directory: Path) -> None:
    """Write down the checksum of meta.json, which nothing changes until the index is opened again."""
    meta = directory / META
    if meta.exists():
        write_durably(directory / META_CHECKSUM, f"{zlib.crc32(meta.read_bytes())}\n")


def note_opened(directory: Path) -> None:
    """Forget that checksum before meta.json may change."""
    (directory / META_CHECKSUM).unlink(missing_ok=True)


def _file_names(directory: Path) -> list[str]:
    meta = read_meta(directory)
    if meta is None:
        raise IndexUnusable(f"{directory / META} has gone")
    return meta.file_names()


def _meta_problem(directory: Path) -> str | None:
    try:
        noted = (directory / META_CHECKSUM).read_bytes().strip()
        found = str(zlib.crc32((directory / META).read_bytes())).encode()
    except FileNotFoundError:  # the index was not closed, for its process was killed
        return None
    except OSError as error:
        return f"{directory / META} cannot be read ({error})"
    return None if noted == found else f"{directory / META} is not as it was closed"


def _problem_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _TAIL.size:
                return "it is cut off"
            file.seek(size - _TAIL.size)
            length, magic = _TAIL.unpack(file.read(_TAIL.size))
            end = size - _TAIL.size - length
            if magic != _MAGIC or length > _MAX_FOOTER_BYTES or end < 0:
                return "its footer is not there"
            file.seek(end)
            footer = json.loads(file.read(length))
            file.seek(0)
            found = 0
            for chunk in _chunks(file, end):
                found = zlib.crc32(chunk, found)
    except FileNotFoundError:
        return "it has gone"
    except (OSError, ValueError, RecursionError) as error:
        return f"it cannot be read ({error})"
    expected = footer.get("crc") if isinstance(footer, dict) else None
    return None if found == expected else "its checksum does not match"


def _chunks(file: BinaryIO, length: int) -> Iterator[bytes]:
    while length and (chunk := file.read(min(length, _CHUNK_BYTES))):
        length -= len(chunk)
        yield chunk
