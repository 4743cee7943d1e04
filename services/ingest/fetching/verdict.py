"""What only looks like an article: soft 404s, paywall stubs, walls for robots, and pages without text. Pure.

Each rule needs a short text beside its sign: an article about a page that was not found is an article.
"""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import urlsplit

from services.ingest.fetching import phrases
from services.ingest.fetching.page import Page

Verdict = Literal["soft-404", "paywalled", "page-blocked", "no-text"]

# In whole paragraphs. A page for subscribers shows two or three; the shortest news has a few sentences.
_SHORT_CHARS: Final = 1_500
_STUB_CHARS: Final = 800
_EMPTY_CHARS: Final = 400
_START_CHARS: Final = 300

_ERROR_PATH = re.compile(
    r"/(?:[a-z]{2}/)?(?:errors?/)?(?:404|410|(?:page-?)?not-?found|error(?:-?page)?)(?:\.[a-z]{3,5})?/?",
    re.IGNORECASE,
)
_HOME_PATH = re.compile(
    r"/?(?:[a-z]{2}(?:[-_][a-z]{2})?/?)?(?:(?:index|home|default)(?:\.[a-z]{3,5})?/?)?", re.IGNORECASE
)


def verdict_of(page: Page, asked_url: str, final_url: str) -> Verdict | None:
    """Return what is wrong with taking the page for the article that was asked for; None if nothing is."""
    if _leads_astray(asked_url, final_url):
        return "soft-404"
    if page.prose_chars < _SHORT_CHARS:
        if _says_not_found(page):
            return "soft-404"
        if phrases.BLOCKED.search(page.title):
            return "page-blocked"
        if _is_stub(page):
            return "paywalled"
    return None if _has_text(page) else "no-text"


def _says_not_found(page: Page) -> bool:
    if phrases.NOT_FOUND.search(page.title):
        return True
    return not page.prose_chars and phrases.NOT_FOUND.search(page.text[:_START_CHARS]) is not None


def _is_stub(page: Page) -> bool:
    if page.is_free is not None:
        return not page.is_free
    return page.prose_chars < _STUB_CHARS and phrases.PAYWALL.search(page.text) is not None


def _has_text(page: Page) -> bool:
    if page.prose_chars or len(page.text) >= _EMPTY_CHARS:
        return True
    return bool(page.text) and not phrases.NEEDS_SCRIPTS.search(page.text)


def _leads_astray(asked_url: str, final_url: str) -> bool:
    """Whether a redirect led from an article to a home page or to a page for errors."""
    asked, final = urlsplit(asked_url), urlsplit(final_url)
    if (asked.hostname, asked.path.rstrip("/")) == (final.hostname, final.path.rstrip("/")):
        return False
    if _ERROR_PATH.fullmatch(final.path):
        return True
    if not _HOME_PATH.fullmatch(final.path) or final.query or _HOME_PATH.fullmatch(asked.path):
        return False
    # A shortened address may be one of a home page.
    return _site(asked.hostname) == _site(final.hostname) or "/" in asked.path.strip("/")


def _site(host: str | None) -> str:
    return (host or "").removeprefix("www.")
