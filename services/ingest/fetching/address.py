"""Which address an article has: the one its page names, if that can be trusted, else its page's. Pure."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from tld import get_fld

from services.ingest.amp import original_of_cached
from services.ingest.canonical_url import canonicalize_url

_HOMES: Final = frozenset({"", "/"})


def article_url(named: str | None, found_at: str) -> str:
    """Return `named`, the address that a page at `found_at` gives itself, or `found_at` itself.

    A page may only name an address of its own site: else anybody could submit a page that overwrites another
    publisher's article. Nor is a home page the address of an article, though many templates say so.
    """
    if named is None:
        return found_at
    named = original_of_cached(named)
    try:
        ours, theirs = canonicalize_url(found_at), canonicalize_url(named)
    except ValueError:
        return found_at
    if not _same_site(ours, theirs) or _same_but_for_scheme(ours, theirs):
        return found_at
    if urlsplit(theirs).path in _HOMES and urlsplit(ours).path not in _HOMES:
        return found_at
    return named


def _same_site(url: str, other: str) -> bool:
    """Whether both are of one registrable domain (Public Suffix List); without one, of one host and port."""
    domain, other_domain = (get_fld(u, fail_silently=True, search_private=True) for u in (url, other))
    if domain is not None or other_domain is not None:
        return domain == other_domain
    a, b = urlsplit(url).netloc, urlsplit(other).netloc
    return a == b or a.endswith(f".{b}") or b.endswith(f".{a}")


def _same_but_for_scheme(url: str, other: str) -> bool:
    return url.partition("://")[2] == other.partition("://")[2]
