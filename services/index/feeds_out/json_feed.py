"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Pure."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from services.index.feeds_out.model import FeedItem, SearchFeed
from services.index.feeds_out.texts import html_of
from shared.instants import rfc3339

MEDIA_TYPE = "application/feed+json; charset=utf-8"
VERSION = "https://jsonfeed.org/version/1.1"


def json_feed_of(feed: SearchFeed) -> bytes:
    return to_json(
        _given(
            version=VERSION,
            title=feed.title,
            description=feed.description,
            home_page_url=feed.home_url,
            feed_url=feed.self_url,
            next_url=feed.next_url,
            language=feed.language,
        )
        | {"items": [_item(item) for item in feed.items]}
    )


def _item(item: FeedItem) -> dict[str, Any]:
    # One of content_html and content_text is required.
    content = {"content_text": item.summary} if item.body is None else {"content_html": html_of(item.body)}
    # Of an unsigned article, the outlet is the author, as in Atom.
    authors = item.authors or ((item.source,) if item.source else ())
    image = item.image
    return (
        _given(id=item.id, url=item.url, title=item.title, summary=item.summary or None)
        | content
        | _given(
            date_published=rfc3339(item.published_at) if item.published_at else None,
            date_modified=rfc3339(item.received_at),
            authors=[{"name": name} for name in authors] or None,
            tags=[topic.name for topic in item.topics] or None,
            language=item.language,
            image=image.url if image else None,
            _wireroom=_given(
                article_id=item.article_id,
                source=item.source,
                story_id=item.story_id,
                image_caption=image.caption if image else None,
                image_credit=image.credit if image else None,
                duplicates=[{"url": copy.url, "title": copy.title} for copy in item.duplicates] or None,
            ),
        )
    )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
