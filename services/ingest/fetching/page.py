"""What a fetched page says about itself, and the page as it is submitted. Pure.

Enrich extracts title and text. Here only that is read which decides whether there is an article, and which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final
from urllib.parse import urljoin

from lxml import etree

from services.ingest.fetching.address import article_url
from shared.html import parse_html

# The heaviest pages of newspapers have about 10,000; each costs up to 12 µs.
MAX_ELEMENTS: Final = 50_000
_MAX_TITLE_CHARS: Final = 500
_MAX_TEXT_CHARS: Final = 20_000
_MAX_LD_JSON_CHARS: Final = 500_000
_MAX_LD_NODES: Final = 2_000
_MIN_PARAGRAPH_CHARS: Final = 40
_MAX_ATTRIBUTE_CHARS: Final = 2_048
# None of these holds anything of an article, and most change with each visit, which would look like an edit.
_DROPPED_TAGS: Final = frozenset(
    {"style", "template", "svg", "canvas", "iframe", "object", "embed", "input", "select", "textarea"}
)
_DROPPED_ATTRIBUTES: Final = frozenset({"style", "nonce", "integrity", "srcdoc"})
_LONG_ATTRIBUTES: Final = frozenset({"content", "href", "src", "srcset"})
_DROPPED: Final = "wireroom-dropped"
_DROPPED_LINKS: Final = frozenset({"stylesheet", "preload", "prefetch", "preconnect", "dns-prefetch", "icon"})
_SECRET_META = re.compile(r"csrf|nonce|token|verification", re.IGNORECASE)
_SILENT: Final = frozenset({"script", "style", "template", "noscript", "svg", "head", "iframe", "select"})
_AROUND: Final = frozenset({"nav", "header", "footer", "aside", "form", "button"})


@dataclass(frozen=True, slots=True)
class Page:
    """A page as read. `url` is the article's own address, `html` the page as it is submitted.

    `prose_chars` counts the text of whole paragraphs, `text` is all that a reader sees, cut off.
    `is_free` is what the page says of its access, None if nothing.
    """

    url: str
    html: str
    title: str
    text: str
    prose_chars: int
    is_amp: bool
    is_free: bool | None


class PageTooLarge(ValueError):
    """The page has more elements than any article's."""


def read_page(html: str, url: str) -> Page | None:
    """Return what the page at `url` says; None when there is no markup at all. Raises PageTooLarge."""
    root = parse_html(html)
    if root is None:
        return None
    if sum(1 for _ in islice(root.iter(), MAX_ELEMENTS + 1)) > MAX_ELEMENTS:
        raise PageTooLarge(f"more than {MAX_ELEMENTS:,} elements")
    text, prose_chars = _texts(root)
    title, is_free = _title(root), _is_free(root)
    is_amp = any(name in root.attrib for name in ("amp", "⚡"))
    own_url = article_url(_canonical(root, url), url)
    _clean(root, url, own_url)
    html = etree.tostring(root, encoding="unicode", method="html", doctype="<!DOCTYPE html>")
    return Page(own_url, html, title, text, prose_chars, is_amp, is_free)


def _title(root: Any) -> str:
    """Return the page's title; its first heading where it has none."""
    for tag in ("title", "h1"):
        element = next(root.iter(tag), None)
        if element is not None:
            title = " ".join("".join(islice(element.itertext(), 100)).split())[:_MAX_TITLE_CHARS]
            if title:
                return title
    return ""


def _canonical(root: Any, url: str) -> str | None:
    """Return what rel=canonical, else og:url names, made absolute."""
    base = _base(root, url)
    for element in root.iter("link"):
        if "canonical" in (element.get("rel") or "").lower().split():
            return _absolute(base, element.get("href"))
    for element in root.iter("meta"):
        if (element.get("property") or "").lower() == "og:url":
            return _absolute(base, element.get("content"))
    return None


def _base(root: Any, url: str) -> str:
    element = next(root.iter("base"), None)
    return (_absolute(url, element.get("href")) if element is not None else None) or url


def _absolute(base: str, href: str | None) -> str | None:
    href = "".join((href or "").split())
    if not href or len(href) > _MAX_ATTRIBUTE_CHARS:
        return None
    try:
        return urljoin(base, href)
    except ValueError:
        return None


def _is_free(root: Any) -> bool | None:
    """Return schema.org's isAccessibleForFree, or what article:content_tier says."""
    for element in root.iter("meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
        content = (element.get("content") or "").strip().lower()
        if name == "isaccessibleforfree" and content in ("true", "false"):
            return content == "true"
        if name == "article:content_tier" and content in ("free", "locked"):
            return content == "free"
    for node in _ld_nodes(root):
        value = node.get("isAccessibleForFree")
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in ("true", "false"):
            return value.strip().lower() == "true"
    return None


def _ld_nodes(root: Any) -> Iterator[dict[str, Any]]:
    """Yield the objects of the page's JSON-LD, outer ones first; parts (`hasPart`) are not looked into."""
    seen = 0
    for script in root.iter("script"):
        text = script.text or ""
        is_ld = (script.get("type") or "").strip().lower() == "application/ld+json"
        if not is_ld or len(text) > _MAX_LD_JSON_CHARS or "isAccessibleForFree" not in text:
            continue
        try:
            level: list[Any] = [json.loads(text)]
        except (ValueError, RecursionError):
            continue
        while level and seen < _MAX_LD_NODES:
            value = level.pop(0)
            seen += 1
            if isinstance(value, list):
                level = value[:_MAX_LD_NODES] + level
            elif isinstance(value, dict):
                yield value
                level.extend(value[key] for key in ("@graph", "mainEntity") if key in value)


def _texts(root: Any) -> tuple[str, int]:
    """Return what a reader sees, cut off, and how many characters stand in whole paragraphs."""
    body = root.find("body")
    pieces: list[str] = []
    size = prose = 0
    # An element, whether it is done, and whether it stands in what is around an article.
    stack: list[tuple[Any, bool, bool]] = [(root if body is None else body, False, False)]
    while stack:
        element, is_done, is_around = stack.pop()
        if is_done or element.tag in _SILENT or not isinstance(element.tag, str):
            text = element.tail
        else:
            is_around = is_around or element.tag in _AROUND
            if element.tag == "p" and not is_around:
                prose += _paragraph_chars(element)
            text = element.text
            stack.append((element, True, is_around))
            stack.extend((child, False, is_around) for child in reversed(element))
        if text and size < _MAX_TEXT_CHARS:
            pieces.append(text)
            size += len(text)
    return " ".join(" ".join(pieces).split())[:_MAX_TEXT_CHARS], prose


def _paragraph_chars(element: Any) -> int:
    text = " ".join("".join(islice(element.itertext(), 1_000)).split())
    return len(text) if len(text) >= _MIN_PARAGRAPH_CHARS else 0


def _clean(root: Any, url: str, own_url: str) -> None:
    """Remove what changes with each visit, and keep relative links right.

    Scripts go but for JSON-LD, which says who wrote the article and when.
    """
    _set_base(root, url, own_url)
    for element in root.iter():
        if _is_dropped(element):
            element.tag = _DROPPED
            continue
        for name, value in element.attrib.items():
            if _is_dropped_attribute(name, value):
                del element.attrib[name]
    # In one go: to move the text behind each of 300,000 elements by hand would take quadratic time.
    etree.strip_elements(root, _DROPPED, with_tail=False)


def _is_dropped(element: Any) -> bool:
    tag = element.tag
    if tag == "script":
        return (element.get("type") or "").strip().lower() != "application/ld+json"
    if tag == "link":
        return not _DROPPED_LINKS.isdisjoint((element.get("rel") or "").lower().split())
    if tag == "meta":
        return _SECRET_META.search((element.get("name") or "")[:200]) is not None
    return tag in _DROPPED_TAGS


def _is_dropped_attribute(name: str, value: str) -> bool:
    if name in _DROPPED_ATTRIBUTES or name.startswith("on"):
        return True
    return len(value) > _MAX_ATTRIBUTE_CHARS and name not in _LONG_ATTRIBUTES


def _set_base(root: Any, url: str, own_url: str) -> None:
    """Say what relative links are relative to, where the article's own address would not do."""
    href = _base(root, url)
    base = next(root.iter("base"), None)
    if base is None:
        if urljoin(url, ".") == urljoin(own_url, "."):
            return
        head = root.find("head")
        if head is None:
            head = etree.Element("head")
            root.insert(0, head)
        base = etree.Element("base")
        head.insert(0, base)
    base.set("href", href)
