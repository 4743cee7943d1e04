"""A page or a note in a file of its own: one article."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from services.cli.documents import Document
from services.cli.imports.entries import MAX_ENTRY_BYTES, Entry, Options, Skipped, document
from shared.text_coding import decode_text

MAX_TITLE_CHARS = 200
_HEAD_CHARS = 64 << 10
# Nothing here can look at a character more than a few times: neither < nor > is within a tag.
_TAG = re.compile(r"<(?:link|meta)\s([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""([a-z:-]{1,20})\s{0,4}=\s{0,4}(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""", re.IGNORECASE
)
_SAVED_FROM = re.compile(r"<!-- saved from url=\(\d{4}\)(https?://\S{1,2000})")


def read_page(stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    yield Entry(name, partial(_page, stream, name, options))


def read_note(stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    yield Entry(name, partial(_note, stream, name, options))


def whole_text(stream: io.BufferedReader) -> str | Skipped:
    content = stream.read(MAX_ENTRY_BYTES + 1)
    if len(content) > MAX_ENTRY_BYTES:
        return Skipped("too large", f"more than {MAX_ENTRY_BYTES:,} bytes")
    if not content.strip():
        return Skipped("empty")
    if b"\0" in content[:1_024] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Skipped("binary")
    return decode_text(content)


def _page(stream: io.BufferedReader, name: str, options: Options) -> Document | Skipped:
    text = whole_text(stream)
    if isinstance(text, Skipped):
        return text
    article: dict[str, Any] = {"html": text}
    url = own_url(text)
    if url is not None:
        article["url"] = url
    return document(name, options.complete(article))


def _note(stream: io.BufferedReader, name: str, options: Options) -> Document | Skipped:
    text = whole_text(stream)
    if isinstance(text, Skipped):
        return text
    title, body = title_and_body(text)
    return document(name, options.complete({"title": title, "body": body} if title else {"body": body}))


def title_and_body(text: str) -> tuple[str, str]:
    """Return a headline that stands by itself above a text, "" if there is none, and the text below it."""
    head, blank, rest = text.replace("\r\n", "\n").strip().partition("\n\n")
    if blank and rest.strip() and "\n" not in head.strip() and len(head) <= MAX_TITLE_CHARS:
        return head.strip().lstrip("# "), rest.strip()
    return "", text


def own_url(page: str) -> str | None:
    """Return the address a page gives for itself: canonical link, og:url, or where a browser saved it from.

    It is what the article is known by, so that the same page coming in by another door is the same article.
    """
    found: dict[str, str] = {}
    head = page[:_HEAD_CHARS]
    for tag in _TAG.finditer(head):
        attributes = {
            match[1].lower(): html.unescape(match[2] or match[3] or match[4] or "").strip()
            for match in _ATTRIBUTE.finditer(tag[1])
        }
        if "canonical" in attributes.get("rel", "").lower().split():
            found.setdefault("canonical", attributes.get("href", ""))
        elif attributes.get("property", "").lower() == "og:url":
            found.setdefault("og:url", attributes.get("content", ""))
    saved = _SAVED_FROM.search(head[:4_096])
    urls = (found.get("canonical"), found.get("og:url"), saved[1] if saved else None)
    return next((url for url in urls if url and re.match(r"https?://[^\s/]", url, re.IGNORECASE)), None)
