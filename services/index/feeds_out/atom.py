"""Atom (RFC 4287), with the paging of RFC 5005. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from services.index.feeds_out.model import FeedItem, ItemImage, SearchFeed
from services.index.feeds_out.texts import html_of
from services.index.feeds_out.xml import MEDIA_NAMESPACE, TOPIC_SCHEME, add, document
from shared.instants import rfc3339

MEDIA_TYPE = "application/atom+xml; charset=utf-8"
_NAMESPACES = {"xmlns": "http://www.w3.org/2005/Atom", "xmlns:media": MEDIA_NAMESPACE}
_AUTHOR = "Wireroom"
# A feed must say when it was updated, which an empty one never was.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def atom_of(feed: SearchFeed) -> bytes:
    language = {"xml:lang": feed.language} if feed.language else {}
    root = Element("feed", {**_NAMESPACES, **language})
    add(root, "id", feed.id)
    add(root, "title", feed.title, type="text")
    add(root, "subtitle", feed.description, type="text")
    add(root, "updated", rfc3339(feed.updated_at or _NEVER))
    add(root, "link", rel="self", href=feed.self_url, type="application/atom+xml")
    add(root, "link", rel="alternate", href=feed.home_url, type="text/html")
    if feed.next_url:
        add(root, "link", rel="next", href=feed.next_url, type="application/atom+xml")
    # Every entry has an author, its feed's if it names none (section 4.1.1).
    add(add(root, "author"), "name", _AUTHOR)
    add(root, "generator", "Wireroom")
    for item in feed.items:
        _add_entry(root, item)
    return document(root)


def _add_entry(root: Element, item: FeedItem) -> None:
    entry = add(root, "entry", xml__lang=item.language)
    add(entry, "id", item.id)
    add(entry, "title", item.title, type="text")
    add(entry, "link", rel="alternate", href=item.url)
    for copy in item.duplicates:
        add(entry, "link", rel="related", href=copy.url, title=copy.title)
    if item.published_at:
        add(entry, "published", rfc3339(item.published_at))
    add(entry, "updated", rfc3339(item.received_at))
    # Of an unsigned article, the outlet is the author.
    for author in item.authors or ((item.source,) if item.source else ()):
        add(add(entry, "author"), "name", author)
    for topic in item.topics:
        add(entry, "category", term=topic.code, scheme=TOPIC_SCHEME, label=topic.name)
    if item.source:
        _add_source(entry, item)
    add(entry, "summary", item.summary, type="text")
    if item.body is not None:
        add(entry, "content", html_of(item.body), type="html")
    if item.image:
        _add_image(entry, item.image)


def _add_source(entry: Element, item: FeedItem) -> None:
    source = add(entry, "source")
    if item.source_url:
        add(source, "id", item.source_url)
    add(source, "title", item.source, type="text")
    add(source, "updated", rfc3339(item.received_at))


def _add_image(entry: Element, image: ItemImage) -> None:
    add(entry, "link", rel="enclosure", href=image.url, type=image.media_type)
    content = add(entry, "media:content", url=image.url, medium="image", type=image.media_type)
    if image.caption:
        add(content, "media:description", image.caption, type="plain")
    if image.credit:
        add(content, "media:credit", image.credit)
