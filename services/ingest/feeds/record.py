"""What is kept of a feed between two polls. Pure; `store` keeps it in Redis."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FEED_ID_PATTERN = r"^[0-9a-f]{16}$"
PollOutcome = Literal[
    "read", "not_modified", "unchanged", "gone", "refused", "failed", "status", "limited", "malformed",
    "busy", "full",
]  # fmt: skip
WebSubState = Literal["pending", "active", "denied", "failed"]


def feed_id(url: str) -> str:
    """Return the id of a feed that is added by this URL; it stays the same when the feed moves."""
    return blake2b(url.encode(), digest_size=8, person=b"wireroom.feed").hexdigest()


class _Kept(BaseModel):
    # Fields of a newer version survive an older one's reading.
    model_config = ConfigDict(frozen=True, extra="allow")


class FeedConfig(_Kept):
    """What its operator says of a feed.

    `full_text` None: pages are fetched for sitemaps only. `interval_s` None: found by how often the feed
    changes.
    """

    url: str
    source: str | None = None
    interval_s: float | None = None
    full_text: bool | None = None
    added_at: datetime
    added_by: str | None = None


class EntryCounts(_Kept):
    """What one poll, or all of them, found; `skipped` by reason."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: dict[str, int] = Field(default_factory=dict)


class FeedState(_Kept):
    """What polling has found out.

    `source` is the outlet's name, taken from the feed's first title and then kept: articles without a URL are
    known by it. `moved_to` was redirected to for good, in `moved_seen` polls. `stopped` says why it is polled
    no more.
    """

    url: str
    title: str | None = None
    format: str | None = None
    source: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_digest: str | None = None
    interval_s: float | None = None
    last_poll_at: datetime | None = None
    last_success_at: datetime | None = None
    last_outcome: PollOutcome | None = None
    last_status: int | None = None
    last_error: str | None = None
    errors_in_row: int = 0
    stopped: str | None = None
    moved_to: str | None = None
    moved_seen: int = 0
    last_entries: EntryCounts = EntryCounts()
    entries: EntryCounts = EntryCounts()


class WebSub(_Kept):
    """A subscription at a hub. `secret` signs what it pushes; `lease_until` is when it ends by itself.

    `awaiting` is set while the hub is to ask whether we meant what we asked it for.
    """

    hub: str
    topic: str
    secret: str
    state: WebSubState
    asked_at: datetime
    awaiting: bool = False
    lease_until: datetime | None = None
    error: str | None = None
    last_push_at: datetime | None = None


class FeedRecord(_Kept):
    """Everything kept of one feed. `next_poll_at` is None when it is polled no more."""

    id: str
    config: FeedConfig
    state: FeedState
    websub: WebSub | None = None
    polls: int = 0
    polling: bool = False
    next_poll_at: datetime | None = None
