"""What a feed of search results says, whichever format it is written in. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ItemImage:
    """`media_type` is None when neither the publisher nor the URL tells it."""

    url: str
    media_type: str | None = None
    caption: str | None = None
    credit: str | None = None


@dataclass(frozen=True, slots=True)
class ItemTopic:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class ItemLink:
    """Another article that says nearly the same; `title` begins with its outlet."""

    url: str
    title: str


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One article. Texts are plain and hold only what XML 1.0 can; URLs are absolute, ASCII, http(s).

    `id` is a URI that stays the same for all revisions. `body` is set where the full text was asked for.
    `received_at` is when this revision came, `indexed_at` when it became searchable.
    """

    id: str
    article_id: str
    url: str
    title: str
    summary: str
    received_at: datetime
    indexed_at: datetime
    published_at: datetime | None = None
    body: str | None = None
    authors: tuple[str, ...] = ()
    source: str | None = None
    source_url: str | None = None
    language: str | None = None
    topics: tuple[ItemTopic, ...] = ()
    image: ItemImage | None = None
    story_id: str | None = None
    duplicates: tuple[ItemLink, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchFeed:
    """A page of results as a feed. `id` is a URI of the search, whoever asks and at whatever address.

    `home_url` shows the same search to people, `next_url` is the feed of the next page.
    `updated_at` is when the newest of it became searchable, None for an empty one.
    """

    id: str
    title: str
    description: str
    home_url: str
    self_url: str
    items: tuple[FeedItem, ...] = ()
    next_url: str | None = None
    language: str | None = None
    updated_at: datetime | None = None
