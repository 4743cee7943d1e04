"""Which format a file has: its suffix says, else its first bytes, and how it is read."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Literal

from services.cli.documents import XML_ADVICE, kind_of
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import Entry, Options, Unusable
from services.cli.imports.json_files import read_json, read_lines
from services.cli.imports.mail import read_eml, read_mbox
from services.cli.imports.pages import read_note, read_page
from services.cli.imports.tables import read_table
from services.cli.imports.text_coding import as_utf8
from services.cli.imports.warc import read_warc

Format = Literal["ndjson", "json", "csv", "tsv", "warc", "mbox", "eml", "html", "text"]
FORMATS: tuple[Format, ...] = ("ndjson", "json", "csv", "tsv", "warc", "mbox", "eml", "html", "text")

_SUFFIXES: dict[str, Format] = {
    ".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json",
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv",
    ".warc": "warc", ".mbox": "mbox", ".mbx": "mbox", ".eml": "eml",
    ".html": "html", ".htm": "html", ".xhtml": "html",
    ".txt": "text", ".text": "text", ".md": "text",
}  # fmt: skip
_COMPRESSED = frozenset({".gz", ".zst", ".zstd"})
HEAD_BYTES = 4_096
_MAIL_START = re.compile(
    rb"(?:[!-9;-~]{1,60}:[^\n]{0,900}\n(?:[ \t][^\n]{0,900}\n){0,20}){0,30}?(?:From|Message-ID|Received):",
    re.IGNORECASE,
)


def format_by_name(name: str) -> Format | None:
    """Return what the suffix says, also of one before .gz or .zst."""
    path = PurePath(name)
    if path.suffix.lower() in _COMPRESSED:
        path = path.with_suffix("")
    return _SUFFIXES.get(path.suffix.lower())


def format_by_content(head: bytes) -> Format:
    """Raises Unusable when the first bytes are no text."""
    if head.startswith(b"WARC/"):
        return "warc"
    if head.startswith(b"filedesc://"):
        raise Unusable("binary", "this is ARC, what WARC was before: convert it with `warcio recompress`")
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unusable("binary", "these bytes are no text and no archive known here")
    if head.startswith(b"From ") and re.match(rb"From \S+ [^\n]*\d{4}", head):
        return "mbox"
    kind = kind_of("", head)
    if kind == "xml":
        raise Unusable("not an article", XML_ADVICE)
    if kind == "text" and _MAIL_START.match(head):
        return "eml"
    return kind


def entries_of(source: ByteSource, name: str, format_: Format | None, options: Options) -> Iterator[Entry]:
    """Yield the entries of a file. Raises Unusable when nothing could come of it."""
    stream: io.BufferedReader = io.BufferedReader(source, 64 << 10)
    format_ = format_ or format_by_name(name) or format_by_content(stream.peek(HEAD_BYTES)[:HEAD_BYTES])
    if format_ == "warc":
        return read_warc(source, stream, name, options)
    if format_ == "mbox":
        return read_mbox(stream, name, options)
    if format_ == "eml":
        return read_eml(stream, name, options)
    if format_ == "html" and options.encoding is None:
        return read_page(stream, name, options)
    if format_ == "text" and options.encoding is None:
        return read_note(stream, name, options)
    text = as_utf8(stream, options.encoding)
    if format_ == "ndjson":
        return read_lines(source, text, name, options)
    if format_ == "json":
        return read_json(source, text, name, options)
    if format_ == "html":
        return read_page(text, name, options)
    if format_ == "text":
        return read_note(text, name, options)
    return read_table(text, name, options, "\t" if format_ == "tsv" else None)
