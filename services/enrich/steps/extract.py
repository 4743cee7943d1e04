"""Extraction: an article's text out of the tree of its HTML page.

trafilatura in fast mode does it (F1 .962 on news pages); all text of <body> is taken where it finds nothing,
where the HTML is a fragment too short to judge, and where the page is so large that it would take seconds.
"""

from __future__ import annotations

import logging
import re
from itertools import islice
from typing import Any, Final

import trafilatura

from services.enrich.steps.body_text import body_text, table_row

VERSION: Final = f"trafilatura-{trafilatura.__version__}"
# trafilatura takes 0.1 s per 1,000 elements; the heaviest pages of newspapers have about 5,000.
_MAX_ELEMENTS: Final = 10_000
# Its copy of the tree has 400 bytes for each attribute; those pages have about 20,000.
_MAX_ATTRIBUTES: Final = 80_000
# The longest of them, a day's live blog, has 100,000. A megabyte in 10,000 elements takes 0.6 s more.
_MAX_TEXT_CHARS: Final = 500_000
_SHORT_TEXT_CHARS: Final = 200
_MAX_FRAGMENT_CHARS: Final = 1_000
_PAGE_START = re.compile(r"\s*<(?:html|!doctype)", re.IGNORECASE)
_RULE_OF_TABLE = re.compile(r"\|(?:[-: ]+\|)+")

# trafilatura logs an error for each page it can make nothing of; here that is a result, not an error.
logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


def article_tree(root: Any, html: str) -> Any | None:
    """Return the part of the page for trafilatura to judge; None where it can or should not.

    That is the page, or the one block that a fragment is; None for a fragment without two elements. These are
    trafilatura's own rules for strings: in a bare block it would guess dates and sites from text.
    """
    if _is_oversized(root):
        return None
    body = root.find("body")
    block = root
    if body is not None and root.find("head") is None and not _PAGE_START.match(html):
        is_lone = len(body) == 1 and not f"{body.text or ''}{body[0].tail or ''}".strip()
        block = body[0] if is_lone else body
    if len(block) < 2 and "html" not in html[:50].lower():
        return None
    return root if block is body else block


def _is_oversized(root: Any) -> bool:
    elements = attributes = chars = 0
    for element in islice(root.iter(), _MAX_ELEMENTS + 1):
        elements += 1
        attributes += len(element.attrib)
        chars += len(element.text or "") + len(element.tail or "")
    return elements > _MAX_ELEMENTS or attributes > _MAX_ATTRIBUTES or chars > _MAX_TEXT_CHARS


def extract_text(root: Any, tree: Any | None) -> str:
    """Return the text of the article, its paragraphs separated by blank lines; "" of a page without any.

    `tree` is what `article_tree` has made of `root`. Never raises.
    """
    text = "" if tree is None else "\n\n".join(_paragraphs(_trafilatura(tree)))
    if len(text) >= _SHORT_TEXT_CHARS:
        return text
    everything = body_text(root)
    return everything if not text or len(everything) <= _MAX_FRAGMENT_CHARS else text


def _trafilatura(tree: Any) -> str:
    """Let trafilatura judge a copy of the tree; given the page it would parse that again, in its own way."""
    try:
        document = trafilatura.bare_extraction(tree, fast=True, include_comments=False, include_tables=True)
    except Exception:
        # Parsers of tree and JSON-LD inside raise freely on broken pages; the text of <body> remains.
        return ""
    return getattr(document, "text", None) or ""


def _paragraphs(text: str) -> list[str]:
    """Return the lines of trafilatura's text; it draws tables as Markdown does."""
    paragraphs: list[str] = []
    for line in map(str.strip, text.split("\n")):
        if line[:1] != "|" or line[-1:] != "|":
            paragraphs += [line] * bool(line)
        elif not _RULE_OF_TABLE.fullmatch(line):
            paragraphs += table_row(line.split("|"))
    return paragraphs
