"""Extraction: an article's text and metadata out of its HTML page.

trafilatura in fast mode does it (F1 .962 on news pages); all text of <body> is taken where it finds nothing,
where the HTML is a fragment too short to judge, and where the tree is so large that it would take seconds.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import trafilatura

from services.enrich.steps.dom import http_url, parse_html, text_of
from shared.events import Image

VERSION: Final = f"trafilatura-{trafilatura.__version__}"
# trafilatura takes 0.2 s per 1,000 elements; the heaviest pages of newspapers have about 5,000.
_MAX_ELEMENTS: Final = 10_000
# Its copy of the tree has 400 bytes for each attribute; those pages have about 20,000.
_MAX_ATTRIBUTES: Final = 80_000
_SHORT_TEXT_CHARS: Final = 200
_MAX_FRAGMENT_CHARS: Final = 1_000
_MAX_AUTHORS: Final = 20
_MAX_FIELD_CHARS: Final = 300
_MAX_LD_JSON_CHARS: Final = 200_000
_BLOCK_TAG_NAMES: Final = """
    address article aside blockquote br center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4
    h5 h6 header hr li main nav ol p pre section table td th tr ul
"""
_BLOCK_TAGS: Final = frozenset(_BLOCK_TAG_NAMES.split())
_SILENT_TAGS: Final = frozenset(
    {"script", "style", "noscript", "template", "svg", "head", "iframe", "object"}
)
_PAGE_START = re.compile(r"\s*<(?:html|!doctype)", re.IGNORECASE)
_AUTHOR_SEPARATOR = re.compile(r"\s*;\s*")

# trafilatura logs an error for each page it can make nothing of; here that is a result, not an error.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page says about its article; `text` has its paragraphs separated by blank lines.

    `published_at` is UTC-aware, `language` the code that the page declares, `image` its lead picture.
    """

    title: str | None
    text: str
    authors: tuple[str, ...]
    published_at: datetime | None
    language: str | None
    site_name: str | None
    image: Image | None


def extract_html(html: str, url: str | None) -> Extracted:
    """Return the article of an HTML page; a page without any text gives an empty `text`. Never raises."""
    root = parse_html(html)
    if root is None:
        return Extracted(None, "", (), None, None, None, None)
    document = None if _is_oversized(root) else _trafilatura(root, html, url)
    meta = _meta(root)
    return Extracted(
        title=_field(getattr(document, "title", None)) or _field(meta.get("og:title")) or _title_tag(root),
        text=_text(document, root),
        authors=_authors(getattr(document, "author", None)),
        published_at=_published_at(root, meta) or parse_instant(getattr(document, "date", None)),
        language=_field(root.get("lang") or meta.get("og:locale") or meta.get("content-language")),
        site_name=_field(meta.get("og:site_name") or getattr(document, "sitename", None)),
        image=_image(meta, url),
    )


def _is_oversized(root: Any) -> bool:
    sizes = [len(element.attrib) for element in islice(root.iter(), _MAX_ELEMENTS + 1)]
    return len(sizes) > _MAX_ELEMENTS or sum(sizes) > _MAX_ATTRIBUTES


def _text(document: Any | None, root: Any) -> str:
    lines = (line.strip() for line in (getattr(document, "text", None) or "").split("\n"))
    text = "\n\n".join(line for line in lines if line)
    if len(text) >= _SHORT_TEXT_CHARS:
        return text
    everything = _body_text(root)
    return everything if not text or len(everything) <= _MAX_FRAGMENT_CHARS else text


def _trafilatura(root: Any, html: str, url: str | None) -> Any | None:
    """Let trafilatura judge a copy of the tree; given the page it would parse that again, in its own way."""
    tree = _page_or_block(root, html)
    if tree is None:
        return None
    try:
        return trafilatura.bare_extraction(
            tree, url=url, fast=True, with_metadata=True, include_comments=False, include_tables=True
        )
    except Exception:
        # Parsers of date, JSON-LD and tree inside raise freely on broken pages; the text of <body> remains.
        return None


def _page_or_block(root: Any, html: str) -> Any | None:
    """Return the page, or the one block that a fragment is; None for a fragment without two elements.

    These are trafilatura's own rules for strings: in a bare block it would guess dates and sites from text.
    """
    body = root.find("body")
    block = root
    if body is not None and root.find("head") is None and not _PAGE_START.match(html):
        is_lone = len(body) == 1 and not f"{body.text or ''}{body[0].tail or ''}".strip()
        block = body[0] if is_lone else body
    if len(block) < 2 and "html" not in html[:50].lower():
        return None
    return root if block is body else block


def _field(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    return " ".join(value.split())[:_MAX_FIELD_CHARS] or None


def _title_tag(root: Any) -> str | None:
    title = root.find(".//title")
    return _field(text_of(title)) if title is not None else None


def _authors(value: object) -> tuple[str, ...]:
    names = _AUTHOR_SEPARATOR.split(_field(value) or "")
    return tuple(dict.fromkeys(name for name in names if name))[:_MAX_AUTHORS]


def _meta(root: Any) -> dict[str, str]:
    """Return the first content of each <meta>, by its lower-cased property, name or itemprop."""
    meta: dict[str, str] = {}
    for element in root.iter("meta"):
        key = (
            element.get("property")
            or element.get("name")
            or element.get("itemprop")
            or element.get("http-equiv")
        )
        content = element.get("content")
        if key and content:
            meta.setdefault(key.lower()[:100], content[:2_048])
    return meta


def _image(meta: dict[str, str], url: str | None) -> Image | None:
    image_url = http_url(meta.get("og:image") or meta.get("twitter:image") or "", url)
    if image_url is None or image_url == url:
        return None
    return Image(url=image_url, caption=_field(meta.get("og:image:alt") or meta.get("twitter:image:alt")))


def _published_at(root: Any, meta: dict[str, str]) -> datetime | None:
    """Return the instant the page was published, which trafilatura knows only to the day."""
    for value in _date_candidates(root, meta):
        if instant := parse_instant(value):
            return instant
    return None


def _date_candidates(root: Any, meta: dict[str, str]) -> Iterator[object]:
    for key in (
        "article:published_time",
        "datepublished",
        "og:published_time",
        "parsely-pub-date",
        "dc.date.issued",
    ):
        yield meta.get(key)
    for script in root.iter("script"):
        if (script.get("type") or "").lower() == "application/ld+json":
            yield _date_published(script.text or "")
    for element in root.iterfind(".//time[@datetime]"):
        yield element.get("datetime")


def _date_published(ld_json: str) -> object:
    if len(ld_json) > _MAX_LD_JSON_CHARS or "datePublished" not in ld_json:
        return None
    try:
        data = json.loads(ld_json)
    except (ValueError, RecursionError):
        return None
    graph = data.get("@graph", [data]) if isinstance(data, dict) else data
    for node in graph if isinstance(graph, list) else []:
        if isinstance(node, dict) and isinstance(node.get("datePublished"), str):
            return node["datePublished"]
    return None


def parse_instant(value: object) -> datetime | None:
    """Return an ISO 8601 date or instant as UTC; one without an offset is taken for UTC."""
    if not isinstance(value, str) or not 8 <= len(value.strip()) <= 40:
        return None
    try:
        instant = datetime.fromisoformat(value.strip())
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _body_text(root: Any) -> str:
    """Return all text of <body> but scripts and styles, one paragraph per block element."""
    body = root.find("body")
    pieces: list[str] = []
    stack: list[tuple[Any, bool]] = [(root if body is None else body, False)]
    while stack:
        element, is_done = stack.pop()
        is_block = element.tag in _BLOCK_TAGS
        if is_done:
            pieces.append("\n" if is_block else "")
            pieces.append(element.tail or "")
            continue
        stack.append((element, True))
        if element.tag in _SILENT_TAGS:
            continue
        pieces.append("\n" if is_block else "")
        pieces.append(element.text or "")
        stack.extend((child, False) for child in reversed(element))
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n\n".join(line for line in lines if line)
