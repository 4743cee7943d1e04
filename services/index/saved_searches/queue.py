"""The messages that wait to be told, how telling them went, and what is kept of that."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from services.index.saved_searches.database import Database
from services.index.saved_searches.records import (
    Attempt,
    Health,
    MatchState,
    Message,
    MessageState,
    SavedSearch,
    Verdict,
    optional_instant,
    optional_microseconds,
    webhook_id_of,
)
from shared.instants import instant_of, microseconds_of

# Of each search.
MAX_MATCHES: Final = 100_000
MAX_MESSAGES: Final = 100_000
MAX_LOGGED: Final = 1_000
# Of messages, told or not, and of the delivery log.
KEPT: Final = timedelta(days=30)
MAX_REPLAYED: Final = 10_000
_COLUMNS: Final = (
    "seq, webhook_id, search, article, kind, matches, revision, at, tries, rejections, rejected_at"
)
_BEYOND: Final = (
    "search = ? AND seq <= (SELECT seq FROM {} WHERE search = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)"
)


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many messages, and when the oldest of them happened."""

    messages: int
    oldest_at: datetime | None


class MessageQueue:
    """Messages of each search, in the order in which they happened. Any threads.

    All of it raises TransientError when the database cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def searches(self) -> list[int]:
        """Return the keys of the searches with something to tell."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT DISTINCT search FROM messages WHERE state = 0").fetchall()
        return [key for (key,) in rows]

    def next_due(self, search_key: int, now: datetime) -> Message | datetime | None:
        """Return the message to tell now, or else when there is one, or None if none waits.

        It is the oldest one; what its receiver has rejected before comes after what it has not.
        """
        with self._database.reading() as connection:
            for which in (" AND rejections = 0", ""):
                row = connection.execute(
                    f"SELECT {_COLUMNS} FROM messages WHERE search = ? AND state = 0 AND due <= ?{which} "
                    "ORDER BY seq LIMIT 1",
                    (search_key, microseconds_of(now)),
                ).fetchone()
                if row is not None:
                    return _message(row)
            (due,) = connection.execute(
                "SELECT min(due) FROM messages WHERE search = ? AND state = 0", (search_key,)
            ).fetchone()
        return optional_instant(due)

    def was_told(self, message: Message) -> bool:
        """Whether a receiver has been told of the article, as far as we know and may have forgotten."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT told FROM matches WHERE article = ? AND search = ?",
                (bytes.fromhex(message.article_id), message.search_key),
            ).fetchone()
        return row is None or bool(row[0])

    def begin(self, message: Message) -> Message:
        """Write down that the receiver is about to be told: it may have been, whatever happens then."""
        with self._database.writing(durable=False) as connection:
            connection.execute("UPDATE messages SET tries = tries + 1 WHERE seq = ?", (message.seq,))
            connection.execute(
                "UPDATE matches SET told = 1 WHERE article = ? AND search = ? AND told = 0",
                (bytes.fromhex(message.article_id), message.search_key),
            )
        return replace(message, tries=message.tries + 1)

    def withdraw(self, message: Message) -> None:
        """Leave a message untold: there is nothing to tell any more."""
        with self._database.writing(durable=False) as connection:
            connection.execute(
                "UPDATE messages SET state = ? WHERE seq = ?", (MessageState.WITHDRAWN, message.seq)
            )

    def finish(self, message: Message, attempt: Attempt, verdict: Verdict, health: Health) -> None:
        """Write down how an attempt went, what that makes of the message, and how the receiver does."""
        with self._database.writing(durable=False) as connection:
            _log(connection, message, attempt)
            connection.execute(
                "UPDATE messages SET state = ?, due = ?, rejections = ?, rejected_at = ? WHERE seq = ?",
                (
                    verdict.state,
                    microseconds_of(verdict.due),
                    verdict.rejections,
                    optional_microseconds(verdict.rejected_at),
                    message.seq,
                ),
            )
            connection.execute(
                "UPDATE searches SET failures = ?, failing_since = ?, not_before = ? WHERE key = ?",
                (
                    health.failures,
                    optional_microseconds(health.failing_since),
                    optional_microseconds(health.not_before),
                    message.search_key,
                ),
            )

    def log(self, message: Message, attempt: Attempt) -> None:
        """Write down how a delivery went that is not of the queue: a test."""
        with self._database.writing(durable=False) as connection:
            _log(connection, message, attempt)

    def replay_since(self, search: SavedSearch, since: datetime, now: datetime) -> int:
        """Let up to MAX_REPLAYED messages of since then be told once more; return how many.

        Matches of a time when there was no webhook yet are told as well.
        """
        with self._database.writing() as connection:
            parameters = (search.key, microseconds_of(since), MAX_REPLAYED)
            again = _again(connection, "search = ? AND at >= ? ORDER BY seq LIMIT ?", parameters, now)
            return again + _tell_untold(connection, search, since, now, MAX_REPLAYED - again)

    def replay(self, search: SavedSearch, webhook_id: str, now: datetime) -> int:
        """Let one message be told once more; return 1, or 0 if there is none of that id."""
        with self._database.writing() as connection:
            return _again(connection, "search = ? AND webhook_id = ?", (search.key, webhook_id), now)

    def backlog(self, keys: Collection[int]) -> Backlog:
        """Return what waits for the receivers of some searches."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT search, count(*), min(at) FROM messages WHERE state = 0 GROUP BY search"
            ).fetchall()
        found = [(count, at) for key, count, at in rows if key in keys]
        oldest = min((at for _, at in found), default=None)
        return Backlog(sum(count for count, _ in found), optional_instant(oldest))

    def tidy(self, search_key: int, now: datetime) -> int:
        """Forget what is beyond the bounds of a search; return how many messages were given up for that."""
        before = microseconds_of(now - KEPT)
        expired = MessageState.EXPIRED
        with self._database.writing(durable=False) as connection:
            execute, key = connection.execute, search_key
            execute(f"DELETE FROM matches WHERE {_BEYOND.format('matches')}", (key, key, MAX_MATCHES))
            execute(f"DELETE FROM deliveries WHERE {_BEYOND.format('deliveries')}", (key, key, MAX_LOGGED))
            execute("DELETE FROM deliveries WHERE search = ? AND at < ?", (key, before))
            given_up = execute(
                f"UPDATE messages SET state = {expired:d} WHERE state = 0 AND {_BEYOND.format('messages')}",
                (key, key, MAX_MESSAGES),
            ).rowcount
            given_up += execute(
                f"UPDATE messages SET state = {expired:d} WHERE state = 0 AND search = ? AND at < ?",
                (key, before),
            ).rowcount
            execute(
                f"DELETE FROM messages WHERE state != 0 AND {_BEYOND.format('messages')}",
                (key, key, MAX_MESSAGES),
            )
            execute("DELETE FROM messages WHERE state != 0 AND search = ? AND at < ?", (key, before))
        return given_up


def _again(connection: sqlite3.Connection, which: str, parameters: tuple[Any, ...], now: datetime) -> int:
    told = (MessageState.DELIVERED, MessageState.FAILED, MessageState.EXPIRED)
    states = ", ".join(f"{state:d}" for state in told)
    query = f"SELECT seq FROM messages WHERE state IN ({states}) AND {which}"
    return connection.execute(
        "UPDATE messages SET state = 0, tries = 0, rejections = 0, rejected_at = NULL, due = ? "
        f"WHERE seq IN ({query})",
        (microseconds_of(now), *parameters),
    ).rowcount


def _tell_untold(
    connection: sqlite3.Connection, search: SavedSearch, since: datetime, now: datetime, most: int
) -> int:
    """Add messages for matches that have none."""
    rows = connection.execute(
        "SELECT article, version, revision, at FROM matches m WHERE search = ? AND at >= ? AND state = ? AND "
        "NOT EXISTS (SELECT 1 FROM messages s WHERE s.search = m.search AND s.article = m.article) "
        "ORDER BY seq LIMIT ?",
        (search.key, microseconds_of(since), MatchState.MATCHED, max(most, 0)),
    ).fetchall()
    for article, version, revision, at in rows:
        webhook_id = webhook_id_of(search.id, article.hex(), "article.matched", matches=True, version=version)
        connection.execute(
            "INSERT OR IGNORE INTO messages(webhook_id, search, article, kind, matches, revision, at, due) "
            "VALUES(?, ?, ?, 'article.matched', 1, ?, ?, ?)",
            (webhook_id, search.key, article, revision, at, microseconds_of(now)),
        )
    return len(rows)


def _log(connection: sqlite3.Connection, message: Message, attempt: Attempt) -> None:
    connection.execute(
        "INSERT INTO deliveries(search, webhook_id, kind, article, at, tries, outcome, status, duration_ms) "
        "VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message.search_key,
            message.webhook_id,
            message.kind,
            bytes.fromhex(message.article_id) or None,
            microseconds_of(attempt.at),
            message.tries,
            attempt.outcome,
            attempt.status,
            attempt.duration_ms,
        ),
    )


def _message(row: tuple[Any, ...]) -> Message:
    seq, webhook_id, search, article, kind, matches, revision, at, tries, rejections, rejected_at = row
    return Message(
        seq=seq,
        webhook_id=webhook_id,
        search_key=search,
        article_id=article.hex(),
        kind=kind,
        matches=bool(matches),
        revision=revision,
        at=instant_of(at),
        tries=tries,
        rejections=rejections,
        rejected_at=optional_instant(rejected_at),
    )
