"""Lists of feeds as OPML 2.0, in and out. Pure.

What OPML has no words for, stands in attributes of our own, which other readers pass over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from lxml import etree

from services.ingest.feeds.formats.encoding import decode_document
from services.ingest.feeds.formats.markup import text_from_title
from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.formats.names import attribute, name_of
from services.ingest.feeds.formats.xml_document import parse_xml
from services.ingest.feeds.record import FeedRecord

NAMESPACE: Final = "urn:wireroom:feeds"
MAX_FEEDS: Final = 10_000
MAX_NAME_CHARS: Final = 300
_FULL_TEXT: Final = {"true": True, "false": False}


class Outline(NamedTuple):
    """One feed of a list."""

    url: str
    source: str | None
    interval_s: float | None
    full_text: bool | None


def outlines_from_opml(body: bytes, content_type: str | None) -> list[Outline]:
    """Return the feeds of a list, each URL once. Raises MalformedFeed when it is no OPML."""
    root = parse_xml(decode_document(body, content_type).strip())
    if name_of(root) != "opml":
        raise MalformedFeed("the document is no OPML")
    found: dict[str, Outline] = {}
    for outline in _outlines(root):
        if len(found) == MAX_FEEDS:
            raise MalformedFeed(f"the list has more than {MAX_FEEDS:,} feeds")
        found.setdefault(outline.url, outline)
    return list(found.values())


def _outlines(root: etree._Element) -> Iterator[Outline]:
    for element in root.iter():
        url = attribute(element, "xmlurl") if name_of(element) == "outline" else None
        if url is None:
            continue
        # A feed: scheme is what some readers put before the real one.
        url = url.removeprefix("feed:").removeprefix("//") if url.startswith("feed:http") else url
        named = _own(element, "source") or attribute(element, "title") or attribute(element, "text")
        source = text_from_title(named or "")
        yield Outline(
            url, source and source[:MAX_NAME_CHARS], _seconds(_own(element, "interval")),
            _FULL_TEXT.get(_own(element, "fullText") or ""),
        )  # fmt: skip


def _own(element: etree._Element, name: str) -> str | None:
    value: str | None = element.get(f"{{{NAMESPACE}}}{name}")
    return value


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else None


def opml_from_records(records: Iterable[FeedRecord]) -> bytes:
    """Return the list of feeds as an OPML document."""
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"wireroom": NAMESPACE})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = "Feeds of Wireroom"
    body = etree.SubElement(root, "body")
    for record in records:
        config, state = record.config, record.state
        name = config.source or state.title or state.url
        attributes = {"type": "rss", "text": name, "title": name, "xmlUrl": state.url}
        if config.source is not None:
            attributes[f"{{{NAMESPACE}}}source"] = config.source
        if config.interval_s is not None:
            attributes[f"{{{NAMESPACE}}}interval"] = f"{config.interval_s:.0f}"
        if config.full_text is not None:
            attributes[f"{{{NAMESPACE}}}fullText"] = "true" if config.full_text else "false"
        etree.SubElement(body, "outline", attributes)
    document: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)
    return document
