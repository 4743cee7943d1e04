"""Putting a backup back while nothing runs. What is there now is moved aside, never deleted."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.cli.backups.entries import FILE, count_entries, delete_all, load_entries
from services.cli.backups.feeds import FILE as FEEDS_FILE
from services.cli.backups.feeds import load_feeds
from services.cli.backups.files import has_data, put_back, set_aside
from services.cli.backups.manifest import Manifest, read_manifest, require_intact, stamp
from services.cli.backups.redis_access import redis_of, redis_settings
from services.cli.output import Failure
from services.index.archive import archive_directory
from services.index.archive_reading import Position
from services.index.reindex import catch_up
from services.index.switching import staging_directory
from services.supervisor.instance import read_instance
from shared.durable import FileLock, HeldElsewhere


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore has done. `set_aside` is where the former index and archive are now."""

    manifest: Manifest
    entries: int
    set_aside: tuple[Path, ...]


def restore_backup(backup: Path, data_dir: Path, *, replace: bool) -> Restored:
    """Put index, archive and entries of `backup` in place of what `data_dir` and its Redis hold.

    All is checked first; a restore that was interrupted can be run again with `replace`. Raises Failure.
    """
    manifest = read_manifest(backup)
    partitions = redis_settings(None).partitions
    if manifest.partitions != partitions:
        raise Failure(
            f"The backup has {manifest.partitions} partitions, and WIREROOM_PARTITIONS is {partitions}.",
            f"Set WIREROOM_PARTITIONS={manifest.partitions} for all services, then restore.",
        )
    require_intact(backup, manifest.files)
    if read_instance(data_dir) is not None:
        raise Failure(f"Wireroom runs on {data_dir}.", "Stop it, then restore.")
    data_dir.mkdir(parents=True, exist_ok=True)
    with _nobody_writes(data_dir):
        if has_data(data_dir) and not replace:
            raise Failure(
                f"{data_dir.absolute()} has an index or an archive already.",
                "With --replace they are moved aside, and entries in Redis are deleted.",
            )
        waiting = asyncio.run(_count_waiting(data_dir.absolute(), partitions))
        if waiting and not replace:
            raise Failure(f"Redis holds {waiting:,} entries already.", "With --replace they are deleted.")
        asyncio.run(_empty(data_dir.absolute()))
        moved = set_aside(data_dir, f"replaced-{stamp(datetime.now(UTC))}") if replace else []
        # Made of the archive that goes.
        shutil.rmtree(staging_directory(data_dir), ignore_errors=True)
        try:
            put_back(backup, manifest.files, data_dir)
            whole_to = Position(manifest.index_is_whole_to.segment, manifest.index_is_whole_to.offset)
            catch_up(data_dir, whole_to)
            entries = asyncio.run(_load(data_dir.absolute(), backup / "redis" / FILE, partitions))
        except OSError as error:
            where = "".join(f" The former {path.name.partition('.')[0]} is in {path}." for path in moved)
            raise Failure(
                f"The restore stopped half way: {error}.{where}", "Run it again with --replace."
            ) from error
    return Restored(manifest, entries, tuple(moved))


async def _empty(data_dir: Path) -> None:
    """Before any file moves: a Wireroom that is started over half a restore must not take Redis for whole."""
    async with redis_of(data_dir) as redis:
        await delete_all(redis)


async def _count_waiting(data_dir: Path, partitions: int) -> int:
    async with redis_of(data_dir) as redis:
        return await count_entries(redis, partitions)


async def _load(data_dir: Path, file: Path, partitions: int) -> int:
    async with redis_of(data_dir) as redis:
        entries = await load_entries(redis, file, partitions)
        await load_feeds(redis, file.with_name(FEEDS_FILE))
        return entries


@contextmanager
def _nobody_writes(data_dir: Path) -> Iterator[None]:
    """Make sure that no index service has the data directory open, here or in a container."""
    directories = [path for path in (data_dir / "index", archive_directory(data_dir)) if path.is_dir()]
    locks: list[FileLock] = []
    try:
        locks.extend(FileLock(directory / "LOCK") for directory in directories)
        yield
    except HeldElsewhere as error:
        raise Failure(
            f"The index service (pid {error.holder}) runs on {data_dir}.",
            "Stop all services, then restore.",
        ) from error
    finally:
        for lock in locks:
            lock.release()
