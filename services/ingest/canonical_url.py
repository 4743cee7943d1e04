"""One address per article: the canonical form of a URL, by which submits of the same page meet. Pure.

RFC 3986's syntax-based normalisation, and what the web adds: tracking parameters and fragments say where a
reader came from, not which article it is.
"""

from __future__ import annotations

import re

from services.ingest.amp import original_of_cached
from shared.urls import DEFAULT_PORTS, canonical_host, split_url

_TRACKING_PREFIXES = (
    "utm_", "mtm_", "pk_", "piwik_", "matomo_", "mc_", "hsa_", "_hs", "vero_", "oly_", "ns_", "at_", "itm_",
)  # fmt: skip
_TRACKING = frozenset((
    "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "msclkid", "twclid", "ttclid", "yclid",
    "igshid", "igsh", "mibextid", "srsltid", "li_fat_id", "epik", "rdt_cid", "wickedid", "s_cid",
    "s_kwcid", "cmpid", "icid", "ncid", "ocid", "smid", "smtyp", "ref_src", "ref_url", "_ga", "_gl",
    "__twitter_impression", "guccounter", "guce_referrer", "guce_referrer_sig", "xtor", "ito", "cvid",
    "mkt_tok", "trk", "trkcampaign", "sc_campaign", "sc_channel", "amp_js_v", "amp_gsa", "usqp",
))  # fmt: skip

_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})|%")
_NOT_IN_URLS = re.compile(r"[^!#-;=?-\[\]_a-z~]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def canonicalize_url(url: str) -> str:
    """Return the canonical form of an absolute http(s) URL; doing it twice changes nothing.

    Raises ValueError with a reason that a person can act on when `url` is no such URL.
    """
    parts = split_url(original_of_cached(url))
    host = canonical_host(parts.hostname or "")
    port = "" if parts.port in (None, DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    path = _without_dot_segments(_normalize_escapes(parts.path)) or "/"
    query = _canonical_query(parts.query)
    return f"{parts.scheme}://{host}{port}{path}" + (f"?{query}" if query else "")


def _normalize_escapes(text: str) -> str:
    """Decode escapes of unreserved characters, upper-case the others, and escape what a URL cannot hold."""
    if "%" in text:
        text = _PERCENT.sub(_normalize_escape, text)
    return _NOT_IN_URLS.sub(_escape, text)


def _normalize_escape(match: re.Match[str]) -> str:
    digits = match.group(1)
    if digits is None:
        return "%25"
    byte = int(digits, 16)
    return chr(byte) if byte in _UNRESERVED else f"%{digits.upper()}"


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match.group().encode("utf-8", "replace"))


def _without_dot_segments(path: str) -> str:
    """Return `path` with . and .. resolved, as RFC 3986 section 5.2.4 does."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = [_normalize_escapes(pair) for pair in query.split("&") if pair]
    return "&".join(sorted(pair for pair in pairs if not _is_tracking(pair.partition("=")[0].lower())))


def _is_tracking(name: str) -> bool:
    return name in _TRACKING or name.startswith(_TRACKING_PREFIXES)
