"""Addresses of AMP pages: which there are, and whose page a cache of AMP serves. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_CACHE_HOST: Final = ".cdn.ampproject.org"
# https://developers.google.com/amp/cache: /c/ is a page, /v/ one in a viewer, /s/ says that it came by https.
_CACHE_PATH = re.compile(r"/(?:c|v|wp)/(s/)?([^/?#]+)(/.*)?")
_VIEWERS = re.compile(r"(?:www\.)?(?:google(?:\.[a-z]{2,3}){1,2}|bing\.com)")
_VIEWER_PATH = re.compile(r"/amp/(s/)?([^/?#]+\.[^/?#]+)(/.*)?")
_MARKED_PATH = re.compile(r"^/amp/|/amp/?$|[./-]amp(?:\.html?)?$", re.IGNORECASE)
_MARKED_QUERY = re.compile(r"(?:^|&)(?:amp(?:=(?:1|true))?|outputtype=amp)(?:$|&)", re.IGNORECASE)


def original_of_cached(url: str) -> str:
    """Return the publisher's address of a page that an AMP cache serves; any other URL as it is."""
    while (original := _original(url)) is not None:
        url = original
    return url


def _original(url: str) -> str | None:
    if "amp" not in url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if host.endswith(_CACHE_HOST):
        match = _CACHE_PATH.fullmatch(parts.path)
    elif _VIEWERS.fullmatch(host):
        match = _VIEWER_PATH.fullmatch(parts.path)
    else:
        return None
    if match is None:
        return None
    scheme = "https" if match[1] else "http"
    query = f"?{parts.query}" if parts.query else ""
    return f"{scheme}://{match[2]}{match[3] or '/'}{query}"


def looks_like_amp(url: str) -> bool:
    """Whether publishers use addresses like this one for their AMP pages."""
    parts = urlsplit(url)
    return (
        (parts.hostname or "").startswith("amp.")
        or _MARKED_PATH.search(parts.path) is not None
        or _MARKED_QUERY.search(parts.query) is not None
    )
