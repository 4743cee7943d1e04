"""Parsing of hostile HTML into a tree. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from lxml import etree
from lxml.html import HTMLParser

MAX_HTML_CHARS: Final = 3_000_000
MAX_ATTRIBUTES: Final = 200
# A page as short as this has too few attributes to be worth a look: 20 ms at the worst.
_HARMLESS_CHARS: Final = 16_384
_VOID_TAG_NAMES: Final = "area base br col embed frame hr img input link meta param source track wbr"
_VOID_TAGS: Final = frozenset(_VOID_TAG_NAMES.split())
_RAW_TAGS: Final = frozenset({"style", "xmp", "iframe", "noembed", "noframes", "plaintext"})
_OPTIONS: Final[Mapping[str, Any]] = {
    "encoding": "utf-8",
    "huge_tree": False,
    "recover": True,
    "no_network": True,
    "remove_comments": True,
    "remove_pis": True,
}


def parse_html(html: str) -> Any | None:
    """Return the root element of `html`, or None when there is none.

    Only the first 3,000,000 characters are read; libxml2's own depth limit stays on (huge_tree off). A tag
    of more than 200 attributes keeps none: libxml2 takes time quadratic in their number.
    """
    data = _encode(html)
    if len(html) > _HARMLESS_CHARS and _has_overloaded_tag(data):
        data = _encode(_without_overloads(data))
    # A parser of its own for each call: libxml2 parsers keep state and are not safe to share.
    return _parse(data, HTMLParser(**_OPTIONS))


def _encode(html: str) -> bytes:
    return html[:MAX_HTML_CHARS].replace("\x00", "").encode("utf-8", "replace")


def _parse(data: bytes, parser: etree.HTMLParser) -> Any | None:
    try:
        return etree.fromstring(data, parser) if data.strip() else None
    except etree.XMLSyntaxError:
        return None


class _OverloadedTag(Exception):
    """Ends the counting; a result rather than an error."""


class _AttributeCounter:
    """Parser target that stops at a tag of too many attributes.

    libxml2 itself tells what a tag is, so no quote, comment or script can hide one. As events, without a
    tree, attributes take linear time.
    """

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        if len(attributes) > MAX_ATTRIBUTES:
            raise _OverloadedTag

    def close(self) -> None:
        """Nothing is built."""


def _has_overloaded_tag(data: bytes) -> bool:
    try:
        _parse(data, etree.HTMLParser(target=_AttributeCounter(), **_OPTIONS))
    except _OverloadedTag:
        return True
    return False


class _Rewriter:
    """Parser target that writes the page anew, tags of too many attributes without any."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._raw_tag = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        kept = attributes if len(attributes) <= MAX_ATTRIBUTES else {}
        self._pieces += (
            f"<{tag}", *(f' {name}="{escape(value)}"' for name, value in kept.items()), ">",
        )  # fmt: skip
        self._raw_tag = tag if tag == "script" or tag in _RAW_TAGS else ""

    def end(self, tag: str) -> None:
        self._raw_tag = ""
        if tag not in _VOID_TAGS:
            self._pieces.append(f"</{tag}>")

    def data(self, text: str) -> None:
        # A script may hold JSON-LD and has no escapes; the other raw texts say nothing about the article.
        if self._raw_tag not in _RAW_TAGS:
            self._pieces.append(text if self._raw_tag else escape(text, quote=False))

    def close(self) -> str:
        return "".join(self._pieces)


def _without_overloads(data: bytes) -> str:
    return _parse(data, etree.HTMLParser(target=_Rewriter(), **_OPTIONS)) or ""
