"""RSS 2.0 (rssboard.org/rss-specification), with the elements of other namespaces that readers know. Pure."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element

from services.index.feeds_out.model import FeedItem, ItemImage, SearchFeed
from services.index.feeds_out.texts import html_of
from services.index.feeds_out.xml import MEDIA_NAMESPACE, TOPIC_SCHEME, add, document

MEDIA_TYPE = "application/rss+xml; charset=utf-8"
GENERATOR = "Wireroom"
_NAMESPACES = {
    "xmlns:atom": "http://www.w3.org/2005/Atom",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:dcterms": "http://purl.org/dc/terms/",
    "xmlns:media": MEDIA_NAMESPACE,
}


def rss_of(feed: SearchFeed) -> bytes:
    root = Element("rss", {"version": "2.0", **_NAMESPACES})
    channel = add(root, "channel")
    add(channel, "title", feed.title)
    add(channel, "link", feed.home_url)
    add(channel, "description", feed.description)
    add(channel, "atom:link", rel="self", href=feed.self_url, type="application/rss+xml")
    if feed.next_url:
        add(channel, "atom:link", rel="next", href=feed.next_url, type="application/rss+xml")
    if feed.language:
        add(channel, "language", feed.language)
    if feed.updated_at:
        add(channel, "lastBuildDate", _date(feed.updated_at))
    add(channel, "generator", GENERATOR)
    for item in feed.items:
        _add_item(channel, item)
    return document(root)


def _add_item(channel: Element, item: FeedItem) -> None:
    element = add(channel, "item")
    # Titles are plain text, escaped once (RSS Advisory Board's profile); descriptions are HTML.
    add(element, "title", item.title)
    add(element, "link", item.url)
    add(element, "guid", item.id, isPermaLink="false")
    add(element, "pubDate", _date(item.published_at or item.received_at))
    add(element, "dcterms:modified", item.received_at.isoformat(timespec="seconds"))
    for author in item.authors:
        # RSS's own <author> must be an e-mail address.
        add(element, "dc:creator", author)
    for topic in item.topics:
        add(element, "category", topic.name, domain=TOPIC_SCHEME)
    if item.source and item.source_url:
        add(element, "source", item.source, url=item.source_url)
    if item.language:
        add(element, "dc:language", item.language)
    add(element, "description", html_of(item.summary))
    if item.body is not None:
        add(element, "content:encoded", html_of(item.body))
    if item.image:
        _add_image(element, item.image)
    for copy in item.duplicates:
        add(element, "atom:link", rel="related", href=copy.url, title=copy.title)


def _add_image(element: Element, image: ItemImage) -> None:
    if image.media_type:
        # Its length in bytes is required and not known here; 0 is what the profile says to write then.
        add(element, "enclosure", url=image.url, length="0", type=image.media_type)
    content = add(element, "media:content", url=image.url, medium="image", type=image.media_type)
    if image.caption:
        add(content, "media:description", image.caption, type="plain")
    if image.credit:
        add(content, "media:credit", image.credit)


def _date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)
