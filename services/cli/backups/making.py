"""Writing a backup while everything runs: no lock, no pause.

The order is the way of an article, so that one accepted before the backup began is in it at least once:
feeds first, for what they remember as submitted is on the streams by then; then entries (dead letters too,
for one may be replayed meanwhile), then saved searches, the index, and the archive, which is written before
the index and so holds all that the index does, and more: see `index_is_whole_to`.
"""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

from services.cli.backups.entries import FILE, dump_entries
from services.cli.backups.feeds import FILE as FEEDS_FILE
from services.cli.backups.feeds import dump_feeds
from services.cli.backups.files import (
    archive_end,
    copy_archive,
    copy_index,
    copy_saved_searches,
    documents_in,
)
from services.cli.backups.manifest import ArchiveEnd, Counts, Manifest, files_of, write_manifest
from services.cli.backups.redis_access import redis_of, redis_settings
from services.cli.output import Failure
from services.index.saved_searches.database import DIRECTORY as SAVED
from shared import __version__
from shared.durable import fsync_directory
from shared.events import SCHEMA_VERSION
from shared.streams import DEAD, ENRICHED, RAW

_DRAFT_MARK = "unfinished-backup"


def make_backup(data_dir: Path, target: Path) -> Manifest:
    """Write a backup of `data_dir` and its Redis to `target`, which appears as a whole at the end.

    Raises Failure when `target` is there already, or there is no index yet.
    """
    if target.exists():
        raise Failure(f"{target} is there already.", "Name a directory that is not there yet.")
    if not (data_dir / "index" / "CURRENT").exists():
        raise Failure(
            f"There is no index in {data_dir.absolute()}.", "Name the data directory with --data-dir."
        )
    draft = _new_draft(target)
    created_at = datetime.now(UTC)
    partitions = redis_settings(None).partitions
    (draft / "redis").mkdir()
    counts = asyncio.run(_dump(data_dir.absolute(), draft / "redis" / FILE, partitions))
    # After the entries and before the index: what was acknowledged by then has its matches in it, and what
    # has matches in it is in the index.
    copy_saved_searches(data_dir, draft / SAVED)
    whole_to = archive_end(data_dir)
    copy_index(data_dir, draft / "index")
    segments = copy_archive(data_dir, draft / "archive")
    manifest = Manifest(
        wireroom_version=__version__,
        schema_version=SCHEMA_VERSION,
        created_at=created_at,
        partitions=partitions,
        counts=Counts(
            documents=documents_in(draft / "index"),
            archive_segments=segments,
            raw=counts[RAW.name],
            enriched=counts[ENRICHED.name],
            dead=counts[DEAD.name],
        ),
        index_is_whole_to=ArchiveEnd(segment=whole_to.segment, offset=whole_to.offset),
        files=files_of(draft),
    )
    for directory in (draft / "index", draft / "archive", draft / SAVED, draft / "redis"):
        if directory.exists():
            fsync_directory(directory)
    write_manifest(draft, manifest)
    (draft / _DRAFT_MARK).unlink()
    draft.rename(target)
    fsync_directory(target.parent)
    return manifest


async def _dump(data_dir: Path, file: Path, partitions: int) -> dict[str, int]:
    async with redis_of(data_dir) as redis:
        await dump_feeds(redis, file.with_name(FEEDS_FILE))
        return await dump_entries(redis, file, partitions)


def _new_draft(target: Path) -> Path:
    """Make the directory that becomes the backup, in place of one that an interrupted run has left."""
    draft = target.with_name(f"{target.name}.partial")
    if draft.exists():
        if not (draft / _DRAFT_MARK).exists():
            raise Failure(f"{draft} is in the way.", "It is no unfinished backup: move it.")
        shutil.rmtree(draft)
    draft.mkdir(parents=True)
    (draft / _DRAFT_MARK).touch()
    return draft
