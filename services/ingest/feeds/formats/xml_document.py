"""From a document's text to a tree of elements, within bounds, whoever wrote it. Pure.

libxml2 expands no entities here, loads nothing, and ends at its own limits of depth and of the length of a
text. Of a DOCTYPE we read the plain entities ourselves, as some old feeds define their accents in it;
entities made of entities are refused. What is not well-formed is mended where feeds are known to be wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from html.entities import html5

from lxml import etree

from services.ingest.feeds.formats.model import MalformedFeed

MAX_CHARS = 10_000_000
MAX_DEPTH = 200
MAX_ATTRIBUTES = 100
MAX_ELEMENTS = 500_000  # a sitemap of 50,000 pages has no more
MAX_REFERENCES = 1_000_000
MAX_DOCTYPE_CHARS = 16_384
MAX_ENTITIES = 300
MAX_ENTITY_CHARS = 64
_XML_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HARMLESS = re.compile(r"&(?:#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7}|amp|lt|gt|quot|apos);")
_REFERENCE = re.compile(r"&(#[xX][0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{0,31});")
_LONE_AMPERSAND = re.compile(r"&(?!(?:#[xX][0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{0,31});)")
_LITERAL = re.compile(r"<!\[CDATA\[|<!--")
_ENTITY = re.compile(
    r"""<!ENTITY\s+(%\s+)?([A-Za-z_][\w.-]{0,63})\s+(?:"([^"]*)"|'([^']*)'|(SYSTEM|PUBLIC)\b)"""
)
_ROOTS = re.compile(
    r"<(?:[A-Za-z][\w.-]{0,20}:)?(?:rss|feed|rdf|channel|urlset|sitemapindex|opml)[\s>/]", re.IGNORECASE
)
_PROLOGUE = re.compile(r"(?:\s+|<!--.*?-->|<\?.*?\?>)+", re.DOTALL)


def parse_xml(text: str) -> etree._Element:
    """Return the root element. Raises MalformedFeed for what cannot be read, or is an attack."""
    if len(text) > MAX_CHARS:
        raise MalformedFeed(f"the document has more than {MAX_CHARS:,} characters")
    text, entities = _without_doctype(text.replace("\x00", ""))
    if entities:
        text = _expanded(text, entities)
    root = _parse(text, recover=False)
    if root is None:
        root = _parse(_mended(text), recover=True)
    if root is None:
        raise MalformedFeed("the document is no XML that can be read")
    _check_shape(root)
    return root


def _parse(text: str, *, recover: bool) -> etree._Element | None:
    parser = etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        return etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _check_shape(root: etree._Element) -> None:
    """Refuse a tree that is like no feed's: what works on it recurses, and lists of attributes are slow."""
    depth = 0
    for count, (event, element) in enumerate(etree.iterwalk(root, events=("start", "end"))):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise MalformedFeed(f"its elements nest more than {MAX_DEPTH} levels deep")
        if count > 2 * MAX_ELEMENTS:
            raise MalformedFeed(f"it has more than {MAX_ELEMENTS:,} elements")
        if event == "start" and len(element.attrib) > MAX_ATTRIBUTES:
            raise MalformedFeed(f"an element of it has more than {MAX_ATTRIBUTES} attributes")


def _without_doctype(text: str) -> tuple[str, dict[str, str]]:
    """Return the document without its DOCTYPE, and the plain entities that this defined."""
    prologue = _PROLOGUE.match(text)
    start = prologue.end() if prologue else 0
    if text[start : start + 9].upper() != "<!DOCTYPE":
        return text, {}
    end = _doctype_end(text, start)
    doctype = text[start:end]
    entities: dict[str, str] = {}
    for match in _ENTITY.finditer(doctype):
        parameter, name, double, single, outside = match.groups()
        value = double if double is not None else single
        if parameter or outside or value is None:
            # Old RSS 1.0 names HTML's sets of entities so: nothing is loaded, and those are known anyway.
            continue
        if "&" in _HARMLESS.sub("", value):
            raise MalformedFeed("its DOCTYPE defines entities by other entities, as attacks do")
        if len(value) > MAX_ENTITY_CHARS or len(entities) >= MAX_ENTITIES:
            raise MalformedFeed("its DOCTYPE defines more or longer entities than any feed needs")
        entities[name] = value
    return text[:start] + text[end:], entities


def _doctype_end(text: str, start: int) -> int:
    """Return where the DOCTYPE ends: at the > that stands outside brackets and quotes."""
    quote, in_subset = "", False
    doctype = text[start : start + MAX_DOCTYPE_CHARS]
    for match in re.finditer(r"""["'\[\]>]|<!--.*?-->""", doctype, re.DOTALL):
        mark = match.group()
        if quote:
            if mark == quote:
                quote = ""
        elif mark in "\"'":
            quote = mark
        elif mark == "[":
            in_subset = True
        elif mark == "]":
            in_subset = False
        elif mark == ">" and not in_subset:
            return start + match.end()
    raise MalformedFeed(f"its DOCTYPE does not end within {MAX_DOCTYPE_CHARS:,} characters")


def _expanded(text: str, entities: dict[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        return entities.get(match.group(1), match.group())

    expanded = _REFERENCE.sub(value_of, text)
    if len(expanded) > MAX_CHARS:
        raise MalformedFeed(f"with its entities the document has more than {MAX_CHARS:,} characters")
    return expanded


def _mended(text: str) -> str:
    """Return the document with what feeds get wrong put right: HTML's entities, lone ampersands, junk."""
    if text.count("&") > MAX_REFERENCES:
        raise MalformedFeed(f"it is not well-formed, and has more than {MAX_REFERENCES:,} ampersands")
    text = _NOT_XML.sub("", text)
    root = _ROOTS.search(text, 0, 65_536)
    if root is None:
        raise MalformedFeed("the document is no feed: it has none of the elements that one starts with")
    return "".join(
        piece if literal else _REFERENCE.sub(_mended_reference, _LONE_AMPERSAND.sub("&amp;", piece))
        for literal, piece in _pieces(text[root.start() :])
    )


def _pieces(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the text in pieces, and of each whether it is literal: a CDATA section or a comment.

    In those an ampersand is just that. One that does not end is none: the rest is text.
    """
    at = 0
    while (opening := _LITERAL.search(text, at)) is not None:
        mark = "]]>" if opening.group() == "<![CDATA[" else "-->"
        end = text.find(mark, opening.end())
        if end < 0:
            break
        yield False, text[at : opening.start()]
        at = end + len(mark)
        yield True, text[opening.start() : at]
    yield False, text[at:]


def _mended_reference(match: re.Match[str]) -> str:
    name = match.group(1)
    if name.startswith("#"):
        number = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
        return match.group() if number < 0x110000 and not _NOT_XML.match(chr(number)) else "\ufffd"
    if name in _XML_ENTITIES:
        return match.group()
    known = html5.get(f"{name};")
    return f"&amp;{name};" if known is None else escape(known, quote=False)
