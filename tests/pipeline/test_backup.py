"""A backup made while everything runs, put back on an empty machine: nothing of it is missing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.cli.backups.keys import family_of
from shared.runtime.groups import ensure_groups
from shared.streams import EVENT_FIELD, RAW
from tests.pipeline.conftest import Stack, start_stack, stop_stack
from tests.pipeline.steps import Json, search, story, submit, submit_and_wait, wait_for, word_of
from tests.support import eventually

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = start_stack(tmp_path_factory.mktemp("backup") / "data", "--no-samples", "--enrich-workers", "1")
    yield stack
    if stack.process is not None and stack.process.poll() is None:
        stop_stack(stack)


@asynccontextmanager
async def clients_of(stack: Stack) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    async with (
        httpx2.AsyncClient(base_url=stack.ingest_url, timeout=10) as ingest,
        httpx2.AsyncClient(base_url=stack.index_url, timeout=10) as index,
    ):
        yield ingest, index


async def run(stack: Stack, *words: str) -> Json:
    done: subprocess.CompletedProcess[str] = await asyncio.to_thread(stack.cli, *words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    document: Json = json.loads(done.stdout)
    return document


async def refused(stack: Stack, *words: str) -> str:
    done: subprocess.CompletedProcess[str] = await asyncio.to_thread(stack.cli, *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


async def letters(stack: Stack) -> list[Json]:
    found: list[Json] = await run(stack, "dead", "list")  # type: ignore[assignment]
    return found


async def test_a_backup_under_load_brings_everything_back(first: Stack, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    corrected, gone = story(), story()
    async with clients_of(first) as (ingest, index):
        await submit_and_wait(ingest, corrected)
        second = await submit_and_wait(ingest, corrected | {"body": corrected["body"] + " Second edition."})
        doomed = await submit_and_wait(ingest, gone)
        assert (await ingest.delete(f"/v1/articles/{doomed['id']}")).status_code == 202
        await eventually(lambda: answers(index, doomed, 410))
        async with first.redis() as redis:
            await redis.xadd(RAW.key(0), {EVENT_FIELD: b"no event \xff"})
            await eventually(lambda: count_letters(first))
            await check_every_key_is_listed(redis)
        worker = first.pids()["enrich"]
        os.kill(worker, signal.SIGSTOP)
        waiting = [(article, await submit(ingest, article)) for article in (story() for _ in range(15))]
        loading = asyncio.create_task(keep_submitting(ingest))
        report = await run(first, "backup", str(backup))
        os.kill(worker, signal.SIGCONT)
        later = await loading
    assert report["counts"]["raw"] >= 15
    assert report["counts"]["dead"] == 1
    assert not (tmp_path / "backup.partial").exists()
    assert "is there already" in await refused(first, "backup", str(backup))
    assert "runs on" in await refused(first, "restore", str(backup), "--replace")
    assert stop_stack(first) == 0
    assert "--replace" in await refused(first, "restore", str(backup))

    assert first.data_dir is not None
    shutil.rmtree(first.data_dir)
    restored = await run(first, "restore", str(backup))
    assert restored["counts"] == report["counts"]
    again = start_stack(first.data_dir, "--no-samples", "--enrich-workers", "1")
    try:
        await check_restored(again, corrected, second, gone, doomed, waiting)
        async with clients_of(again) as (ingest, _):
            for article in later[:5]:  # what came after the backup can simply be sent again
                await submit_and_wait(ingest, article)
    finally:
        assert stop_stack(again) == 0


async def keep_submitting(ingest: httpx2.AsyncClient) -> list[Json]:
    articles = [story() for _ in range(40)]
    for article in articles:
        await submit(ingest, article)
        await asyncio.sleep(0.02)
    return articles


async def count_letters(stack: Stack) -> int:
    return len(await letters(stack))


async def answers(index: httpx2.AsyncClient, answer: Json, status: int) -> bool:
    return (await index.get(f"/v1/articles/{answer['id']}")).status_code == status


async def check_every_key_is_listed(redis: Any) -> None:
    keys = [key.decode("latin-1") async for key in redis.scan_iter()]
    unknown = [key for key in keys if family_of(key) is None]
    assert not unknown, "list these keys in services/cli/backups/keys.py, and say whether a backup holds them"
    assert len({family_of(key) for key in keys}) >= 5


async def check_restored(
    stack: Stack, corrected: Json, second: Json, gone: Json, doomed: Json, waiting: list[tuple[Json, Json]]
) -> None:
    async with clients_of(stack) as (ingest, index):
        for article, answer in waiting:
            await wait_for(ingest, answer)
            hits = (await search(index, word_of(article)))["hits"]
            assert [hit["id"] for hit in hits] == [answer["id"]]
        assert (await index.get(f"/v1/articles/{second['id']}")).json()["revision"] == 2
        assert await answers(index, doomed, 410)
        assert (await ingest.post("/v1/articles", json=gone)).status_code == 409
        third = await submit_and_wait(ingest, corrected | {"body": corrected["body"] + " Third edition."})
        assert third["revision"] == 3
    (letter,) = await letters(stack)
    shown = await run(stack, "dead", "show", letter["id"])
    assert "no event" in json.dumps(shown)


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    """A backup as `wireroom backup` writes it, of one article, without a Wireroom running."""
    from services.cli.backups.making import make_backup
    from services.index.archive import Archive
    from services.index.engine.tantivy_engine import TantivyEngine
    from tests.support import NOW, enriched

    data_dir = tmp_path / "source"
    data_dir.mkdir()
    engine, archive = TantivyEngine(data_dir), Archive(data_dir)
    engine.upsert_many([enriched()], NOW)
    archive.append([enriched()], NOW)
    engine.commit()
    engine.close()
    archive.close()
    make_backup(data_dir, tmp_path / "backup")
    return tmp_path / "backup"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def set_format(backup: Path) -> None:
    document = json.loads((backup / "manifest.json").read_text())
    (backup / "manifest.json").write_text(json.dumps(document | {"format": 2}))


DAMAGES: dict[str, tuple[Any, str]] = {
    "an index file": (lambda b: flip(next((b / "index").glob("*.store"))), "is not as it was written"),
    "the archive": (lambda b: flip(next((b / "archive").iterdir())), "is not as it was written"),
    "the entries": (lambda b: flip(b / "redis" / "streams.ndjson.zst"), "is not as it was written"),
    "a file that is gone": (lambda b: next((b / "index").glob("*.idx")).unlink(), "cannot be read"),
    "the manifest": (lambda b: (b / "manifest.json").write_text("{"), "is damaged"),
    "no manifest": (lambda b: (b / "manifest.json").unlink(), "is no backup"),
    "another format": (set_format, "has format 2"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    backup: Path, tmp_path: Path, damage: Any, words: str
) -> None:
    from services.cli.backups.restoring import restore_backup
    from services.cli.output import Failure

    damage(backup)
    target = tmp_path / "target"
    with pytest.raises(Failure, match=words):
        restore_backup(backup, target, replace=True)
    assert not target.exists()


def test_what_was_there_is_moved_aside(backup: Path, tmp_path: Path) -> None:
    from services.cli.backups.restoring import restore_backup
    from services.cli.output import Failure

    target = tmp_path / "source"
    with pytest.raises(Failure, match="has an index or an archive already"):
        restore_backup(backup, target, replace=False)
    before = sorted(path.name for path in (target / "archive").iterdir())
    (target / "re-enrich").mkdir()
    restored = restore_backup(backup, target, replace=True)
    assert not (target / "re-enrich").exists(), "what was made of the former archive"
    assert [path.name.partition(".")[0] for path in restored.set_aside] == ["index", "archive"]
    assert sorted(path.name for path in restored.set_aside[1].iterdir()) == before
    assert (target / "index" / "CURRENT").read_text() == "index-1\n"
    restore_backup(backup, target, replace=True)


def test_an_unfinished_backup_is_begun_anew_and_a_stranger_left_alone(backup: Path, tmp_path: Path) -> None:
    from services.cli.backups.making import make_backup
    from services.cli.output import Failure

    draft = tmp_path / "next.partial"
    draft.mkdir()
    (draft / "holiday.jpg").touch()
    with pytest.raises(Failure, match="is in the way"):
        make_backup(tmp_path / "source", tmp_path / "next")
    (draft / "unfinished-backup").touch()
    make_backup(tmp_path / "source", tmp_path / "next")
    assert not (tmp_path / "next" / "holiday.jpg").exists()


async def test_what_was_indexed_while_the_index_was_copied_is_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.cli.backups import making
    from services.cli.backups.restoring import restore_backup
    from services.index.archive import Archive
    from services.index.engine.protocol import StoredArticle, Tombstone
    from services.index.engine.tantivy_engine import TantivyEngine
    from tests.support import NOW, article_id, enriched, retracted

    data_dir = tmp_path / "data"
    data_dir.mkdir()
    engine, archive = TantivyEngine(data_dir), Archive(data_dir)

    def store(*events: Any) -> None:
        engine.upsert_many(events, NOW)
        archive.append(events, NOW)
        engine.commit()

    store(enriched("corrected"), enriched("gone"))
    copy_index = making.copy_index

    def copy_and_go_on(source: Path, target: Path) -> None:
        copy_index(source, target)
        store(enriched("corrected", revision=2), retracted("gone"), enriched("new"))

    monkeypatch.setattr(making, "copy_index", copy_and_go_on)
    await asyncio.to_thread(making.make_backup, data_dir, tmp_path / "backup")
    engine.close()
    archive.close()
    await asyncio.to_thread(restore_backup, tmp_path / "backup", tmp_path / "target", replace=False)
    restored = TantivyEngine(tmp_path / "target")
    corrected, new = restored.get(article_id("corrected")), restored.get(article_id("new"))
    assert isinstance(corrected, StoredArticle) and corrected.article["revision"] == 2
    assert isinstance(new, StoredArticle)
    assert isinstance(restored.get(article_id("gone")), Tombstone)
    restored.close()


async def test_a_letter_that_is_replayed_during_the_backup_is_in_it(redis: Any, tmp_path: Path) -> None:
    from services.cli.backups import entries
    from shared.events import DeadLetter, encode_event
    from shared.runtime.deadletters import DeadLetters
    from shared.streams import DEAD
    from tests.support import NOW, submitted

    letter = DeadLetter(
        stream=RAW.key(0), group="enrich", entry_id="1-1", reason="poison", error="it", attempts=5,
        died_at=NOW, fields={"event": encode_event(submitted())},
    )  # fmt: skip
    entry_id = await redis.xadd(DEAD.key(0), {EVENT_FIELD: encode_event(letter)})

    class ReplayedBetween:
        """Redis, with the letter replayed as soon as the raw stream was read."""

        def __getattr__(self, name: str) -> Any:
            return getattr(redis, name)

        async def xrevrange(self, key: str, **options: Any) -> Any:
            found = await redis.xrevrange(key, **options)
            if key == RAW.key(0):
                await DeadLetters(redis, 1).replay(f"0-{entry_id.decode()}")
            return found

    counts = await entries.dump_entries(ReplayedBetween(), tmp_path / "dump", 1)  # type: ignore[arg-type]
    assert sum(counts.values()) >= 1


async def test_what_only_waits_to_be_trimmed_is_in_no_backup(redis: Any, tmp_path: Path) -> None:
    """An entry that had died came back with a restore, and died a second time."""
    from services.cli.backups.entries import dump_entries, load_entries

    await ensure_groups(redis, 1)
    done, held, waiting = [await redis.xadd(RAW.key(0), {EVENT_FIELD: b"%d" % n}) for n in range(3)]
    (group,) = RAW.groups
    await redis.xreadgroup(group, "one", {RAW.key(0): ">"}, count=2)
    await redis.xack(RAW.key(0), group, done)
    assert sum((await dump_entries(redis, tmp_path / "dump", 1)).values()) == 2
    await redis.flushall()
    assert await load_entries(redis, tmp_path / "dump", 1) == 2
    assert [entry_id for entry_id, _ in await redis.xrange(RAW.key(0))] == [held, waiting]


async def test_a_backup_of_some_partitions_only_is_refused(redis: Any, tmp_path: Path) -> None:
    from services.cli.backups.entries import dump_entries
    from services.cli.output import Failure

    await redis.xadd(RAW.key(3), {EVENT_FIELD: b"x"})
    with pytest.raises(Failure, match=r"articles\.raw\.\{3\}"):
        await dump_entries(redis, tmp_path / "dump", 1)
