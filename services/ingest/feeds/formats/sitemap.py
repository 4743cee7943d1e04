"""Sitemaps: of news and plain, and the index of several (sitemaps.org with Google's extensions). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from lxml import etree

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.elements import Bag, image_of
from services.ingest.feeds.formats.markup import absolute_url, text_from_title
from services.ingest.feeds.formats.model import Feed, FeedEntry
from services.ingest.feeds.formats.names import children, name_of
from services.ingest.feeds.formats.xml_feed import MAX_ENTRIES

MAX_SITEMAPS = 50
MAX_URLS = 50_000  # of one sitemap, by sitemaps.org
_NO_DATE = datetime.min.replace(tzinfo=UTC)


def read_sitemap(root: etree._Element, url: str | None) -> Feed:
    """Return the pages of a sitemap, newest first, and no more of them than a feed may have."""
    elements = [element for name, element in children(root) if name == "url"][:MAX_URLS]
    elements.sort(key=_changed_at, reverse=True)
    skipped = {"too-many": len(elements) - MAX_ENTRIES} if len(elements) > MAX_ENTRIES else {}
    entries = [entry for element in elements[:MAX_ENTRIES] if (entry := _entry(element, url)) is not None]
    sources = {entry.source for entry in entries}
    return Feed(
        format="sitemap",
        title=sources.pop() if len(sources) == 1 else None,
        entries=tuple(entries),
        skipped=skipped,
    )


def _changed_at(element: etree._Element) -> datetime:
    dates = (
        child
        for name, child in ((name_of(child), child) for child in element.iter())
        if name in ("lastmod", "news:publication_date")
    )
    return max((parse_date(child.text) or _NO_DATE for child in dates), default=_NO_DATE)


def read_sitemap_index(root: etree._Element, url: str | None) -> Feed:
    """Return the sitemaps that an index names, those changed last first."""
    found: list[tuple[datetime, str]] = []
    for name, element in children(root):
        bag = Bag(element, url)
        location = absolute_url(bag.text("loc"), url)
        if name == "sitemap" and location is not None:
            found.append((parse_date(bag.text("lastmod")) or _NO_DATE, location))
    found.sort(key=lambda pair: pair[0], reverse=True)
    sitemaps = tuple(dict.fromkeys(location for _, location in found))
    skipped = {"too-many": len(sitemaps) - MAX_SITEMAPS} if len(sitemaps) > MAX_SITEMAPS else {}
    return Feed(format="sitemap-index", sitemaps=sitemaps[:MAX_SITEMAPS], skipped=skipped)


def _entry(element: etree._Element, url: str | None) -> FeedEntry | None:
    bag = Bag(element, url)
    location = absolute_url(bag.text("loc"), url)
    if location is None:
        return None
    modified = bag.text("lastmod")
    for news_element in bag.all("news:news"):
        news = Bag(news_element, url)
        publication = next((Bag(child, url) for child in news.all("news:publication")), None)
        given = news.text("news:publication_date")
        published = parse_date(given)
        keywords = (text_from_title(word) for word in (news.text("news:keywords") or "")[:5000].split(","))
        return FeedEntry(
            link=location,
            title=text_from_title(news.text("news:title") or ""),
            published_at=published,
            updated_at=parse_date(modified),
            unread_dates=(given[:100],) if given and published is None else (),
            categories=tuple(dict.fromkeys(word for word in keywords if word is not None)),
            language=publication.text("news:language") if publication else None,
            source=text_from_title(publication.text("news:name") or "") if publication else None,
            image=image_of(bag),
        )
    return FeedEntry(link=location, updated_at=parse_date(modified), image=image_of(bag))


def together(index: Feed, members: Sequence[Feed], missing: int) -> Feed:
    """Return the pages of an index's members, newest first; `missing` members were not read."""
    entries = [entry for member in members for entry in member.entries]
    entries.sort(key=lambda entry: entry.published_at or entry.updated_at or _NO_DATE, reverse=True)
    skipped = Counter(index.skipped)
    for member in members:
        skipped.update(member.skipped)
    skipped += Counter({"member": missing, "too-many": max(0, len(entries) - MAX_ENTRIES)})
    return Feed(format="sitemap-index", entries=tuple(entries[:MAX_ENTRIES]), skipped=dict(skipped))
