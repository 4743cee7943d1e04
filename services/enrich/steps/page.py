"""What an article's HTML page holds, read from one tree: links, text, and what it says about itself."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Final

from services.enrich.metadata import Metadata, read_metadata, take_scripts
from services.enrich.steps.body_text import body_text
from services.enrich.steps.dom import parse_html
from services.enrich.steps.extract import article_tree, extract_text
from services.enrich.steps.links import links_of
from shared.events import Link

_MIN_DECLARED_CHARS: Final = 200


@dataclass(frozen=True, slots=True)
class Page:
    """`text` has its paragraphs separated by blank lines; it is "" when the page has no text."""

    text: str
    links: tuple[Link, ...]
    metadata: Metadata


def read_page(html: str, url: str | None, seen_at: datetime, given: Collection[str] = ()) -> Page:
    """Return what the page holds. Never raises: HTML that cannot be read holds nothing.

    `given` names the fields of `Metadata` that are known already and need not be guessed.
    """
    root = parse_html(html)
    if root is None:
        return Page("", (), Metadata())
    scripts = take_scripts(root)
    links = links_of(root, url)
    tree = article_tree(root, html)
    metadata = read_metadata(root, scripts, tree, url, seen_at, given)
    return Page(_fuller(extract_text(root, tree), metadata.body), links, metadata)


def _fuller(text: str, declared: str | None) -> str:
    """Return the extracted text, or the body that the page's JSON-LD declares if that has twice as much.

    So it is with pages that scripts fill, and with layouts that extraction takes for navigation.
    """
    if declared is None or len(declared) < max(2 * len(text), _MIN_DECLARED_CHARS):
        return text
    plain = _plain(declared)
    return plain if len(plain) >= max(2 * len(text), _MIN_DECLARED_CHARS) else text


def _plain(declared: str) -> str:
    if "&lt;" in declared:
        declared = unescape(declared)
    if "</" not in declared and "<br" not in declared:
        return unescape(declared)
    root = parse_html(declared)
    return "" if root is None else body_text(root)
