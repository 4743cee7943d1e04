"""JSON Feed 1.0 and 1.1. Pure. A field of the wrong type is passed over, not an error."""

from __future__ import annotations

from typing import Any

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.entries import MAX_CATEGORIES, MAX_GUID_CHARS, MAX_LINKS
from services.ingest.feeds.formats.markup import absolute_url, clean_html, html_from_text, text_from_title
from services.ingest.feeds.formats.model import Feed, FeedEntry, FeedImage, FeedLink, MalformedFeed
from services.ingest.feeds.formats.xml_feed import MAX_ENTRIES, MAX_HUBS

MAX_AUTHORS = 50


def read_json_feed(document: Any, url: str | None) -> Feed:
    """Return the feed in a parsed document. Raises MalformedFeed when it is none."""
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise MalformedFeed("the document is JSON, and no JSON Feed: it has no list of items")
    items = [item for item in document["items"] if isinstance(item, dict)]
    home = absolute_url(_text(document, "home_page_url"), url)
    language, authors = _text(document, "language"), _authors(document)
    skipped = {"no-object": len(document["items"]) - len(items), "too-many": max(0, len(items) - MAX_ENTRIES)}
    hubs = (
        absolute_url(_text(hub, "url"), url)
        for hub in _objects(document, "hubs")
        if (_text(hub, "type") or "").lower() == "websub"
    )
    return Feed(
        format="json",
        title=text_from_title(_text(document, "title") or "", is_html=False),
        link=home,
        description=text_from_title(_text(document, "description") or "", is_html=False),
        language=language,
        authors=authors,
        hubs=tuple(hub for hub in hubs if hub is not None)[:MAX_HUBS],
        self_url=absolute_url(_text(document, "feed_url"), url),
        expired=document.get("expired") is True,
        entries=tuple(_entry(item, home or url, authors, language) for item in items[:MAX_ENTRIES]),
        skipped={reason: count for reason, count in skipped.items() if count},
    )


def _entry(
    item: dict[str, Any], base: str | None, authors: tuple[str, ...], language: str | None
) -> FeedEntry:
    html, plain = _text(item, "content_html"), _text(item, "content_text")
    content = clean_html(html, base) if html else None
    if content is None and plain is not None:
        content = clean_html(html_from_text(plain), base)
    summary = _text(item, "summary")
    guid = item.get("id")
    guid = str(guid) if isinstance(guid, str | int) and not isinstance(guid, bool) else None
    link = absolute_url(_text(item, "url"), base)
    external = absolute_url(_text(item, "external_url"), base)
    if link is None:
        link = absolute_url(guid, None) or external
    image = absolute_url(_text(item, "image") or _text(item, "banner_image"), base)
    published, updated = _text(item, "date_published"), _text(item, "date_modified")
    published_at, updated_at = parse_date(published), parse_date(updated)
    unread = [
        text[:100]
        for text, at in ((published, published_at), (updated, updated_at))
        if text is not None and at is None
    ]
    links = [FeedLink(url=external, rel="related")] if external and external != link else []
    for attachment in _objects(item, "attachments"):
        found = absolute_url(_text(attachment, "url"), base)
        if found is not None:
            title = text_from_title(_text(attachment, "title") or "", is_html=False)
            links.append(FeedLink(url=found, rel="enclosure", title=title))
    return FeedEntry(
        guid=guid.strip() or None if guid is not None and len(guid) <= MAX_GUID_CHARS else None,
        link=link,
        title=text_from_title(_text(item, "title") or "", is_html=False),
        content=content,
        summary=clean_html(html_from_text(summary), base) if summary else None,
        authors=_authors(item) or authors,
        published_at=published_at,
        updated_at=updated_at,
        unread_dates=tuple(unread),
        categories=_tags(item),
        language=_text(item, "language") or language,
        image=FeedImage(url=image) if image else None,
        links=tuple(links[:MAX_LINKS]),
    )


def _text(holder: dict[str, Any], name: str) -> str | None:
    value = holder.get(name)
    return (value.strip() or None) if isinstance(value, str) else None


def _objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    value = holder.get(name)
    return [each for each in value[:200] if isinstance(each, dict)] if isinstance(value, list) else []


def _authors(holder: dict[str, Any]) -> tuple[str, ...]:
    given = _objects(holder, "authors")
    if isinstance(holder.get("author"), dict):
        given = [*given, holder["author"]]
    names = (text_from_title((_text(author, "name") or "")[:300], is_html=False) for author in given)
    return tuple(dict.fromkeys(name for name in names if name is not None))[:MAX_AUTHORS]


def _tags(item: dict[str, Any]) -> tuple[str, ...]:
    value = item.get("tags")
    tags = [tag for tag in value[:1000] if isinstance(tag, str)] if isinstance(value, list) else []
    texts = (text_from_title(tag[:300], is_html=False) for tag in tags)
    return tuple(dict.fromkeys(text for text in texts if text is not None))[:MAX_CATEGORIES]
