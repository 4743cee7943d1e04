"""Feeds in XML: RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0, CDF. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.elements import Bag, date_of, title_of
from services.ingest.feeds.formats.entries import PUBLISHED, UPDATED, authors_of, page_link, read_entry
from services.ingest.feeds.formats.markup import absolute_url
from services.ingest.feeds.formats.model import Feed, FeedEntry, FeedFormat
from services.ingest.feeds.formats.names import (
    XML_LANG,
    attribute,
    children,
    inherited,
    name_of,
    relation_of,
)

MAX_ENTRIES = 2_000
MAX_HUBS = 5
_ENTRY_NAMES = frozenset({"item", "entry", "atom:entry"})
_WITHIN = frozenset({"channel", "items", "feed", "atom:feed"})
_FORMATS: dict[str, FeedFormat] = {
    "rss": "rss", "rdf:rdf": "rss", "rdf": "rss", "channel": "rss",
    "atom:feed": "atom", "feed": "atom", "atom:entry": "atom", "entry": "atom",
}  # fmt: skip
_PERIODS_S = {
    "hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000,
}  # fmt: skip
_MAX_INTERVAL_S = 31_536_000


def format_of(root: etree._Element) -> FeedFormat | None:
    """Return the format that a root element stands for, None when it is no feed's."""
    found = _FORMATS.get(name_of(root))
    if found == "rss" and str(root.tag) == "CHANNEL":
        return "cdf"
    return found


def read_xml_feed(root: etree._Element, format_: FeedFormat, url: str | None) -> Feed:
    """Return the feed under `root`; `url` is where it was found."""
    atom = format_ == "atom"
    channel = root
    if name_of(root) in ("rss", "rdf:rdf", "rdf"):
        channel = next((child for name, child in children(root) if name == "channel"), root)
    bag = Bag(channel, url)
    home = page_link(bag) or absolute_url(attribute(channel, "href"), url)
    # RSS has no xml:base; readers take its relative links for links of the site, not of the feed's host.
    base = url if atom else home or url
    feed_authors = authors_of(bag) if atom else ()
    skipped: dict[str, int] = {}
    entries: list[FeedEntry] = []
    for element in _entry_elements(root):
        if len(entries) == MAX_ENTRIES:
            skipped["too-many"] = skipped.get("too-many", 0) + 1
            continue
        entries.append(_with_authors(read_entry(element, atom=atom, base=base), feed_authors))
    published, _ = date_of(bag, *PUBLISHED)
    updated, _ = date_of(bag, *UPDATED)
    return Feed(
        format=format_,
        title=title_of(bag, "title", "atom:title", "dc:title", atom=atom),
        link=home,
        description=title_of(
            bag, "description", "atom:subtitle", "subtitle", "atom:tagline", "tagline", atom=atom
        ),
        language=bag.text("language", "dc:language") or inherited(channel, XML_LANG) or None,
        authors=feed_authors,
        updated_at=updated or published or parse_date(attribute(channel, "lastmod")),
        interval_s=_interval_s(bag),
        hubs=_links_of(bag, "hub")[:MAX_HUBS],
        self_url=next(iter(_links_of(bag, "self")), None),
        entries=tuple(entries),
        skipped=skipped,
    )


def _with_authors(entry: FeedEntry, authors: tuple[str, ...]) -> FeedEntry:
    """Atom's feed names the authors of the entries that name none (RFC 4287, section 4.1.1)."""
    return entry.model_copy(update={"authors": authors}) if authors and not entry.authors else entry


def _entry_elements(root: etree._Element) -> Iterator[etree._Element]:
    """Yield items and entries wherever a format puts them, but none within another."""
    if name_of(root) in ("entry", "atom:entry"):
        yield root
        return
    waiting = [root]
    while waiting:
        for name, child in children(waiting.pop(0)):
            if name in _ENTRY_NAMES:
                yield child
            elif name in _WITHIN:
                waiting.append(child)


def _links_of(bag: Bag, relation: str) -> tuple[str, ...]:
    found = (
        absolute_url(attribute(link, "href"), bag.base_of(link))
        for link in bag.all("atom:link", "link")
        if relation in relation_of(link).split()
    )
    return tuple(dict.fromkeys(url for url in found if url is not None))


def _interval_s(bag: Bag) -> int | None:
    """Return how many seconds the publisher asks to leave between polls: by ttl, else by sy:updatePeriod."""
    ttl = bag.text("ttl")
    if ttl is not None and ttl.isascii() and ttl.isdigit() and len(ttl) < 9:
        return min(int(ttl) * 60, _MAX_INTERVAL_S) or None
    period = _PERIODS_S.get((bag.text("sy:updateperiod") or "").lower())
    if period is None:
        return None
    frequency = bag.text("sy:updatefrequency") or "1"
    times = int(frequency) if frequency.isascii() and frequency.isdigit() and len(frequency) < 6 else 1
    return period // max(times, 1)
