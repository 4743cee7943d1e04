"""Opening the index at start, and making it anew from the archive when it is damaged, outdated or gone."""

from __future__ import annotations

from pathlib import Path

from services.index.archive import Archive
from services.index.engine.protocol import IndexUnusable
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.reindex import reindex
from shared.logging import get_logger

log = get_logger(__name__)


def open_engine(data_dir: Path, archive: Archive) -> TantivyEngine:
    """Return the engine on `data_dir`, rebuilt first if its index cannot be used or was lost.

    Raises ConfigurationError when another process holds it, or when there is no archive to rebuild from.
    """
    has_archive = archive.stats().size_bytes > 0
    try:
        engine = TantivyEngine(data_dir)
    except IndexUnusable as error:
        if not has_archive:
            raise IndexUnusable(
                f"{error}. There is no archive in {archive.path} to make the index from: restore a backup, "
                f"or, to begin with an empty index, remove {data_dir / 'index'}"
            ) from error
        return _rebuilt(data_dir, str(error))
    stats = engine.stats()
    if has_archive and stats.articles + stats.tombstones == 0:
        engine.close()
        return _rebuilt(data_dir, "the index is empty and the archive is not")
    return engine


def _rebuilt(data_dir: Path, why: str) -> TantivyEngine:
    log.error("the index is rebuilt from the archive before this service starts", why=why)
    report = reindex(data_dir)
    say = log.error if report.damaged_frames or report.damaged_records or report.failed else log.warning
    say(
        "the index was rebuilt",
        records=report.records,
        written=report.written,
        failed=report.failed,
        damaged_frames=report.damaged_frames,
        damaged_records=report.damaged_records,
    )
    return TantivyEngine(data_dir)
