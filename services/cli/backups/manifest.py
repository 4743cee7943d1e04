"""The manifest of a backup: what it holds, from when, and the digest of each file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from services.cli.output import Failure
from shared.durable import write_durably

FORMAT = 1
MANIFEST = "manifest.json"
_CHUNK_BYTES = 1 << 20
_PARTS = ("index", "archive", "saved-searches", "redis")


class BackedUpFile(BaseModel):
    """`path` is relative to the backup."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(pattern=r"^(index|archive|redis|saved-searches)/[A-Za-z0-9._-]+$")
    size_bytes: int
    sha256: str


class Counts(BaseModel):
    """What is in a backup. `documents` are articles and what is left of retracted ones.

    `raw` and `enriched` are entries that had not been trimmed yet: on their way, or just done.
    """

    model_config = ConfigDict(frozen=True)

    documents: int
    archive_segments: int
    raw: int
    enriched: int
    dead: int


class ArchiveEnd(BaseModel):
    """Where the archive ended before the index was copied: what lies behind may be missing in the index."""

    model_config = ConfigDict(frozen=True)

    segment: int
    offset: int


class Manifest(BaseModel):
    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    wireroom_version: str
    schema_version: str
    created_at: AwareDatetime
    partitions: int
    counts: Counts
    index_is_whole_to: ArchiveEnd
    files: tuple[BackedUpFile, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


def files_of(backup: Path) -> tuple[BackedUpFile, ...]:
    """Return all files of a backup in the making, each on disk, with their digests."""
    paths = sorted(path for part in _PARTS for path in (backup / part).glob("*"))
    return tuple(
        BackedUpFile(
            path=str(path.relative_to(backup)),
            size_bytes=path.stat().st_size,
            sha256=digest_of(path, sync=True),
        )
        for path in paths
    )


def digest_of(path: Path, *, sync: bool = False) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        if sync:
            os.fsync(file.fileno())
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_manifest(backup: Path, manifest: Manifest) -> None:
    write_durably(backup / MANIFEST, manifest.model_dump_json(indent=2) + "\n")


def read_manifest(backup: Path) -> Manifest:
    """Raises Failure when `backup` is none, or of a format that this version does not know."""
    try:
        text = (backup / MANIFEST).read_bytes()
    except OSError as error:
        raise Failure(
            f"{backup} is no backup: its {MANIFEST} cannot be read ({error.strerror}).",
            "Name the directory that `wireroom backup` has written; one that ends in .partial is unfinished.",
        ) from error
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError as error:
        raise Failure(
            f"{backup / MANIFEST} is damaged: {error.errors()[0]['msg']}.", "Restore another backup."
        ) from error
    if manifest.format != FORMAT:
        raise Failure(
            f"{backup} has format {manifest.format}, and this version reads {FORMAT}.",
            f"Restore it with Wireroom {manifest.wireroom_version}.",
        )
    return manifest


def require_intact(backup: Path, files: Iterable[BackedUpFile]) -> None:
    """Raises Failure that names the first file that is missing or not as it was written."""
    for file in files:
        path = backup / file.path
        try:
            intact = path.stat().st_size == file.size_bytes and digest_of(path) == file.sha256
        except OSError as error:
            raise Failure(f"{path} cannot be read: {error.strerror}.", "Restore another backup.") from error
        if not intact:
            raise Failure(f"{path} is not as it was written.", "Nothing was changed. Restore another backup.")


def stamp(at: datetime) -> str:
    """Return an instant as part of a file name."""
    return f"{at:%Y%m%dT%H%M%S.%fZ}"
