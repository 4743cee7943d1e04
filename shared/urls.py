"""Reading of absolute http(s) URLs that come from outside. Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import SplitResult, urlsplit

import idna

MAX_URL_CHARS = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}
_MAX_HOST_CHARS = 253

_PLAIN_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
# A backslash is a slash to browsers and not to us: whose host is http://a\@b?
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]|\s")


def split_url(url: str) -> SplitResult:
    """Return the parts of an absolute http(s) URL. Raises ValueError with the reason when it is none."""
    if len(url) > MAX_URL_CHARS:
        raise ValueError(f"a URL may have {MAX_URL_CHARS} characters, this one has {len(url)}")
    if _FORBIDDEN.search(url):
        raise ValueError("a URL holds no spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"not a URL: {str(error)[:80]}") from None
    if parts.scheme not in DEFAULT_PORTS:
        raise ValueError("a URL must be absolute and start with http:// or https://")
    if not parts.hostname:
        raise ValueError("a URL must name a host after http:// or https://")
    if "[" in parts.netloc and ":" not in parts.hostname:
        raise ValueError("the host in brackets is no IPv6 address")
    return parts


def canonical_host(host: str) -> str:
    """Return the ASCII form of a lower-cased host name or address, an IPv6 address in brackets.

    Raises ValueError with the reason when `host` is neither.
    """
    if ":" in host:
        try:
            return f"[{IPv6Address(host).compressed}]"
        except AddressValueError:
            raise ValueError("the host in brackets is no IPv6 address") from None
    host = host.rstrip(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, transitional=False).decode("ascii").rstrip(".")
        except (idna.IDNAError, UnicodeError):
            raise ValueError("the host is no valid international domain name") from None
    if len(host) > _MAX_HOST_CHARS or ".." in host or not _PLAIN_HOST.fullmatch(host):
        raise ValueError("the host is no valid domain name or address")
    return host


def shown_host(url: str) -> str:
    """Return the host and port of `url` for a message, cut to what hosts have."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2][: _MAX_HOST_CHARS + 6]
    except ValueError:
        return "(no host)"


def shown_url(url: str) -> str:
    """Return `url` as it may stand in a log: without user, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "(no URL)"
    return f"{parts.scheme}://{host}{parts.path}"[:300]
