"""What the page's own elements say: `<html lang>`, `<title>`, `<time>`, `<link rel=canonical>`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any, Final

from lxml import etree

from services.enrich.metadata.fields import MAX_TITLE_CHARS, Metadata, plain_line
from services.enrich.steps.dom import text_of
from services.enrich.steps.instants import parse_instant

_MAX_ELEMENTS: Final = 500
Resolve = Callable[[str], str | None]


def take_scripts(root: Any) -> list[str]:
    """Remove all scripts and styles from the tree and return the texts of those that are JSON-LD.

    Extraction reads JSON-LD too, by regular expressions that take minutes on half a megabyte of "<".
    """
    texts = [
        script.text
        for script in islice(root.iter("script"), _MAX_ELEMENTS)
        if script.text and (script.get("type") or "")[:100].strip().lower().startswith("application/ld+json")
    ]
    etree.strip_elements(root, "script", "style", with_tail=False)
    return texts


def canonical_link(root: Any, resolve: Resolve) -> str | None:
    """Return the URL of <link rel="canonical">, resolved."""
    for link in islice(root.iter("link"), _MAX_ELEMENTS):
        if "canonical" in (link.get("rel") or "")[:100].lower().split():
            return resolve(link.get("href") or "")
    return None


def from_markup(root: Any) -> Metadata:
    published = updated = shown = None
    for time in islice(root.iter("time"), _MAX_ELEMENTS):
        instant = parse_instant(time.get("datetime"))
        if instant is None:
            continue
        means = (time.get("itemprop") or "")[:100].lower()
        if "datemodified" in means:
            updated = updated or instant
        elif "datepublished" in means or time.get("pubdate") is not None:
            published = published or instant
        else:
            shown = shown or instant
    return Metadata(published_at=published or shown, updated_at=updated, language=_language(root))


def title_from_tag(root: Any) -> str | None:
    title = root.find(".//title")
    return plain_line(text_of(title), MAX_TITLE_CHARS) if title is not None else None


def _language(root: Any) -> str | None:
    return plain_line(root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang"), 40)
