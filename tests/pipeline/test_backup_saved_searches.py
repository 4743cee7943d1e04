"""Saved searches in a backup: made while they are in use, and told on from where they were."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from services.cli.backups.making import make_backup
from services.cli.backups.restoring import restore_backup
from services.cli.output import Failure
from services.index.saved_searches.database import database_path
from tests.index.saved_searches.conftest import Clock, Receiver, close_world, open_world
from tests.support import enriched

pytestmark = pytest.mark.process


async def test_what_waited_at_the_backup_is_told_after_the_restore(tmp_path: Path) -> None:
    receiver, clock = Receiver(answer=lambda _: "500 No"), Clock()
    await receiver.start()
    data_dir, target = tmp_path / "data", tmp_path / "target"
    data_dir.mkdir()
    world = open_world(data_dir, clock)
    search = world.save(webhook_url=receiver.url)
    await world.store(enriched(title="Storm"))
    await world.deliver()
    await asyncio.to_thread(make_backup, data_dir, tmp_path / "backup")
    receiver.answer = lambda _: "200 OK"
    clock.turn(hours=1)
    await world.deliver()
    assert world.pending(search) == 0
    await close_world(world)

    copied = tmp_path / "backup" / "saved-searches" / "searches.sqlite3"
    assert copied.stat().st_mode & 0o777 == 0o600
    await asyncio.to_thread(restore_backup, tmp_path / "backup", target, replace=False)
    assert database_path(target).stat().st_mode & 0o777 == 0o600
    assert database_path(target).parent.stat().st_mode & 0o777 == 0o700
    again = open_world(target, clock)
    assert again.current(search).secret == search.secret
    await again.deliver()
    assert len({one.webhook_id for one in receiver.received}) == 1 and len(receiver.received) == 3
    await close_world(again)
    restored = await asyncio.to_thread(restore_backup, tmp_path / "backup", target, replace=True)
    assert [path.name.partition(".")[0] for path in restored.set_aside] == [
        "index",
        "archive",
        "saved-searches",
    ]
    await receiver.stop()


async def test_saved_searches_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    world = open_world(tmp_path / "data", Clock())
    await world.store(enriched())
    await close_world(world)
    database_path(tmp_path / "data").write_bytes(b"no database" * 1000)
    with pytest.raises(Failure, match="cannot be read"):
        await asyncio.to_thread(make_backup, tmp_path / "data", tmp_path / "backup")
    with pytest.raises(sqlite3.Error):
        sqlite3.connect(database_path(tmp_path / "data")).execute("SELECT 1 FROM searches")
