"""Feeds in a backup: they come back as they were, but for what was under way."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from redis.asyncio import Redis

from services.cli.backups.entries import delete_all
from services.cli.backups.feeds import dump_feeds, load_feeds
from services.cli.output import Failure
from services.ingest.feeds.record import FeedConfig
from services.ingest.feeds.seen import Seen, SeenEntries
from services.ingest.feeds.store import FeedStore

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SEEN = Seen(b"12345678", "0" * 32, 1_700_000_000)


async def test_feeds_and_what_they_remember_come_back(redis: Redis, tmp_path: Path) -> None:
    store = FeedStore(redis)
    for number in range(3):
        await store.add(f"{number:016x}", FeedConfig(url=f"https://n.example/{number}", added_at=NOW))
        await SeenEntries(redis, f"{number:016x}").remember({b"\x00\xffkey": SEEN})
    before = await store.all()
    assert await store.claim(1)
    await store.poll_now(f"{0:016x}")
    assert await dump_feeds(redis, tmp_path / "feeds") == 8
    await delete_all(redis)
    assert await redis.dbsize() == 0
    assert await load_feeds(redis, tmp_path / "feeds") == 8
    after = await store.all()
    assert [(feed.id, feed.config, feed.state, feed.polling) for feed in after] == [
        (feed.id, feed.config, feed.state, False) for feed in before
    ]
    assert all(feed.next_poll_at for feed in after)
    assert await SeenEntries(redis, f"{1:016x}").look_up([b"\x00\xffkey"]) == [SEEN]
    known = FeedConfig(url="https://n.example/1", added_at=NOW)
    assert await store.add("f" * 16, known) == (f"{1:016x}", False)


async def test_a_backup_from_before_there_were_feeds_has_none(redis: Redis, tmp_path: Path) -> None:
    assert await load_feeds(redis, tmp_path / "feeds") == 0


async def test_no_other_key_comes_in_by_it(redis: Redis, tmp_path: Path) -> None:
    await redis.hset("feed:{feeds}:x", "a", "b")
    await dump_feeds(redis, tmp_path / "feeds")
    content = zstandard.ZstdDecompressor().decompress((tmp_path / "feeds").read_bytes(), 10_000)
    (tmp_path / "feeds").write_bytes(
        zstandard.compress(content.replace(b"feed:{feeds}:x", b"article:{0}:x0"))
    )
    with pytest.raises(Failure, match="none of a feed"):
        await load_feeds(redis, tmp_path / "feeds")
