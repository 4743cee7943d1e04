"""`wireroom doctor` on index and archive: it finds damage before anybody needs the bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli import checks
from services.index.archive import Archive
from services.index.archive_reading import segment_path
from services.index.engine.tantivy_engine import TantivyEngine
from tests.support import NOW, enriched


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    engine, archive = TantivyEngine(tmp_path), Archive(tmp_path)
    for key in "abc":
        events = [enriched(key, body=f"{key} " * 100)]
        archive.append(events, NOW)
        engine.upsert_many(events, NOW)
        engine.commit()
    engine.close()
    archive.close()
    return tmp_path


def found(data_dir: Path) -> dict[str, tuple[str, str]]:
    return {check.name: (check.state, check.found) for check in checks.check_index(data_dir)}


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(bytes(data))


def test_nothing_made_yet_is_nothing_wrong(tmp_path: Path) -> None:
    assert found(tmp_path) == {}


def test_whole_files_are_said_to_be_whole(data_dir: Path) -> None:
    states = found(data_dir)
    assert states["Index"] == ("ok", "index-1, its files match their checksums")
    assert states["Archive"][0] == "ok"
    assert "3 records" in states["Archive"][1]


def test_an_index_in_use_is_checked_too(data_dir: Path) -> None:
    engine = TantivyEngine(data_dir)
    engine.upsert_many([enriched("d")], NOW)
    assert found(data_dir)["Index"][0] == "ok"
    engine.close()


def test_a_flipped_bit_of_the_index_is_named_with_its_mend(data_dir: Path) -> None:
    path = next((data_dir / "index" / "index-1").glob("*.store"))
    flip(path, 3)
    (index, archive) = checks.check_index(data_dir)
    assert (index.state, index.mend, archive.state) == ("fail", "wireroom reindex", "ok")
    assert path.name in index.found


def test_a_flipped_bit_of_the_archive_is_named_with_its_segment(data_dir: Path) -> None:
    flip(segment_path(data_dir / "archive", 1), 40)
    states = found(data_dir)
    assert states["Index"][0] == "ok"
    assert states["Archive"][0] == "fail"
    assert "1 parts of it are damaged, in segment-00000001.ndjson.zst; 2 records" in states["Archive"][1]


def test_an_archive_that_is_missing_is_a_warning(data_dir: Path) -> None:
    segment_path(data_dir / "archive", 1).unlink()
    assert found(data_dir)["Archive"][0] == "warn"


def test_an_index_that_lost_its_directory_is_to_be_made_anew(data_dir: Path) -> None:
    (data_dir / "index" / "CURRENT").write_text("index-2")
    index = next(iter(checks.check_index(data_dir)))
    assert (index.state, index.mend) == ("fail", "wireroom reindex")
