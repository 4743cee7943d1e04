"""The file of the saved searches on bad days: full disks, damage, other versions, others who read it."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from services.index.saved_searches.database import Database, copy_database, database_path
from shared.errors import ConfigurationError, TransientError
from tests.index.saved_searches.conftest import Receiver, World
from tests.support import enriched


def test_a_file_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    Database(tmp_path).close()
    with sqlite3.connect(database_path(tmp_path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ConfigurationError, match="format 99"):
        Database(tmp_path)


def test_a_file_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    database_path(tmp_path).parent.mkdir()
    database_path(tmp_path).write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigurationError, match=r"searches\.sqlite3 cannot be used"):
        Database(tmp_path)


async def test_a_full_disk_keeps_the_batch_from_being_acknowledged_and_loses_nothing(
    world: World, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    durable = world.saved.database._durable
    (pages,) = durable.execute("PRAGMA page_count").fetchone()
    durable.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    events = [enriched(str(n), title=f"Storm {n}", body="x") for n in range(200)]
    with pytest.raises(TransientError, match="full"):
        for _ in range(10):
            await world.handler_only(*events)
    durable.execute("PRAGMA max_page_count = 1000000").fetchone()
    await world.store(*events)
    await world.deliver()
    assert len({one.webhook_id for one in receiver.received}) == 200 and world.pending(search) == 0


def test_a_copy_is_whole_while_somebody_writes(tmp_path: Path) -> None:
    database = Database(tmp_path)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with database.writing(durable=False) as connection:
                connection.execute(
                    "INSERT INTO found(article, retracted, version, revision, at, searches) "
                    "VALUES(x'', 0, x'', 1, 0, x'')"
                )
                connection.execute(
                    "INSERT INTO messages(webhook_id, search, article, kind, matches, revision, at, due) "
                    "VALUES('', 0, x'', '', 0, 1, 0, 0)"
                )

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for n in range(5):
            target = tmp_path / f"copy-{n}" / "searches.sqlite3"
            copy_database(database_path(tmp_path), target)
            copy = sqlite3.connect(target)
            found, messages = (
                copy.execute(f"SELECT count(*) FROM {table}").fetchone() for table in ("found", "messages")
            )
            copy.close()
            assert found == messages
    finally:
        stop.set()
        thread.join()
        database.close()


def test_what_failed_within_a_transaction_leaves_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with pytest.raises(RuntimeError), database.writing() as connection:
        connection.execute("INSERT INTO deliveries VALUES(1, 1, '', '', NULL, 0, 0, '', NULL, 0)")
        raise RuntimeError
    with database.reading() as connection:
        assert connection.execute("SELECT count(*) FROM deliveries").fetchone() == (0,)
    database.close()
