"""Read what a person or a script hands to `wireroom submit`: JSON, NDJSON, plain text or HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, BinaryIO, Literal

Kind = Literal["json", "ndjson", "text", "html", "xml"]

MAX_FILE_BYTES = 256 * 1024**2
MAX_LINE_BYTES = 16 * 1024**2
HEAD_BYTES = 4_096
_KINDS: dict[str, Kind] = {
    ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson", ".txt": "text", ".text": "text", ".md": "text",
    ".html": "html", ".htm": "html", ".xhtml": "html",
}  # fmt: skip
_CHARSET = re.compile(rb"<meta[^>]{0,100}charset=[\"']?([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_HTML_START = re.compile(
    rb"\s*<(?:!doctype|!--|html|head|body|article|div|section|main|h1|p)\b", re.IGNORECASE
)
_XML_START = re.compile(
    rb"<(?:\?xml|rss|feed|rdf:rdf|newsitem|newsmessage|packageitem|nitf)\b", re.IGNORECASE
)
XML_ADVICE = (
    "XML is not sent by this command. Post NewsML-G2 as it is: curl --data-binary @FILE …/v1/articles"
    " (docs/ninjs.md). Have a feed polled: wireroom feeds add URL"
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says about articles that do not say it themselves."""

    source: str | None = None
    url: str | None = None
    id: str | None = None

    def fields(self) -> dict[str, str]:
        given = {"source": self.source, "url": self.url, "id": self.id}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Document:
    """One article ready to send. `payload` is one line of JSON; `origin` is where it stood."""

    origin: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that is no article in any form we know, and why."""

    origin: str
    why: str


def kind_of(name: str, head: bytes) -> Kind:
    """Return what a file holds: its suffix says, else its first bytes do."""
    suffix = PurePath(name).suffix.lower()
    if suffix in _KINDS:
        return _KINDS[suffix]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith((b"{", b"[")):
        return "ndjson" if _first_line_is_whole(start) else "json"
    if _XML_START.match(start):
        return "html" if b"<html" in head.lower() else "xml"
    return "html" if _HTML_START.match(start) else "text"


def _first_line_is_whole(start: bytes) -> bool:
    line, newline, _ = start.partition(b"\n")
    if not newline:
        return False
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def documents_in(file: BinaryIO, name: str, overrides: Overrides) -> Iterator[Document | Unreadable]:
    """Yield the articles of an open file, NDJSON line by line, so that a large wire takes no memory."""
    head = file.read(HEAD_BYTES)
    kind = kind_of(name, head)
    if kind == "ndjson":
        yield from _from_lines(head, file, name, overrides)
        return
    content = head + file.read(MAX_FILE_BYTES)
    if len(content) > MAX_FILE_BYTES:
        yield Unreadable(name, f"larger than {MAX_FILE_BYTES >> 20} MB: split it, or make it NDJSON")
    elif kind == "json":
        yield from _from_json(content, name, overrides)
    elif not content.strip():
        yield Unreadable(name, "empty")
    elif kind == "xml":
        yield Unreadable(name, XML_ADVICE)
    else:
        field = "html" if kind == "html" else "body"
        yield _document(name, {field: _decode(content), **overrides.fields()})


def _from_json(content: bytes, name: str, overrides: Overrides) -> Iterator[Document | Unreadable]:
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        if _first_line_is_whole(content.lstrip()):  # NDJSON under the name of JSON is common
            yield from (_from_line(line, f"{name}:{n}", overrides) for n, line in _numbered(content))
        else:
            why = error if isinstance(error, ValueError) else "nested too deeply"
            yield Unreadable(name, f"not JSON: {why}")
        return
    if not isinstance(whole, list):
        yield _from_value(whole, name, overrides)
        return
    for number, value in enumerate(whole, 1):
        yield _from_value(value, f"{name}[{number}]", overrides)


def _numbered(content: bytes) -> Iterator[tuple[int, bytes]]:
    return ((n, line) for n, line in enumerate(content.splitlines(), 1) if line.strip())


def _from_lines(
    head: bytes, file: BinaryIO, name: str, overrides: Overrides
) -> Iterator[Document | Unreadable]:
    number, rest = 0, head.removeprefix(b"\xef\xbb\xbf")
    while True:
        *lines, rest = rest.split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield _from_line(line, f"{name}:{number}", overrides)
        if len(rest) > MAX_LINE_BYTES:
            yield Unreadable(f"{name}:{number + 1}", f"a line of more than {MAX_LINE_BYTES >> 20} MB")
            return
        chunk = file.read(1 << 20)
        if not chunk:
            break
        rest += chunk
    if rest.strip():
        yield _from_line(rest, f"{name}:{number + 1}", overrides)


def _from_line(line: bytes, origin: str, overrides: Overrides) -> Document | Unreadable:
    if not overrides.fields():
        return Document(origin, line.strip())  # ingest judges it; its words are better than ours
    try:
        return _from_value(json.loads(line), origin, overrides)
    except (ValueError, RecursionError):
        return Document(origin, line.strip())


def _from_value(value: Any, origin: str, overrides: Overrides) -> Document | Unreadable:
    if not isinstance(value, dict):
        return Unreadable(origin, "not a JSON object")
    missing = {name: given for name, given in overrides.fields().items() if not value.get(name)}
    return _document(origin, {**value, **missing})


def _document(origin: str, article: dict[str, Any]) -> Document:
    # ASCII JSON carries any string, lone surrogates too, and never a raw newline.
    try:
        return Document(origin, json.dumps(article, separators=(",", ":")).encode("ascii"))
    except RecursionError:
        return Document(origin, b"[]")


def _decode(content: bytes) -> str:
    """Return the text of a page or note. What is not UTF-8 and does not say, is Windows-1252 in practice."""
    declared = _CHARSET.search(content[:HEAD_BYTES])
    for encoding in ("utf-8-sig", declared[1].decode("ascii") if declared else "cp1252"):
        try:
            return content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return content.decode("utf-8", "replace")
