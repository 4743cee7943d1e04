"""What has become of saved searches, for those who ask: counts, matches, deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.index.saved_searches.database import Database
from services.index.saved_searches.records import (
    Kind,
    Match,
    MatchState,
    Outcome,
    optional_instant,
)
from shared.instants import instant_of

_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt as the log has it. `tries` counts those of its message, in this round."""

    seq: int
    webhook_id: str
    kind: Kind
    article_id: str | None
    at: datetime
    tries: int
    outcome: Outcome
    status: int | None
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """`matches` ever, `pending` messages; `failures` of the receiver since its last success."""

    matches: int
    matched_at: datetime | None
    pending: int
    failures: int
    next_attempt_at: datetime | None
    last_delivery: Delivery | None


class History:
    """Any threads. All of it raises TransientError when the database cannot be read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def statistics(self, keys: Sequence[int]) -> dict[int, Statistics]:
        """Return the figures of each of these searches that is there."""
        found: dict[int, Statistics] = {}
        for start in range(0, len(keys), _CHUNK):
            found |= self._statistics(keys[start : start + _CHUNK])
        return found

    def _statistics(self, keys: Sequence[int]) -> dict[int, Statistics]:
        marks = ", ".join("?" * len(keys))
        with self._database.reading() as connection:
            searches = connection.execute(
                "SELECT key, match_count, matched_at, failures, not_before, "
                "(SELECT count(*) FROM messages WHERE state = 0 AND search = key) "
                f"FROM searches WHERE key IN ({marks})",
                keys,
            ).fetchall()
            last = connection.execute(
                f"SELECT search, {_DELIVERY} FROM deliveries WHERE seq IN "
                f"(SELECT (SELECT max(seq) FROM deliveries WHERE search = key) FROM searches "
                f"WHERE key IN ({marks}))",
                keys,
            ).fetchall()
        deliveries = {row[0]: _delivery(row[1:]) for row in last}
        return {
            key: Statistics(
                matches,
                optional_instant(matched_at),
                pending,
                failures,
                optional_instant(not_before) if pending else None,
                deliveries.get(key),
            )
            for key, matches, matched_at, failures, not_before, pending in searches
        }

    def matches(self, search_key: int, before: int | None, size: int) -> list[Match]:
        """Return matches, the newest first, from those with a lower `seq` than `before`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT seq, article, revision, state, at FROM matches "
                "WHERE search = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                (search_key, _LAST if before is None else before, size),
            ).fetchall()
        return [
            Match(seq, article.hex(), revision, MatchState(state), instant_of(at))
            for seq, article, revision, state, at in rows
        ]

    def deliveries(self, search_key: int, before: int | None, size: int) -> list[Delivery]:
        """Return the delivery log, the newest first, from those with a lower `seq` than `before`."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_DELIVERY} FROM deliveries WHERE search = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
                (search_key, _LAST if before is None else before, size),
            ).fetchall()
        return [_delivery(row) for row in rows]


_LAST: Final = (1 << 63) - 1
_DELIVERY: Final = "seq, webhook_id, kind, article, at, tries, outcome, status, duration_ms"


def _delivery(row: tuple[Any, ...]) -> Delivery:
    seq, webhook_id, kind, article, at, tries, outcome, status, duration_ms = row
    return Delivery(
        seq,
        webhook_id,
        kind,
        None if article is None else article.hex(),
        instant_of(at),
        tries,
        outcome,
        status,
        duration_ms,
    )
