"""What a feed says, whichever format it is written in. Pure.

These travel as JSON from the process that parses to the one that polls.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import PermanentError

FeedFormat = Literal["rss", "atom", "cdf", "json", "sitemap", "sitemap-index"]


class MalformedFeed(PermanentError):
    """The document is no feed that can be read; the message says why, in words for its owner."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeedImage(_Part):
    url: str
    caption: str | None = None
    credit: str | None = None


class FeedLink(_Part):
    """A link beside the entry's own; `rel` is a link relation, e.g. related, via, enclosure."""

    url: str
    rel: str
    title: str | None = None


class FeedEntry(_Part):
    """One entry. URLs are absolute http(s), `title` is plain text, `content` and `summary` clean HTML.

    `guid` is the publisher's own id: RSS's guid, Atom's id, JSON Feed's id. A date that could not be read is
    None and stands in `unread_dates` as it was written.
    """

    guid: str | None = None
    link: str | None = None
    title: str | None = None
    content: str | None = None
    summary: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    unread_dates: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    language: str | None = None
    source: str | None = None
    image: FeedImage | None = None
    links: tuple[FeedLink, ...] = ()


class Feed(_Part):
    """A feed and its entries in the document's order.

    `interval_s` is how often its publisher asks to be polled (ttl, sy:updatePeriod), `hubs` and `self_url`
    are what WebSub needs. `sitemaps` are the members of a sitemap index, newest first. `skipped` counts what
    was left out, by reason.
    """

    format: FeedFormat
    title: str | None = None
    link: str | None = None
    description: str | None = None
    language: str | None = None
    authors: tuple[str, ...] = ()
    updated_at: datetime | None = None
    interval_s: int | None = None
    hubs: tuple[str, ...] = ()
    self_url: str | None = None
    expired: bool = False
    entries: tuple[FeedEntry, ...] = ()
    sitemaps: tuple[str, ...] = ()
    skipped: dict[str, int] = Field(default_factory=dict)
