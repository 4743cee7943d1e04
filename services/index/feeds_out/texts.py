"""Texts and URLs as they may stand in a feed, whatever an article holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from urllib.parse import quote, urlunsplit

from shared.urls import canonical_host, split_url

# What XML 1.0 has no way to write, and the control characters that it merely discourages (section 2.2).
_NOT_XML = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]")
# In one line of text, marks and overrides of writing direction would reach beyond it.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SPACE = re.compile(r"\s+")
_SAFE_IN_URL = "%/:?#[]@!$&'()*+,;=~-._"
_BROKEN_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def legal(text: object) -> str:
    """Return the text without characters that no feed can hold, its lines ended by line feeds."""
    return _NOT_XML.sub("", str(text or "").replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: object, length: int) -> str:
    """Return the text as one line of at most `length` characters."""
    shown = _SPACE.sub(" ", _DIRECTION.sub("", legal(str(text or "")[: 4 * length]))).strip()
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def paragraphs(text: str) -> Iterator[str]:
    """Yield what stands between blank lines, none of it empty."""
    lines: list[str] = []
    for line in text.split("\n"):
        if stripped := line.strip():
            lines.append(stripped)
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def html_of(text: str) -> str:
    """Return HTML that shows a plain text: paragraphs and line breaks, and nothing of the text's own."""
    return "".join(f"<p>{escape(each, quote=False)}</p>".replace("\n", "<br>") for each in paragraphs(text))


def uri(url: object) -> str | None:
    """Return an http(s) URL as a URI of ASCII characters (RFC 3986), or None for anything else.

    A user name in it goes: `https://bank.example@evil.example/` shows readers another host than it leads to.
    """
    if not isinstance(url, str):
        return None
    try:
        parts = split_url(url)
        host = canonical_host(parts.hostname or "")
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return None
    path, query, fragment = (_quoted(part) for part in (parts.path, parts.query, parts.fragment))
    return urlunsplit((parts.scheme, host + port, path, query, fragment.replace("#", "%23")))


def _quoted(part: str) -> str:
    quoted = quote(part, safe=_SAFE_IN_URL, errors="replace")
    return _BROKEN_ESCAPE.sub("%25", quoted).replace("[", "%5B").replace("]", "%5D")


def language_tag(code: object) -> str | None:
    """Return the code if it is one of a language; "und" is none."""
    known = isinstance(code, str) and code != "und" and _LANGUAGE.fullmatch(code)
    return code if known and isinstance(code, str) else None
