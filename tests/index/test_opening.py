"""Opening an index that is damaged, outdated or gone: rebuilt from the archive, with nothing missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.index.archive import Archive
from services.index.engine.protocol import IndexUnusable, StoredArticle, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.opening import open_engine
from tests.support import NOW, article_id, enriched, retracted

EVENTS = [*(enriched(str(n)) for n in range(20)), enriched("3", revision=2), retracted("7")]


def current(data_dir: Path) -> Path:
    return data_dir / "index" / (data_dir / "index" / "CURRENT").read_text().strip()


def truncate_stores(data_dir: Path) -> None:
    for path in current(data_dir).glob("*.store"):
        path.write_bytes(path.read_bytes()[:10])


def outdate_schema(data_dir: Path) -> None:
    (current(data_dir) / "schema.json").write_text('{"schema_version": 0}')


def spoil_meta(data_dir: Path) -> None:
    (current(data_dir) / "meta.json").write_text("{")


def remove_directory(data_dir: Path) -> None:
    shutil.rmtree(current(data_dir))


def remove_all(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "index")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    engine, archive = TantivyEngine(tmp_path), Archive(tmp_path)
    for event in EVENTS:
        engine.upsert_many([event], NOW)
        archive.append([event], NOW)
    engine.commit()
    engine.close()
    archive.close()
    return tmp_path


@pytest.mark.parametrize(
    "damage",
    [truncate_stores, outdate_schema, spoil_meta, remove_directory, remove_all],
    ids=lambda d: d.__name__,
)
def test_a_damaged_index_is_rebuilt_at_start(data_dir: Path, damage: Callable[[Path], None]) -> None:
    damage(data_dir)
    archive = Archive(data_dir)
    engine = open_engine(data_dir, archive)
    try:
        assert (engine.stats().articles, engine.stats().tombstones) == (19, 1)
        stored = engine.get(article_id("3"))
        assert isinstance(stored, StoredArticle) and stored.article["revision"] == 2
        assert isinstance(engine.get(article_id("7")), Tombstone)
    finally:
        engine.close()
        archive.close()


def test_an_index_in_order_is_opened_as_it_is(data_dir: Path) -> None:
    before = current(data_dir)
    archive = Archive(data_dir)
    engine = open_engine(data_dir, archive)
    engine.close()
    archive.close()
    assert current(data_dir) == before


def test_a_damaged_index_without_an_archive_is_refused(data_dir: Path) -> None:
    spoil_meta(data_dir)
    shutil.rmtree(data_dir / "archive")
    archive = Archive(data_dir)
    with pytest.raises(IndexUnusable, match="wireroom reindex"):
        open_engine(data_dir, archive)
    archive.close()


def test_the_first_start_begins_with_an_empty_index(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    engine = open_engine(tmp_path, archive)
    assert engine.stats().articles == 0
    engine.close()
    archive.close()
