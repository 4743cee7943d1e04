"""What the steps that look at an article's DOM share."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urldefrag, urljoin, urlsplit

from shared.html import MAX_ATTRIBUTES, parse_html

__all__ = ["MAX_ATTRIBUTES", "http_url", "parse_html", "text_of"]

_MAX_URL_CHARS: Final = 2_048


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


def base_url_of(root: Any, url: str | None) -> str | None:
    """Return what relative links of a page at `url` are relative to."""
    element = root.find(".//base[@href]")
    return (http_url(element.get("href"), url) if element is not None else None) or url


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
