"""Reading what RSS, RDF, Atom and CDF share: texts, links, persons, dates and images of an element. Pure."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from lxml import etree

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.markup import (
    absolute_url,
    clean_html,
    html_from_text,
    inner_xml,
    join_base,
    looks_like_html,
    text_from_title,
    text_from_title_markup,
)
from services.ingest.feeds.formats.model import FeedImage
from services.ingest.feeds.formats.names import XML_BASE, attribute, children, name_of, text_of

MAX_OF_A_KIND = 200
MAX_PERSON_CHARS = 300
_HTML_TYPES = frozenset({"html", "xhtml", "text/html", "application/xhtml+xml"})
_EMAIL = r"[^\s<>()@]{1,100}@[^\s<>()@]{1,100}"
_EMAIL_THEN_NAME = re.compile(rf"(?:mailto:)?{_EMAIL}\s*\((?P<name>[^()]+)\)$")
_NAME_THEN_EMAIL = re.compile(rf"(?P<name>[^<>()]+?)\s*[<(](?:mailto:)?{_EMAIL}[>)]$")


class Bag:
    """The children of one element by name. Names of Atom's namespace are found with and without prefix."""

    def __init__(self, element: etree._Element, base: str | None) -> None:
        self.element = element
        self.base = base
        self._by_name: dict[str, list[etree._Element]] = defaultdict(list)
        for name, child in children(element):
            if len(self._by_name[name]) < MAX_OF_A_KIND:
                self._by_name[name].append(child)

    def all(self, *names: str) -> Iterator[etree._Element]:
        """Yield the children of these names: the first name's first."""
        for name in names:
            yield from self._by_name.get(name, ())

    def text(self, *names: str) -> str | None:
        """Return the first text that is not blank."""
        return next((text for child in self.all(*names) if (text := text_of(child))), None)

    def base_of(self, element: etree._Element) -> str | None:
        return base_of(element, self.base)


def base_of(element: etree._Element, document_base: str | None) -> str | None:
    """Return what relative links within the element are relative to: xml:base, as it nests."""
    bases = []
    at: etree._Element | None = element
    while at is not None:
        if (base := at.get(XML_BASE)) is not None:
            bases.append(base)
        at = at.getparent()
    result = document_base
    for base in reversed(bases):
        result = join_base(result, base)
    return result


class TextConstruct(NamedTuple):
    """A text as its element holds it: HTML, or plain."""

    value: str
    is_html: bool


def text_construct(element: etree._Element, *, atom: bool) -> TextConstruct:
    """Return an element's text. RSS's is HTML by custom; Atom says by type and mode what it is."""
    kind = (attribute(element, "type") or "").lower()
    mode = (attribute(element, "mode") or "").lower()
    if len(element):
        return TextConstruct(inner_xml(element), True)
    value = element.text or ""
    if mode == "base64" or _is_binary(kind):
        decoded = _from_base64(value)
        return TextConstruct(decoded or "", True)
    if not atom or kind in _HTML_TYPES or kind.endswith("+xml"):
        return TextConstruct(value, True)
    if kind:
        return TextConstruct(value, False)
    return TextConstruct(value, mode == "escaped" or looks_like_html(value))


def _is_binary(kind: str) -> bool:
    return "/" in kind and not kind.startswith("text/") and not kind.endswith(("+xml", "/xml"))


def _from_base64(value: str) -> str | None:
    try:
        return b64decode("".join(value.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def title_of(bag: Bag, *names: str, atom: bool) -> str | None:
    """Return the first text that is not blank as one line of plain text."""
    for child in bag.all(*names):
        construct = text_construct(child, atom=_is_atoms(child, atom))
        title = (
            text_from_title_markup(construct.value)
            if len(child)
            else text_from_title(construct.value, is_html=construct.is_html)
        )
        if title is not None:
            return title
    return None


def html_of(bag: Bag, *names: str, atom: bool) -> str | None:
    """Return the first text that is not blank as clean HTML."""
    for child in bag.all(*names):
        construct = text_construct(child, atom=_is_atoms(child, atom))
        if not construct.value.strip():
            continue
        html = construct.value if construct.is_html else html_from_text(construct.value)
        cleaned = clean_html(html, bag.base_of(child))
        if cleaned is not None:
            return cleaned
    return None


def _is_atoms(element: etree._Element, atom: bool) -> bool:
    """Whether Atom's rules hold for an element: it is of Atom's namespace, or of an Atom feed without any."""
    name = name_of(element)
    return name.startswith("atom:") or (atom and ":" not in name)


def date_of(bag: Bag, *names: str) -> tuple[datetime | None, list[str]]:
    """Return the date in the last child of the first name that holds one, and what could not be read."""
    unread: list[str] = []
    for name in names:
        for child in reversed(list(bag.all(name))):
            text = text_of(child)
            found = parse_date(text)
            if found is not None:
                return found, unread
            if text:
                unread.append(text[:100])
    return None, unread


def person_name(text: str | None) -> str | None:
    """Return the name of "me@example.com (Jane Doe)", "Jane Doe <me@example.com>" or of just a name."""
    text = text_from_title(text[:MAX_PERSON_CHARS]) if text else None
    if text is None:
        return None
    for pattern in (_EMAIL_THEN_NAME, _NAME_THEN_EMAIL):
        match = pattern.match(text)
        if match is not None:
            return match["name"].strip() or None
    return text


def atom_person(element: etree._Element) -> str | None:
    """Return the name in an Atom person, or in the text where there is no name."""
    bag = Bag(element, None)
    named = bag.text("name", "atom:name") or bag.text("email", "atom:email")
    return person_name(named if len(element) else text_of(element))


def image_of(bag: Bag) -> FeedImage | None:
    """Return the entry's image: the widest of media:content, then thumbnails, enclosures and the rest."""
    found = _media_image(bag)
    if found is not None:
        return found
    for enclosure in bag.all("enclosure"):
        if (attribute(enclosure, "type") or "").lower().startswith("image/"):
            url = absolute_url(attribute(enclosure, "url"), bag.base_of(enclosure))
            if url is not None:
                return FeedImage(url=url)
    for element in bag.all("itunes:image", "image", "image:image"):
        within = Bag(element, bag.base)
        given = attribute(element, "href") or within.text("url", "image:loc") or text_of(element)
        url = absolute_url(given, bag.base_of(element)) if given and "\n" not in given else None
        if url is not None:
            caption = text_from_title(within.text("image:caption", "image:title") or "")
            return FeedImage(url=url, caption=caption)
    return None


def _media_image(bag: Bag) -> FeedImage | None:
    holders = [bag, *(Bag(group, bag.base) for group in bag.all("media:group"))]
    contents = [content for holder in holders for content in holder.all("media:content")]
    best: tuple[int, FeedImage] | None = None
    for content in contents:
        kind = (attribute(content, "medium") or attribute(content, "type") or "").lower()
        url = absolute_url(attribute(content, "url"), bag.base_of(content))
        if url is None or not (kind.startswith("image") or (not kind and _names_an_image(url))):
            continue
        width = attribute(content, "width") or "0"
        size = int(width) if width.isascii() and width.isdigit() and len(width) < 7 else 0
        if best is None or size > best[0]:
            best = size, _captioned(url, [Bag(content, bag.base), *holders])
    if best is not None:
        return best[1]
    holders += [Bag(content, bag.base) for content in contents]
    for holder in holders:
        for thumbnail in holder.all("media:thumbnail"):
            url = absolute_url(attribute(thumbnail, "url") or text_of(thumbnail), bag.base_of(thumbnail))
            if url is not None:
                return _captioned(url, holders)
    return None


def _captioned(url: str, holders: list[Bag]) -> FeedImage:
    def first(*names: str) -> str | None:
        texts = (text_from_title(holder.text(*names) or "") for holder in holders)
        return next((text for text in texts if text is not None), None)

    return FeedImage(url=url, caption=first("media:description", "media:text"), credit=first("media:credit"))


def _names_an_image(url: str) -> bool:
    path = url.partition("?")[0].lower()
    return path.endswith((".jpg", ".jpeg", ".png", ".gif", ".webp", ".avif"))
