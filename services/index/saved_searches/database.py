"""DATA/saved-searches/searches.sqlite3: saved searches, what matched them, and what is to be told.

It holds ids, revisions, instants and codes, and the searches as people wrote them; no word of an article.
Secrets of webhooks are in it as they are, for they sign: the file is readable by its owner only.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from shared.durable import fsync_directory
from shared.errors import ConfigurationError, TransientError
from shared.logging import get_logger

log = get_logger(__name__)

DIRECTORY: Final = "saved-searches"
FILE: Final = "searches.sqlite3"
SCHEMA_VERSION: Final = 2
_BUSY_S: Final = 10.0
# A batch that matches many searches touches a page of each: with SQLite's 2 MB they are read again and again.
_CACHE_KIB: Final = 16_384

_TABLES: Final = """
CREATE TABLE searches(
    key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, q TEXT NOT NULL,
    filters TEXT NOT NULL, webhook_url TEXT, secret TEXT, old_secret TEXT, old_secret_until INT,
    status TEXT NOT NULL, reason TEXT, created_at INT NOT NULL, updated_at INT NOT NULL,
    match_count INT NOT NULL DEFAULT 0, matched_at INT,
    failures INT NOT NULL DEFAULT 0, failing_since INT, not_before INT);
CREATE TABLE found(
    seq INTEGER PRIMARY KEY, article BLOB NOT NULL, retracted INT NOT NULL, version BLOB NOT NULL,
    revision INT NOT NULL, at INT NOT NULL, searches BLOB NOT NULL);
CREATE INDEX found_of_article ON found(article);
CREATE TABLE matches(
    seq INTEGER PRIMARY KEY, search INT NOT NULL, article BLOB NOT NULL, version BLOB NOT NULL,
    revision INT NOT NULL, state INT NOT NULL, told INT NOT NULL DEFAULT 0, at INT NOT NULL,
    UNIQUE(article, search));
CREATE INDEX matches_of_search ON matches(search, seq);
CREATE TABLE messages(
    seq INTEGER PRIMARY KEY, webhook_id TEXT NOT NULL, search INT NOT NULL,
    article BLOB NOT NULL, kind TEXT NOT NULL, matches INT NOT NULL, revision INT NOT NULL, at INT NOT NULL,
    state INT NOT NULL DEFAULT 0, tries INT NOT NULL DEFAULT 0, rejections INT NOT NULL DEFAULT 0,
    rejected_at INT, due INT NOT NULL);
CREATE INDEX messages_of_search ON messages(search, seq);
CREATE INDEX pending ON messages(search, seq) WHERE state = 0;
CREATE TABLE deliveries(
    seq INTEGER PRIMARY KEY, search INT NOT NULL, webhook_id TEXT NOT NULL, kind TEXT NOT NULL,
    article BLOB, at INT NOT NULL, tries INT NOT NULL, outcome TEXT NOT NULL, status INT,
    duration_ms INT NOT NULL);
CREATE INDEX deliveries_of_search ON deliveries(search, seq);
"""


class Database:
    """One writer at a time, and readers beside it. Any threads."""

    def __init__(self, data_dir: Path) -> None:
        """Open it, or make it. Raises ConfigurationError when it cannot be used."""
        self.path = database_path(data_dir)
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        try:
            _make_private(self.path)
            # What was promised to whoever submitted must survive the power, too.
            self._durable = _connect(self.path, synchronous="FULL")
            _create(self._durable, self.path)
            # How deliveries went must survive kill -9; after a power cut one may be made again.
            self._quick = _connect(self.path, synchronous="NORMAL")
            self._reader = _connect(self.path, synchronous="NORMAL")
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"the saved searches in {self.path} cannot be used; restore the file from a backup, or move "
                f"it away to go on without them: {error}"
            ) from error

    @contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """Yield a connection within a transaction, which the end of the body commits.

        Raises TransientError when the database cannot be written.
        """
        connection = self._durable if durable else self._quick
        with self._writing:
            try:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as error:
                raise _surroundings(error, "written") from error

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that sees what is committed. Raises TransientError when it cannot be read."""
        with self._reading:
            try:
                yield self._reader
            except sqlite3.DatabaseError as error:
                raise _surroundings(error, "read") from error

    def empty_log(self) -> None:
        """Write the log of changes into the file, so that nothing of what was deleted is left in it.

        What was to be deleted is, even when this fails: the next call makes up for it.
        """
        with self._writing:
            try:
                self._durable.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            except sqlite3.OperationalError as error:
                log.warning("the log of the saved searches could not be emptied", error=str(error))

    def close(self) -> None:
        with self._writing, self._reading:
            for connection in (self._reader, self._quick, self._durable):
                connection.close()


def _surroundings(error: sqlite3.DatabaseError, done: str) -> Exception:
    """Return what a full disk or a damaged file is to whoever waits; anything else is a fault of ours."""
    if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
        return TransientError(f"the saved searches cannot be {done}: {error}")
    return error


def database_path(data_dir: Path) -> Path:
    return data_dir / DIRECTORY / FILE


def copy_database(source: Path, target: Path) -> None:
    """Write what is committed in `source`, which may be in use, to the new file `target`, a private one.

    Raises sqlite3.Error.
    """
    _make_private(target)
    connection = sqlite3.connect(source, timeout=_BUSY_S, isolation_level=None)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    finally:
        connection.close()


def _make_private(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite gives its log the rights of the database.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    fsync_directory(path.parent)


def _connect(path: Path, *, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA secure_delete = ON").fetchone()
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    return connection


def _create(connection: sqlite3.Connection, path: Path) -> None:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version == SCHEMA_VERSION:
        return
    if version:
        raise ConfigurationError(
            f"the saved searches in {path} have format {version}, and this version reads {SCHEMA_VERSION}: "
            "start the version that has written them, or move the file away to go on without them"
        )
    connection.executescript(f"BEGIN;{_TABLES};PRAGMA user_version = {SCHEMA_VERSION};COMMIT;")
