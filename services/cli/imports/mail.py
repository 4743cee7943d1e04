"""Newsletters: mail messages, one in an .eml file or many in an mbox.

The sender is who publishes and who writes, Message-ID the publisher's own id, the HTML part the article, else
the plain text. Attachments are left alone.
"""

from __future__ import annotations

import email
import email.utils
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from functools import partial
from typing import Any

from services.cli.documents import Document
from services.cli.imports.entries import MAX_ENTRY_BYTES, Entry, Options, Skipped, document
from shared.text_coding import decode_text

MAX_HEADER_CHARS = 4_000
MAX_HEADERS_LINES = 2_000
MAX_BOUNDARIES = 5_000
MAX_PARTS = 200
MAX_SOURCE_CHARS = 300
_MAX_LINE_BYTES = 1 << 20
# As mbox has it, "From " and a date; a sentence that begins so has no date, and no header follows it.
_FROM_LINE = re.compile(
    rb"From \S{1,300} {1,4}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ 0-9]\d \d\d:\d\d(?::\d\d)?[ +\-\w]{0,12} \d{4}"
)
_HEADER_LINE = re.compile(rb"[!-9;-~]{1,100}:")
_QUOTED_FROM = re.compile(rb">+From ")


def read_eml(stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    yield Entry(name, lambda: _message(stream.read(MAX_ENTRY_BYTES + 1), name, options))


def read_mbox(stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    """Yield each message; what stands before the first one belongs to none."""
    for number, content in enumerate(_messages(stream), 1):
        origin = f"{name}#{number}"
        yield Entry(origin, partial(_message, content, origin, options))


def _messages(stream: io.BufferedReader) -> Iterator[bytes]:
    """Yield each message without its From_ line; of one that is too large, one byte more than it may have."""
    pieces: list[bytes] | None = None
    size, after_blank, at_line_start = 0, True, True
    while line := stream.readline(_MAX_LINE_BYTES):
        may_begin = at_line_start and after_blank and line.startswith(b"From ")
        if may_begin and _FROM_LINE.match(line) and _HEADER_LINE.match(stream.peek(128)[:128]):
            if pieces is not None:
                yield b"".join(pieces)
            pieces, size = [], 0
            continue
        if at_line_start and _QUOTED_FROM.match(line):
            line = line[1:]
        after_blank = at_line_start and not line.strip(b"\r\n")
        at_line_start = line.endswith(b"\n")
        if pieces is not None and size <= MAX_ENTRY_BYTES:
            pieces.append(line[: MAX_ENTRY_BYTES + 1 - size])
            size += len(line)
    if pieces is not None:
        yield b"".join(pieces)


def _message(content: bytes, origin: str, options: Options) -> Document | Skipped:
    if len(content) > MAX_ENTRY_BYTES:
        return Skipped("too large", f"a message of more than {MAX_ENTRY_BYTES:,} bytes")
    if not content.strip():
        return Skipped("empty")
    head = re.split(rb"\r?\n\r?\n", content[: 1 << 20], maxsplit=1)[0]
    # A part costs the email package 50 µs, however little is in it.
    if head.count(b"\n") > MAX_HEADERS_LINES or content.count(b"\n--") > MAX_BOUNDARIES:
        return Skipped("bad record", "too many headers or parts")
    try:
        message = email.message_from_bytes(content)
        text = _text(message)
        facts = _facts(message)
    except RecursionError:
        return Skipped("nested too deeply")
    except (ValueError, LookupError, AssertionError, TypeError, AttributeError) as error:
        # The email package promises to take anything and, on what nobody sends, does not quite.
        return Skipped("bad record", str(error)[:200])
    if text is None:
        return Skipped("no text", "no part of the message is text")
    sender = facts.get("authors") or [facts["extra"]["mail"].get("from", "").rpartition("@")[2]]
    article = options.complete({**facts, **text})
    article.setdefault("source", sender[0] or None)
    return document(origin, article)


def _facts(message: Message) -> dict[str, Any]:
    sender, address = email.utils.parseaddr(_header(message, "From"))
    facts: dict[str, Any] = {
        "id": _header(message, "Message-ID").strip("<> ")[:512],
        "title": " ".join(_header(message, "Subject").split())[:1_000],
        "authors": [sender[:MAX_SOURCE_CHARS]] if sender else [],
        "published_at": _date(message),
        "keywords": [word.strip()[:300] for word in _header(message, "Keywords").split(",") if word.strip()],
        "language": _header(message, "Content-Language").partition(",")[0].strip()[:35],
    }
    archived = _header(message, "Archived-At").strip("<> ")  # RFC 5064: where the message is on the web
    if archived.startswith(("http://", "https://")):
        facts["url"] = archived
    mail = {"from": address[:320], "list_id": _header(message, "List-Id")[:300]}
    facts["extra"] = {"mail": {name: value for name, value in mail.items() if value}}
    return {name: value for name, value in facts.items() if value}


def _header(message: Message, name: str) -> str:
    """Return a header decoded, "" when there is none; its encoded words may be of any quality."""
    values = (value for key, value in message.raw_items() if key.lower() == name.lower())
    text = str(next(values, ""))[:MAX_HEADER_CHARS]
    if not text.isascii():  # bytes beyond ASCII that no encoded word holds come as surrogates
        text = decode_text(text.encode("utf-8", "surrogateescape"))
    if "=?" in text:
        with suppress(ValueError, LookupError, HeaderParseError):
            text = str(make_header(decode_header(text)))
    return " ".join(text.split())


def _date(message: Message) -> str | None:
    with suppress(ValueError, TypeError, IndexError, OverflowError):
        at = email.utils.parsedate_to_datetime(_header(message, "Date"))
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC).isoformat()
    return None


def _text(message: Message) -> dict[str, str] | None:
    """Return the HTML part as `html`, else the plain one as `body`: the first of each that holds anything."""
    plain: str | None = None
    for number, part in enumerate(message.walk()):
        if number >= MAX_PARTS:
            break
        kind = part.get_content_type()
        if kind not in ("text/html", "text/plain") or part.get_content_disposition() == "attachment":
            continue
        if kind == "text/plain" and plain is not None:
            continue
        payload = part.get_payload(decode=True)
        if not isinstance(payload, bytes) or not payload.strip():
            continue
        text = decode_text(payload, str(part.get("Content-Type", ""))[:MAX_HEADER_CHARS])
        if kind == "text/html":
            return {"html": text}
        plain = text
    return {"body": plain} if plain is not None else None
