"""Bytes of the index that are not what was written: found at start and while serving, and made good."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from services.index.app import create_app
from services.index.archive import Archive
from services.index.engine.checksums import META_CHECKSUM, find_damage, require_intact
from services.index.engine.meta import META, read_meta
from services.index.engine.protocol import CommitFailed, IndexFailed, IndexUnusable, Query, StoredArticle
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.guard import IndexGuard
from services.index.maintenance import Reindexer
from services.index.opening import open_engine
from services.index.settings import IndexSettings
from shared.metrics import Metrics
from tests.support import NOW, article_id, enriched, eventually, retracted

COUNT = 40
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.999)


def make_index(data_dir: Path) -> None:
    """An index of several segments, one of them with deletions, closed properly; and its archive."""
    engine, archive = TantivyEngine(data_dir), Archive(data_dir)
    events = [enriched(str(n), body=f"Word{n} and the harbour of town {n % 7}.") for n in range(COUNT)]
    for batch in (events[:25], events[25:], [enriched("3", revision=2), retracted("7")]):
        engine.upsert_many(batch, NOW)
        archive.append(batch, NOW)
        engine.commit()
    engine.close()
    archive.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("sound")
    make_index(data_dir)
    return data_dir


@pytest.fixture
def data_dir(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "data")
    return tmp_path / "data"


def directory_of(data_dir: Path) -> Path:
    return data_dir / "index" / (data_dir / "index" / "CURRENT").read_text().strip()


def segment_files(directory: Path) -> list[Path]:
    meta = read_meta(directory)
    assert meta is not None
    return [directory / name for name in meta.file_names()]


def flip(path: Path, at: int, mask: int = 0xFF) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= mask
    path.write_bytes(bytes(data))


def assert_whole(engine: TantivyEngine) -> None:
    assert (engine.stats().articles, engine.stats().tombstones) == (COUNT - 1, 1)
    for n in range(COUNT):
        held = engine.get(article_id(str(n)))
        if n != 7:
            assert isinstance(held, StoredArticle)
            assert (held.article["id"], held.article["revision"]) == (article_id(str(n)), 2 if n == 3 else 1)
    page = engine.search(Query(size=100, facets=("sources",)))
    assert page.total == COUNT - 1
    assert len({hit.id for hit in page.hits}) == COUNT - 1


FILES = ("*.store", "*.idx", "*.pos", "*.term", "*.fast", "*.fieldnorm", "*.del", "meta.json",
         ".managed.json", "schema.json", "meta.crc32", "../CURRENT")  # fmt: skip


@pytest.mark.parametrize("pattern", FILES)
def test_a_flipped_byte_anywhere_leaves_nothing_wrong(sound: Path, tmp_path: Path, pattern: str) -> None:
    if pattern == "../CURRENT":
        paths = [sound / "index" / "CURRENT"]
    else:
        paths = sorted(directory_of(sound).glob(pattern))[:2]
    assert paths, f"there is no {pattern}: the test would test nothing"
    for number, (path, share) in enumerate((path, share) for path in paths for share in SHARES):
        data_dir = tmp_path / str(number)
        shutil.copytree(sound, data_dir)
        flip(data_dir / path.relative_to(sound), int(path.stat().st_size * share))
        archive = Archive(data_dir)
        engine = open_engine(data_dir, archive)
        assert_whole(engine)
        engine.close()
        archive.close()


@pytest.mark.parametrize("mask", [0x01, 0x80], ids=["lowest bit", "highest bit"])
def test_one_bit_of_a_segment_is_enough_to_be_found(data_dir: Path, mask: int) -> None:
    for path in segment_files(directory_of(data_dir)):
        flip(path, 2, mask)
        with pytest.raises(IndexUnusable, match=path.name):
            require_intact(directory_of(data_dir))
        flip(path, 2, mask)
    assert require_intact(directory_of(data_dir)).live_documents == COUNT


def test_a_number_in_the_meta_file_is_found_though_it_is_still_json(data_dir: Path) -> None:
    meta = directory_of(data_dir) / "meta.json"
    altered, count = re.subn(r'("max_doc": ?)25', r"\g<1>24", meta.read_text())
    assert count == 1
    meta.write_text(altered)
    with pytest.raises(IndexUnusable, match=r"meta\.json"):
        require_intact(directory_of(data_dir))


def read_until_it_breaks(engine: TantivyEngine) -> None:
    for n in range(COUNT):
        engine.get(article_id(str(n)))
        engine.search(Query(size=100, facets=("sources", "entities")))


def test_a_file_that_a_merge_removes_while_it_is_looked_at_is_no_damage(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = directory_of(data_dir)
    meta = read_meta(directory)
    assert meta is not None
    merged = meta.model_copy(update={"segments": meta.segments[1:]})
    gone = directory / meta.segments[0].file_names()[0]
    gone.unlink()
    assert find_damage(directory) == f"{gone} is damaged: it has gone"
    seen = iter([meta])
    monkeypatch.setattr("services.index.engine.checksums.read_meta", lambda _: next(seen, merged))
    assert find_damage(directory) is None


def test_what_a_crash_left_of_a_file_that_no_segment_names_is_no_damage(data_dir: Path) -> None:
    directory = directory_of(data_dir)
    meta = read_meta(directory)
    assert meta is not None
    (directory / f"{meta.segments[1].segment_id.hex}.9999.del").write_bytes(b"torn")
    assert require_intact(directory) == meta


def spoil_meta(meta: str) -> list[str]:
    """Every single change that leaves meta.json readable to Tantivy and yet false."""
    changed = []
    for place in re.finditer(r'"(?:max_doc|num_deleted_docs|opstamp)": (\d+)', meta):
        number = int(place[1])
        changed += [
            meta[: place.start(1)] + str(other) + meta[place.end(1) :]
            for other in (0, number - 1, number ^ 8)
        ]
    changed += [
        meta.replace('"deletes": {', '"dfletes": {'),
        meta.replace("{\n", "[\n", 1),
        "",
        "{}",
        "\0" * 99,
    ]
    return changed


def test_a_meta_file_without_a_checksum_deceives_nobody(sound: Path, tmp_path: Path) -> None:
    """After kill -9 there is none of ours. What is read is right or made anew; nothing panics."""
    whole = (directory_of(sound) / META).read_text()
    rebuilt = 0
    for number, changed in enumerate(spoil_meta(whole)):
        data_dir = tmp_path / str(number)
        shutil.copytree(sound, data_dir)
        (directory_of(data_dir) / META_CHECKSUM).unlink()
        (directory_of(data_dir) / META).write_text(changed)
        archive = Archive(data_dir)
        engine = open_engine(data_dir, archive)
        assert_whole(engine)
        engine.upsert_many([enriched("3", revision=3), retracted("8"), retracted("9")], NOW)
        engine.commit()
        assert (engine.stats().articles, engine.stats().tombstones) == (COUNT - 3, 3), changed[-30:]
        rebuilt += engine.home.current() != data_dir / "index" / directory_of(sound).name
        engine.close()
        archive.close()
    assert rebuilt > 10


def test_damage_without_an_archive_says_what_can_be_done(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "archive")
    flip(segment_files(directory_of(data_dir))[0], 5)
    archive = Archive(data_dir)
    with pytest.raises(IndexUnusable, match="restore a backup"):
        open_engine(data_dir, archive)
    archive.close()


@pytest.fixture
def serving(data_dir: Path) -> Iterator[tuple[TantivyEngine, IndexGuard]]:
    archive = Archive(data_dir)
    engine = TantivyEngine(data_dir)
    reindexer = Reindexer(engine, archive, asyncio.Lock())
    yield engine, IndexGuard(engine, reindexer, Metrics(), interval_s=3600)
    engine.close()
    archive.close()


def spoil(engine: TantivyEngine, suffixes: tuple[str, ...] = (".fast", ".term", ".store")) -> None:
    """Spoil files under the running engine, in place: it has them mapped."""
    for path in segment_files(engine.home.current() or Path()):
        if path.suffix in suffixes:
            with path.open("r+b") as file:
                size = path.stat().st_size
                file.write(b"\xff" * (size - 200))


async def test_damage_that_shows_while_serving_is_told_and_mended(
    serving: tuple[TantivyEngine, IndexGuard],
) -> None:
    engine, guard = serving
    assert_whole(engine)
    spoil(engine)
    with pytest.raises(IndexFailed):
        read_until_it_breaks(engine)
    assert engine.suspect
    await guard.check()
    assert engine.health().ok
    assert not engine.suspect
    assert_whole(engine)


async def test_damage_is_not_ready_until_it_is_mended(serving: tuple[TantivyEngine, IndexGuard]) -> None:
    engine, _ = serving
    spoil(engine)
    assert engine.check_files()
    health = engine.health()
    assert not health.ok
    assert "is damaged" in health.detail


async def test_a_batch_that_meets_damage_is_delivered_again_and_stored_when_it_is_mended(
    serving: tuple[TantivyEngine, IndexGuard],
) -> None:
    engine, guard = serving
    spoil(engine)
    with pytest.raises(CommitFailed):
        for n in range(COUNT):
            engine.upsert_many([enriched(str(n), revision=4)], NOW)
            engine.commit()
    assert engine.suspect
    assert engine.pending == 0
    await guard.check()
    assert engine.health().ok
    assert_whole(engine)
    outcomes = engine.upsert_many([enriched("1", revision=4)], NOW)
    engine.commit()
    assert [outcome.outcome for outcome in outcomes] == ["indexed"]


async def test_a_meta_file_spoilt_while_serving_is_found_and_mended(
    serving: tuple[TantivyEngine, IndexGuard],
) -> None:
    engine, guard = serving
    (engine.home.current() or Path()).joinpath(META).write_bytes(b"\xff" * 50)
    assert "meta.json is damaged" in (engine.check_files() or "")
    await guard.check()
    assert engine.health().ok
    assert_whole(engine)


async def test_a_rebuild_that_could_not_be_made_is_tried_again(
    serving: tuple[TantivyEngine, IndexGuard], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, guard = serving
    monkeypatch.setattr("services.index.guard.LOOK_S", 0.01)
    monkeypatch.setattr("services.index.guard.BETWEEN_CHECKS_S", 0.02)
    make_current, failed = engine.home.make_current, []

    def full_at_first(directory: Path) -> None:
        if len(failed) < 2:
            failed.append(directory)
            raise OSError(28, "No space left on device")
        make_current(directory)

    monkeypatch.setattr(engine.home, "make_current", full_at_first)
    spoil(engine)
    engine.suspect = True
    watching = asyncio.create_task(guard.run())
    await eventually(lambda: len(failed) == 2 and engine.health().ok)
    watching.cancel()
    assert_whole(engine)


async def test_a_sound_index_is_not_made_anew(serving: tuple[TantivyEngine, IndexGuard]) -> None:
    engine, guard = serving
    before = engine.home.current()
    engine.suspect = True
    await guard.check()
    assert (engine.home.current(), engine.suspect) == (before, False)


async def test_a_request_over_which_the_index_breaks_is_answered_503(data_dir: Path) -> None:
    app = create_app(IndexSettings(data_dir=data_dir))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        for path in directory_of(data_dir).glob("*.fast"):
            with path.open("r+b") as file:
                file.write(b"\xff" * (path.stat().st_size - 200))
        answers = [await client.get("/v1/search?q=harbour&facets=sources"), await client.get("/?q=harbour")]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].json()["type"] == "/problems/index-failed"
    assert "cannot be answered now" in answers[1].text
