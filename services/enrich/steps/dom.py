"""Parsing of hostile HTML into a tree, for the steps that look at the DOM."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

from lxml import etree

MAX_HTML_CHARS: Final = 3_000_000
_MAX_URL_CHARS: Final = 2_048


def parse_html(html: str) -> Any | None:
    """Return the root element of `html`, or None when there is none.

    Only the first 3,000,000 characters are read; libxml2's own depth limit stays on (huge_tree off).
    """
    data = html[:MAX_HTML_CHARS].replace("\x00", "").encode("utf-8", "replace")
    # A parser of its own for each call: libxml2 parsers keep state and are not safe to share.
    parser = etree.HTMLParser(
        encoding="utf-8",
        huge_tree=False,
        recover=True,
        no_network=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser) if data.strip() else None
    except etree.XMLSyntaxError:
        return None


def text_of(element: Any, limit: int = 1_000) -> str:
    """Return the text within an element on one line, cut to `limit` characters."""
    pieces: list[str] = []
    length = 0
    for piece in element.itertext():
        pieces.append(piece)
        length += len(piece)
        if length > 4 * limit:
            break
    return " ".join("".join(pieces).split())[:limit]


def http_url(href: str, base_url: str | None) -> str | None:
    """Return `href` resolved against `base_url` without its fragment, or None if that is no http(s) URL."""
    href = "".join(href.split())
    if not href or len(href) > _MAX_URL_CHARS:
        return None
    try:
        url, _ = urldefrag(urljoin(base_url or "", href))
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        return None
    return url if port_is_valid and url.isprintable() and len(url) <= _MAX_URL_CHARS else None
