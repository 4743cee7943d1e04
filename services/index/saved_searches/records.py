"""What saved searches are made of: the search itself, its matches, and the messages about them. Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from hashlib import blake2b
from typing import Final, Literal

from services.index.engine.protocol import Filters, IndexableEvent
from services.index.engine.revisions import rank_of
from shared.instants import instant_of, microseconds_of

# active: matched and told. paused, by its owner: neither. disabled, by us: matched, and told when active.
Status = Literal["active", "paused", "disabled"]
Kind = Literal["article.matched", "article.updated", "article.retracted", "test"]
# How an attempt to deliver ended. `delivered` is any 2xx, `gone` a 410, `rejected` any other answer;
# `refused` is an address that we may not connect to.
Outcome = Literal["delivered", "gone", "rejected", "timeout", "connect", "dns", "tls", "protocol", "refused"]
OUTCOMES: Final[tuple[Outcome, ...]] = (
    "delivered", "gone", "rejected", "timeout", "connect", "dns", "tls", "protocol", "refused",
)  # fmt: skip

# As bytes that sort as the numbers do, negative ones too.
_VERSION: Final = struct.Struct(">QBQQQ")
_SIGN: Final = 1 << 63


class MatchState(IntEnum):
    """matched: its latest revision does. lapsed: an earlier one did. retracted: it is no longer served."""

    MATCHED = 0
    LAPSED = 1
    RETRACTED = 2


class MessageState(IntEnum):
    """withdrawn: there is nothing left to tell. expired: it has waited too long, or behind too many."""

    PENDING = 0
    DELIVERED = 1
    FAILED = 2
    WITHDRAWN = 3
    EXPIRED = 4


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A query that goes on. `key` is its row; `old_secret` signs beside `secret` until the instant given.

    `reason` says why it is disabled.
    """

    key: int
    id: str
    name: str
    q: str
    filters: Filters
    webhook_url: str | None
    secret: str | None
    old_secret: str | None
    old_secret_until: datetime | None
    status: Status
    reason: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def delivers(self) -> bool:
        return self.webhook_url is not None and self.status == "active"

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets that sign now, the newest first."""
        if self.secret is None:
            return ()
        if self.old_secret is None or self.old_secret_until is None or self.old_secret_until <= now:
            return (self.secret,)
        return self.secret, self.old_secret


@dataclass(frozen=True, slots=True)
class Match:
    """An article that matched a search. `seq` counts up over all; `revision` is the latest one known of."""

    seq: int
    article_id: str
    revision: int
    state: MatchState
    at: datetime


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell a receiver, once for each `webhook_id`.

    `at` is when it happened, `matches` whether the article did then. `tries` are all attempts, `rejections`
    those that failed for this message and not for its receiver as a whole, first `rejected_at`. A replay
    begins to count anew.
    """

    seq: int
    webhook_id: str
    search_key: int
    article_id: str
    kind: Kind
    matches: bool
    revision: int
    at: datetime
    tries: int = 0
    rejections: int = 0
    rejected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an attempt makes of its message: pending until `due`, or done with."""

    state: MessageState
    due: datetime
    rejections: int = 0
    rejected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one delivery went. `retry_after_s` is what the receiver asked for."""

    outcome: Outcome
    at: datetime
    duration_ms: int
    status: int | None = None
    retry_after_s: float | None = None

    @property
    def of_receiver(self) -> bool:
        """Whether it failed for the receiver as a whole, and not, as far as we know, for this message."""
        return self.outcome not in ("delivered", "rejected") or self.status in (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Health:
    """How a receiver does: failures since the last success, since when, and when to try again."""

    failures: int = 0
    failing_since: datetime | None = None
    not_before: datetime | None = None


def version_of(event: IndexableEvent) -> bytes:
    """Return which revision an event is, as bytes that sort as revisions do.

    Articles that were merely enriched again have the same. Raises OverflowError when a number does not fit.
    """
    rank = rank_of(event)
    return _VERSION.pack(
        rank.epoch, rank.final, rank.revision, rank.updated_us + _SIGN, rank.received_us + _SIGN
    )


def webhook_id_of(search_id: str, article_id: str, kind: Kind, *, matches: bool, version: bytes) -> str:
    """Return the id of a message: the same whenever the same is found again."""
    text = f"{search_id} {article_id} {kind} {matches:d} ".encode()
    return f"msg_{blake2b(text + version, digest_size=16).hexdigest()}"


def optional_instant(us: int | None) -> datetime | None:
    return None if us is None else instant_of(us)


def optional_microseconds(at: datetime | None) -> int | None:
    return None if at is None else microseconds_of(at)
