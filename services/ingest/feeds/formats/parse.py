"""`parse_feed`: any feed's bytes in, a `Feed` out. Pure."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from html import unescape

from lxml import etree
from pydantic_core import from_json

from services.ingest.feeds.formats.encoding import decode_document
from services.ingest.feeds.formats.json_feed import read_json_feed
from services.ingest.feeds.formats.markup import absolute_url
from services.ingest.feeds.formats.model import Feed, MalformedFeed
from services.ingest.feeds.formats.names import name_of
from services.ingest.feeds.formats.sitemap import read_sitemap, read_sitemap_index
from services.ingest.feeds.formats.xml_document import MAX_CHARS, parse_xml
from services.ingest.feeds.formats.xml_feed import format_of, read_xml_feed

_HEAD_CHARS = 65_536
_HTML = re.compile(r"(?:<!doctype\s+html\b(?!\s*\[)|<html\b)", re.IGNORECASE)
_LINK = re.compile(r"<link\b[^<>]{0,1000}>", re.IGNORECASE)
_HREF = re.compile(r"""\shref\s*=\s*(?:"([^"]{1,500})"|'([^']{1,500})')""", re.IGNORECASE)
_FEED_TYPE = re.compile(r"""\stype\s*=\s*["']application/(?:rss\+xml|atom\+xml|feed\+json)""", re.IGNORECASE)
_GZIP = b"\x1f\x8b\x08"


def parse_feed(body: bytes, *, content_type: str | None = None, url: str | None = None) -> Feed:
    """Return the feed in a document of any of the formats, told by what it holds.

    `content_type` is the header's value, of which the charset counts; `url` is where the document was found,
    for its relative links. Raises MalformedFeed, and nothing else, for a document that is no feed.
    """
    text = decode_document(_unpacked(body), content_type).strip()
    if not text:
        raise MalformedFeed("the document is empty")
    if text[0] in "{[":
        return read_json_feed(_json(text), url)
    if _HTML.match(text):
        named = [*dict.fromkeys(_feeds_named_in(text[:_HEAD_CHARS], url))][:3]
        hint = (
            f"; it names as its feeds: {', '.join(named)}"
            if named
            else ", and no RSS, Atom, JSON Feed or sitemap"
        )
        raise MalformedFeed(f"the document is an HTML page{hint}")
    root = parse_xml(text)
    name = name_of(root)
    if name.startswith("?:"):
        _without_namespace(root)
        name = name_of(root)
    if name == "urlset":
        return read_sitemap(root, url)
    if name == "sitemapindex":
        return read_sitemap_index(root, url)
    format_ = format_of(root)
    if format_ is None:
        what = "an HTML page" if name in ("html", "xhtml:html") else f"a document of <{name[:40]}>"
        raise MalformedFeed(f"the document is {what}, and no RSS, Atom, JSON Feed or sitemap")
    return read_xml_feed(root, format_, url)


def _feeds_named_in(head: str, url: str | None) -> Iterator[str]:
    """Yield the addresses of feeds that a page names, as browsers and readers look for them."""
    for link in _LINK.findall(head):
        href = _HREF.search(link)
        if href is not None and _FEED_TYPE.search(link):
            found = absolute_url(unescape(href[1] or href[2]), url)
            if found is not None:
                yield found


def _unpacked(body: bytes) -> bytes:
    """Return what a .gz file holds, as sitemaps are often kept; what is cut off, as far as it goes."""
    if not body.startswith(_GZIP):
        return body
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        # No more than could be read; a letter takes four bytes at most.
        document = unpacking.decompress(body, 4 * MAX_CHARS + 1)
    except zlib.error:
        raise MalformedFeed("the document starts like a gzip file and is none") from None
    if len(document) > 4 * MAX_CHARS:
        raise MalformedFeed(f"the document has more than {4 * MAX_CHARS:,} bytes when it is unpacked")
    return document


def _json(text: str) -> object:
    try:
        return from_json(text, allow_inf_nan=True)
    except ValueError as error:
        raise MalformedFeed(f"the document starts like JSON and is none: {str(error)[:200]}") from None


def _without_namespace(root: etree._Element) -> None:
    """Take the elements of the root's namespace, which nobody knows, for the format's own."""
    namespace = str(root.tag).partition("}")[0] + "}"
    for element in root.iter():
        if isinstance(element.tag, str) and element.tag.startswith(namespace):
            element.tag = element.tag.removeprefix(namespace)
