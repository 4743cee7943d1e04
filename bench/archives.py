"""Web archives to measure with: pages as heavy as those of newspapers around articles as long as news."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.articles import make_articles

NEWEST_AT = datetime(2026, 11, 24, tzinfo=UTC)
# Half of what newspapers' pages weigh is scripts and styles.
FURNITURE_BYTES = 60_000
_WORDS = ("var", "function", "return", "window", "document", "push", "config", "track", "section", "widget")


def pages(count: int | None, *, series: str) -> Iterator[tuple[str, bytes]]:
    """Yield URL and HTML of pages, without end if `count` is None; each differs from all others."""
    rng = random.Random(f"wireroom archive {series}")
    script = " ".join(rng.choice(_WORDS) for _ in range(FURNITURE_BYTES // 7))
    number = 0
    while count is None or number < count:
        for article in make_articles(1_000, series=f"{series}-{number}", newest_at=NEWEST_AT):
            if number == count:
                return
            number += 1
            paragraphs = "".join(f"<p>{text}</p>" for text in article["body"].split("\n\n"))
            menu = "".join(f'<li><a href="/section/{n}">Section {n}</a></li>' for n in range(60))
            at = rng.randrange(len(script) // 2)
            html = (
                f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
                f"<title>{article['title']}</title>"
                f'<meta property="article:published_time" content="{article["published_at"]}">'
                f"<script>{script[at:]}</script></head><body><nav><ul>{menu}</ul></nav>"
                f"<article><h1>{article['title']}</h1>{paragraphs}</article>"
                f"<footer><script>{script[:at]}</script></footer></body></html>"
            )
            yield str(article["url"]), html.encode()


def write_warc(path: Path, max_bytes: int, *, series: str = "warc", compressed: bool = False) -> int:
    """Write a WARC of at least `max_bytes` and return how many pages it holds."""
    count = 0
    with path.open("wb") as file:
        for url, html in pages(None, series=series):
            if file.tell() >= max_bytes:
                break
            content = _request(url) + _response(url, html)
            file.write(gzip.compress(content, 1, mtime=0) if compressed else content)
            count += 1
    return count


def _response(url: str, html: bytes) -> bytes:
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + html
    return _record("response", "application/http; msgtype=response", url, block)


def _request(url: str) -> bytes:
    block = f"GET / HTTP/1.1\r\nHost: {url.split('/')[2]}\r\n\r\n".encode()
    return _record("request", "application/http; msgtype=request", url, block)


def _record(kind: str, content_type: str, url: str, block: bytes) -> bytes:
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:{kind}:{url}>\r\nWARC-Target-URI: {url}\r\n"
        f"WARC-Date: {NEWEST_AT:%Y-%m-%dT%H:%M:%SZ}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"
