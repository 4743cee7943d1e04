"""What matched and what is to be told of it, on disk in one step, so that a crash loses neither.

`record` comes before the acknowledgement of the batch. After a crash between commit and `record` the batch is
delivered again and recorded then; what was recorded twice is known by its version and its webhook-id.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.index.engine.protocol import IndexableEvent
from services.index.saved_searches.database import Database
from services.index.saved_searches.records import (
    Kind,
    MatchState,
    SavedSearch,
    microseconds,
    version_of,
    webhook_id_of,
)
from services.index.saved_searches.searches import SavedSearches
from shared.events import ArticleRetracted

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Found:
    """An event that the index holds now, and the ids of the searches that it matches."""

    event: IndexableEvent
    search_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class Recorded:
    """`matches` articles match a search that they did not before; `keys` are searches with more to tell."""

    matches: int = 0
    keys: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Known:
    """A match that is written down already."""

    seq: int
    version: bytes
    state: MatchState


@dataclass(frozen=True, slots=True)
class _Change:
    """What becomes of one match. `kind` is what is told of it, if anything is."""

    state: MatchState
    kind: Kind | None


class Outbox:
    """Writes down what the percolator has found. Any threads."""

    def __init__(self, database: Database, searches: SavedSearches) -> None:
        self._database = database
        self._searches = searches

    def record(self, found: Sequence[Found], at: datetime) -> Recorded:
        """Write down matches, changes of earlier ones, and a message of each to the webhooks.

        Raises TransientError: then nothing is written down.
        """
        recorded = Recorded()
        if not any(one.search_ids for one in found) and not self._knows([one.event for one in found]):
            return recorded
        with self._database.writing() as connection:
            for one in found:
                self._record_one(connection, one, at, recorded)
        return recorded

    def _knows(self, events: Sequence[IndexableEvent]) -> bool:
        """Whether one of the articles has matched something before."""
        ids = [bytes.fromhex(event.article_id) for event in events]
        with self._database.reading() as connection:
            for start in range(0, len(ids), _CHUNK):
                chunk = ids[start : start + _CHUNK]
                marks = ", ".join("?" * len(chunk))
                query = f"SELECT 1 FROM matches WHERE article IN ({marks}) LIMIT 1"
                if connection.execute(query, chunk).fetchone():
                    return True
        return False

    def _record_one(
        self, connection: sqlite3.Connection, one: Found, at: datetime, recorded: Recorded
    ) -> None:
        article, version = bytes.fromhex(one.event.article_id), version_of(one.event)
        rows = connection.execute(
            "SELECT search, seq, version, state FROM matches WHERE article = ?", (article,)
        )
        known = {key: _Known(seq, held, MatchState(state)) for key, seq, held, state in rows}
        for search in self._concerned(one, known):
            change = _change(one, search, known.get(search.key), version)
            if change is None:
                continue
            values = (version, one.event.revision, change.state)
            if (held := known.get(search.key)) is None:
                _add(connection, search, article, values, at)
                recorded.matches += 1
            else:
                connection.execute(
                    "UPDATE matches SET version = ?, revision = ?, state = ? WHERE seq = ?",
                    (*values, held.seq),
                )
            if change.kind is not None and search.webhook_url is not None:
                message = (search, one.event, change.kind, change.state, version, at)
                recorded.keys |= {search.key} if _tell(connection, *message) else set()

    def _concerned(self, one: Found, known: Iterable[int]) -> list[SavedSearch]:
        matched = [self._searches.get(search_id) for search_id in sorted(one.search_ids)]
        earlier = [self._searches.by_key(key) for key in known]
        return list({search.key: search for search in (*earlier, *matched) if search is not None}.values())


def _add(
    connection: sqlite3.Connection,
    search: SavedSearch,
    article: bytes,
    values: tuple[bytes, int, MatchState],
    at: datetime,
) -> None:
    us = microseconds(at)
    connection.execute(
        "INSERT INTO matches(search, article, version, revision, state, at) VALUES(?, ?, ?, ?, ?, ?)",
        (search.key, article, *values, us),
    )
    connection.execute(
        "UPDATE searches SET match_count = match_count + 1, matched_at = ? WHERE key = ?",
        (us, search.key),
    )


def _tell(
    connection: sqlite3.Connection,
    search: SavedSearch,
    event: IndexableEvent,
    kind: Kind,
    state: MatchState,
    version: bytes,
    at: datetime,
) -> bool:
    """Add a message, and return whether it is a new one."""
    matches = state is MatchState.MATCHED
    webhook_id = webhook_id_of(search.id, event.article_id, kind, matches=matches, version=version)
    us = microseconds(at)
    cursor = connection.execute(
        "INSERT OR IGNORE INTO messages(webhook_id, search, article, kind, matches, revision, at, due) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
        (webhook_id, search.key, bytes.fromhex(event.article_id), kind, matches, event.revision, us, us),
    )
    return cursor.rowcount > 0


def _change(one: Found, search: SavedSearch, known: _Known | None, version: bytes) -> _Change | None:
    """Return what an event changes about an article and a search; None if that is nothing.

    The same revision enriched again tells nothing about an article that has matched before.
    """
    if known is None:
        return _Change(MatchState.MATCHED, "article.matched")
    if version <= known.version:
        return None
    if isinstance(one.event, ArticleRetracted):
        retracted = known.state is MatchState.RETRACTED
        return _Change(MatchState.RETRACTED, None if retracted else "article.retracted")
    if search.status == "paused":
        return None
    if search.id in one.search_ids:
        again = known.state is MatchState.RETRACTED
        return _Change(MatchState.MATCHED, "article.matched" if again else "article.updated")
    if known.state is MatchState.MATCHED:
        return _Change(MatchState.LAPSED, "article.updated")
    return _Change(known.state, None)
