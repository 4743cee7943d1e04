"""What is remembered of imports: one that was interrupted goes on, one that is done is not done again.

One SQLite file in the data directory: whoever starts with new data starts with no memory of imports either.
Losing it costs nothing but time, for ingest knows what it has.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from services.cli.imports.tally import Tally

FILE = "imports.sqlite3"
_BUSY_S = 10.0
_TABLE = """
CREATE TABLE IF NOT EXISTS imports (
    key TEXT PRIMARY KEY, path TEXT NOT NULL, settled INTEGER NOT NULL, complete INTEGER NOT NULL,
    tally TEXT NOT NULL, updated_at TEXT NOT NULL
) WITHOUT ROWID
"""
_SAVE = "INSERT OR REPLACE INTO imports VALUES (?, ?, ?, ?, ?, ?)"


@dataclass(slots=True)
class Progress:
    """How far the import of one file has come: `settled` entries from its start need not be read again."""

    key: str
    path: str
    settled: int = 0
    complete: bool = False
    tally: Tally = field(default_factory=Tally)


class Memory:
    """Remembers in `data_dir`, or nothing without one. Raises sqlite3.Error or OSError when that fails."""

    def __init__(self, data_dir: Path | None) -> None:
        self._database: sqlite3.Connection | None = None
        if data_dir is None:
            return
        data_dir.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(data_dir / FILE, timeout=_BUSY_S, isolation_level=None)
        try:
            # A crash of the machine may cost the latest batches, which are then sent again.
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute(_TABLE)
        except sqlite3.Error:
            database.close()
            raise
        self._database = database

    def close(self) -> None:
        if self._database is not None:
            self._database.close()

    def recall(self, key: str, path: str) -> Progress:
        """Return how far this file has come, the start if nothing is known of it."""
        if self._database is None:
            return Progress(key, path)
        found = self._database.execute(
            "SELECT settled, complete, tally FROM imports WHERE key = ?", (key,)
        ).fetchone()
        if found is None:
            return Progress(key, path)
        try:
            tally = Tally.from_json(json.loads(found[2]))
        except (ValueError, KeyError, TypeError):
            return Progress(key, path)  # of another version
        return Progress(key, path, int(found[0]), bool(found[1]), tally)

    def save(self, all_progress: Iterable[Progress], at: datetime) -> None:
        if self._database is None:
            return
        rows = [
            (
                progress.key,
                progress.path,
                progress.settled,
                int(progress.complete),
                json.dumps(progress.tally.as_json(), ensure_ascii=False),
                at.isoformat(timespec="seconds"),
            )
            for progress in all_progress
        ]
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(_SAVE, rows)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def key_of(identity: Sequence[object], options: Sequence[Any], destination: str) -> str:
    """Return the key of one file as imported under these options to this destination."""
    whole = json.dumps([list(identity), list(options), destination], default=str)
    return blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
