"""Archives made for tests: WARC records, gzip members, mail, and an ingest that takes everything."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterable
from typing import Any

from services.cli.documents import Document
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import Options, Skipped
from services.cli.imports.formats import Format, entries_of

PAGE = (
    "<!doctype html><html><head><title>Pier {n}</title></head>"
    "<body><p>The harbour commission approved pier {n}.</p></body></html>"
)


def response(
    url: str,
    body: bytes,
    *,
    status: str = "200 OK",
    headers: Iterable[tuple[str, str]] = (("Content-Type", "text/html; charset=utf-8"),),
    date: str = "2024-05-06T07:08:09Z",
    more: str = "",
) -> bytes:
    """Return a response record, without compression."""
    head = f"HTTP/1.1 {status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    block = head.encode("latin-1") + body
    return record("response", block, f"WARC-Target-URI: {url}\r\nWARC-Date: {date}\r\n{more}")


def record(kind: str, block: bytes, headers: str = "") -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:0-{kind}>\r\n{headers}"
    return f"{head}Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"


def page_record(number: int, **options: Any) -> bytes:
    return response(f"https://news.example/{number}", PAGE.format(n=number).encode(), **options)


def gzipped(records: Iterable[bytes]) -> bytes:
    """Return each record as a gzip member of its own, as WARC.gz has them."""
    return b"".join(gzip.compress(content, mtime=0) for content in records)


def found_in(
    content: bytes, format_: Format | None = None, name: str = "archive", **options: Any
) -> tuple[list[dict[str, Any]], list[Skipped], list[str]]:
    """Return the articles in `content`, what was no article, and the damage."""
    source = ByteSource(io.BytesIO(content))
    articles: list[dict[str, Any]] = []
    skipped: list[Skipped] = []
    for entry in entries_of(source, name, format_, Options(**options)):
        found = entry.read()
        if isinstance(found, Document):
            articles.append(json.loads(found.payload))
        else:
            skipped.append(found)
    return articles, skipped, source.damage


def reasons(skipped: Iterable[Skipped]) -> list[str]:
    return [found.reason for found in skipped]


class TakesAll:
    """An ingest that accepts each article once, keeps what it took, and can be told to behave otherwise."""

    def __init__(self) -> None:
        self.articles: list[dict[str, Any]] = []
        self.batches: list[int] = []
        self._seen: set[str] = set()

    def __call__(self, request: Any) -> tuple[int, Any]:
        results = []
        for line, raw in enumerate(request.body.splitlines(), 1):
            new = raw.decode() not in self._seen
            if new:
                self._seen.add(raw.decode())
                self.articles.append(json.loads(raw))
            status = "accepted" if new else "duplicate"
            results.append({"line": line, "id": f"{line:032x}", "status": status, "error": None})
        self.batches.append(len(results))
        return 200, {"results": results}
