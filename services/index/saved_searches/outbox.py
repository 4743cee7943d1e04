"""What matched and what is to be told of it, on disk before the batch is acknowledged, in two steps.

`record` writes a line for each article with all searches that it matches: little, for everybody waits for it.
`spread` makes matches and messages of these lines, a moment later, and removes them in the same transaction.
After a crash between commit and `record` the batch is delivered again and recorded then; what is recorded
twice is known by its version.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections import Counter
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
    version_of,
    webhook_id_of,
)
from services.index.saved_searches.searches import SavedSearches
from shared.events import ArticleRetracted
from shared.instants import microseconds_of

# So many matches are spread in one transaction, more or less, while the next batch may wait to be recorded.
SPREAD_AT_ONCE: Final = 2_000
_CHUNK: Final = 500
_KEYS: Final = "I"  # unsigned, 32 bits


@dataclass(frozen=True, slots=True)
class Found:
    """An event that the index holds now, and the ids of the searches that it matches."""

    event: IndexableEvent
    search_ids: frozenset[str] = frozenset()


@dataclass(slots=True)
class Spread:
    """`lines` were spread; `matches` counts new ones by the search's key, `keys` have more to tell.

    `matched_at` has when each of these searches was matched last.
    """

    lines: int = 0
    matches: Counter[int] = field(default_factory=Counter)
    matched_at: dict[int, int] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Line:
    """What was found of one article, and when."""

    article: bytes
    retracted: bool
    version: bytes
    revision: int
    at: int
    keys: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Known:
    """A match that is written down already."""

    seq: int
    version: bytes
    state: MatchState


@dataclass(slots=True)
class _Rows:
    """What one line changes, to be written at once."""

    matches: list[tuple[object, ...]] = field(default_factory=list)
    changes: list[tuple[object, ...]] = field(default_factory=list)
    messages: list[tuple[object, ...]] = field(default_factory=list)


class Outbox:
    """Any threads. All of it raises TransientError when the database cannot be read or written."""

    def __init__(self, database: Database, searches: SavedSearches) -> None:
        self._database = database
        self._searches = searches

    def record(self, found: Sequence[Found], at: datetime) -> bool:
        """Write down durably what matches, and what is new of articles that did; return if there is any."""
        known = self._known([one.event for one in found])
        us = microseconds_of(at)
        lines = [
            (
                bytes.fromhex(one.event.article_id),
                isinstance(one.event, ArticleRetracted),
                version_of(one.event),
                one.event.revision,
                us,
                self._keys(one.search_ids),
            )
            for one in found
            if one.search_ids or one.event.article_id in known
        ]
        if not lines:
            return False
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO found(article, retracted, version, revision, at, searches) "
                "VALUES(?, ?, ?, ?, ?, ?)",
                lines,
            )
        return True

    def _known(self, events: Sequence[IndexableEvent]) -> set[str]:
        """Return the ids of the articles that have matched something before."""
        ids = [bytes.fromhex(event.article_id) for event in events]
        known: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(ids), _CHUNK):
                chunk = ids[start : start + _CHUNK]
                marks = ", ".join("?" * len(chunk))
                # What is spread in between goes from the first to the second, so one of them has it.
                for table in ("found", "matches"):
                    query = f"SELECT DISTINCT article FROM {table} WHERE article IN ({marks})"
                    known.update(article.hex() for (article,) in connection.execute(query, chunk))
        return known

    def _keys(self, search_ids: Iterable[str]) -> bytes:
        return array(_KEYS, sorted(self._searches.keys(search_ids))).tobytes()

    def spread(self) -> Spread:
        """Make matches and messages of what was recorded first; nothing is left when there are no lines."""
        done = Spread()
        with self._database.writing(durable=False) as connection:
            last, size = 0, 0
            cursor = connection.execute(
                "SELECT seq, article, retracted, version, revision, at, searches FROM found ORDER BY seq"
            )
            for seq, article, retracted, version, revision, at, searches in cursor:
                line = _Line(article, bool(retracted), version, revision, at, frozenset(_unpacked(searches)))
                self._spread_line(connection, line, done)
                done.lines += 1
                last, size = seq, size + len(line.keys)
                if size >= SPREAD_AT_ONCE:
                    break
            cursor.close()
            connection.execute("DELETE FROM found WHERE seq <= ?", (last,))
            connection.executemany(
                "UPDATE searches SET match_count = match_count + ?, "
                "matched_at = max(coalesce(matched_at, 0), ?) WHERE key = ?",
                [(count, done.matched_at[key], key) for key, count in done.matches.items()],
            )
        return done

    def _spread_line(self, connection: sqlite3.Connection, line: _Line, done: Spread) -> None:
        rows = connection.execute(
            "SELECT search, seq, version, state FROM matches WHERE article = ?", (line.article,)
        ).fetchall()
        known = {key: _Known(seq, version, MatchState(state)) for key, seq, version, state in rows}
        new = _Rows()
        for key in dict.fromkeys((*known, *sorted(line.keys))):
            search = self._searches.by_key(key)
            if search is None:
                continue
            held = known.get(key)
            change = _change(line, search, held)
            if change is None:
                continue
            state, kind = change
            if held is None:
                done.matches[key] += 1
                done.matched_at[key] = max(line.at, done.matched_at.get(key, 0))
                new.matches.append((key, line.article, line.version, line.revision, state, line.at))
            else:
                new.changes.append((line.version, line.revision, state, held.seq))
            if kind is not None and search.webhook_url is not None:
                done.keys.add(key)
                new.messages.append(_message(line, search, state, kind))
        _write(connection, new)


def _write(connection: sqlite3.Connection, new: _Rows) -> None:
    if new.matches:
        connection.executemany(
            "INSERT INTO matches(search, article, version, revision, state, at) VALUES(?, ?, ?, ?, ?, ?)",
            new.matches,
        )
    if new.changes:
        connection.executemany(
            "UPDATE matches SET version = ?, revision = ?, state = ? WHERE seq = ?", new.changes
        )
    if new.messages:
        connection.executemany(
            "INSERT INTO messages(webhook_id, search, article, kind, matches, revision, at, due) "
            "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
            new.messages,
        )


def _message(line: _Line, search: SavedSearch, state: MatchState, kind: Kind) -> tuple[object, ...]:
    matches = state is MatchState.MATCHED
    webhook_id = webhook_id_of(search.id, line.article.hex(), kind, matches=matches, version=line.version)
    return webhook_id, search.key, line.article, kind, matches, line.revision, line.at, line.at


def _change(line: _Line, search: SavedSearch, known: _Known | None) -> tuple[MatchState, Kind | None] | None:
    """Return what becomes of a match and what is told of that, if anything; None if nothing changes.

    The same revision enriched again tells nothing about an article that has matched before.
    """
    if known is None:
        return MatchState.MATCHED, "article.matched"
    if line.version <= known.version:
        return None
    if line.retracted:
        gone = known.state is MatchState.RETRACTED
        return MatchState.RETRACTED, None if gone else "article.retracted"
    if search.status == "paused":
        return None
    if search.key in line.keys:
        again = known.state is MatchState.RETRACTED
        return MatchState.MATCHED, "article.matched" if again else "article.updated"
    if known.state is MatchState.MATCHED:
        return MatchState.LAPSED, "article.updated"
    return known.state, None


def _unpacked(keys: bytes) -> array[int]:
    unpacked = array(_KEYS)
    unpacked.frombytes(keys)
    return unpacked
