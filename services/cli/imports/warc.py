"""WARC: the pages among the records of a web archive, such as Common Crawl News.

warcio reads the records; where each begins is found here, so that damage costs one record and not the rest,
and so that no header and no body takes more memory than it should.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from services.cli.documents import Document
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import MAX_ENTRY_BYTES, Entry, Options, Skipped, document, passed_over
from services.cli.imports.http_body import TooLarge, Undecodable, decode_body
from shared.text_coding import decode_text

MAX_HEADERS_BYTES = 256 << 10
_MAX_LINE_BYTES = 64 << 10
_MAX_URL_CHARS = 4_096
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_STATUS = re.compile(r"[1-5][0-9]{2}")
_TYPES = frozenset({"warcinfo", "request", "metadata", "revisit", "conversion", "continuation", "resource"})


class _OddHeaders(Exception):
    """Headers longer than any that are meant to be read."""


class _Records:
    """The stream as warcio reads it: lines and headers are bounded."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._headers_bytes = 0

    def next_start(self, source: ByteSource) -> bytes:
        """Return the first line of the next record, b"" when there is none; blank lines are between."""
        self._headers_bytes = junk = 0
        at_line_start = True
        while line := self._stream.readline(_MAX_LINE_BYTES):
            if at_line_start and line.startswith(b"WARC/"):
                break
            junk += len(line) if line.strip() else 0
            at_line_start = line.endswith(b"\n")
        if junk:
            source.note(f"{junk:,} bytes between records belong to none")
        return line

    def read(self, size: int) -> bytes:
        return self._stream.read(size)

    def readline(self, size: int = -1) -> bytes:
        line = self._stream.readline(_MAX_LINE_BYTES if size < 0 else min(size, _MAX_LINE_BYTES))
        self._headers_bytes += len(line)
        if self._headers_bytes > MAX_HEADERS_BYTES or (len(line) == _MAX_LINE_BYTES and line[-1:] != b"\n"):
            raise _OddHeaders(f"headers of more than {MAX_HEADERS_BYTES:,} bytes")
        return line


def read_warc(source: ByteSource, stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    """Yield each record, those that are no page too."""
    from warcio.recordloader import ArcWarcRecordLoader

    loader = ArcWarcRecordLoader(verify_http=False, arc2warc=False)
    records = _Records(stream)
    number = 0
    while True:
        start = records.next_start(source)
        if not start:
            if source.recover():
                continue
            return
        number += 1
        origin = f"{name}#{number}"
        try:
            record = loader.parse_record_stream(records, start, "warc")
            # warcio takes a length it cannot read for 0, and none at all for all that follows.
            if not re.fullmatch(r"[0-9]{1,15}", record.rec_headers.get_header("Content-Length") or ""):
                raise ValueError("its Content-Length is missing or no number")
        except Exception as error:  # warcio raises whatever a broken record makes it stumble over
            yield Entry(origin, partial(Skipped, "bad record", str(error)[:200] or type(error).__name__))
            continue
        yield Entry(origin, partial(_page, record, origin, options))
        _pass(record)
        if record.raw_stream.limit:
            source.note(f"record {number:,} is cut off: {record.raw_stream.limit:,} bytes of it are missing")


def _pass(record: Any) -> None:
    while record.raw_stream.read(1 << 16):
        pass


def _page(record: Any, origin: str, options: Options) -> Document | Skipped:
    """Return the article that a record's page is."""
    if record.rec_type != "response":
        kind = record.rec_type if record.rec_type in _TYPES else "other"
        return passed_over("no page", f"{kind} record")
    url = str(record.rec_headers.get_header("WARC-Target-URI") or "").strip("<> ").replace(" ", "%20")
    host = _host(url)
    if host is None:
        return passed_over("no page", "its URL is not http(s)")
    headers = record.http_headers
    status = headers.get_statuscode() if headers is not None else ""
    if status != "200":
        return passed_over("HTTP status", status if _STATUS.fullmatch(status) else "none")
    content_type = headers.get_header("Content-Type") or ""
    mime = content_type.partition(";")[0].strip().lower()
    if mime and mime not in _HTML_TYPES:
        return passed_over("not HTML", mime[:60])
    body = _body(record)
    if isinstance(body, Skipped):
        return body
    if not body.strip():
        return Skipped("empty", url[:200])
    if not mime and b"<html" not in body[:2_048].lower():
        return passed_over("not HTML", "no Content-Type")
    article = {
        "url": url,
        "html": decode_text(body, content_type),
        "provenance": _provenance(record, url),
        "extra": {"warc": _warc_facts(record)},
    }
    article = options.complete(article)
    article.setdefault("source", host)
    return document(origin, article)


def _host(url: str) -> str | None:
    if len(url) > _MAX_URL_CHARS:
        return None
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            return parts.hostname[:255]
    return None


def _body(record: Any) -> bytes | Skipped:
    if record.raw_stream.limit > MAX_ENTRY_BYTES:
        return Skipped("too large", f"a page of {record.raw_stream.limit:,} bytes")
    raw = record.raw_stream.read()
    if record.raw_stream.limit:
        return Skipped("cut off", f"{record.raw_stream.limit:,} bytes of the page are missing")
    headers = record.http_headers
    coding = ",".join(value for name, value in headers.headers if name.lower() == "content-encoding")
    try:
        return decode_body(raw, headers.get_header("Transfer-Encoding") or "", coding, MAX_ENTRY_BYTES)
    except TooLarge:
        return Skipped("too large", f"a page that expands to more than {MAX_ENTRY_BYTES:,} bytes")
    except Undecodable as error:
        return Skipped("cut off" if error.cut_off else "cannot be decoded", str(error))


def _provenance(record: Any, url: str) -> dict[str, str]:
    fetched = {"fetched_from": url}
    with suppress(ValueError, TypeError, OverflowError):
        at = datetime.fromisoformat(record.rec_headers.get_header("WARC-Date"))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if 1990 <= at.year < 9999:  # the web is not older
            fetched["fetched_at"] = at.isoformat()
    return fetched


def _warc_facts(record: Any) -> dict[str, str]:
    names = {"record_id": "WARC-Record-ID", "date": "WARC-Date", "truncated": "WARC-Truncated"}
    facts = {key: record.rec_headers.get_header(name) for key, name in names.items()}
    return {key: str(value)[:200] for key, value in facts.items() if value}
