"""A web server of feeds that change, move and break as a benchmark wants, and note what they have served."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TEXT = "Ministers of twenty countries met on Monday and agreed on nothing in particular, officials said. " * 8


@dataclass
class FakeFeed:
    """A feed as its publisher has it. `entries` maps an entry's number to its version."""

    number: int
    entries: dict[int, int]
    broken: bool = False
    moved: bool = False
    served: set[tuple[str, str]] = field(default_factory=set)

    def change(self) -> None:
        """Edit the newest entry, publish two, and let the two oldest go."""
        newest = max(self.entries)
        self.entries[newest] += 1
        self.entries |= {newest + 1: 1, newest + 2: 1}
        for oldest in sorted(self.entries)[:2]:
            del self.entries[oldest]

    def items(self) -> Iterator[tuple[str, str]]:
        """Yield the URL and the title of each entry, newest first."""
        for entry, version in sorted(self.entries.items(), reverse=True):
            yield (
                f"https://feed{self.number}.example/{entry}",
                f"Story {entry} of feed {self.number}, version {version}",
            )

    def document(self) -> tuple[str, str]:
        """Return the media type and the document."""
        kind = self.number % 3
        if kind == 0:
            body = "".join(
                f"<item><title>{title}</title><link>{url}</link><guid>{url}</guid><description>{TEXT}</description>"
                "<pubDate>Mon, 19 Jun 2023 14:00:00 GMT</pubDate></item>"
                for url, title in self.items()
            )
            return (
                "application/rss+xml",
                f"<rss version='2.0'><channel><title>Wire {self.number}</title>{body}</channel></rss>",
            )
        if kind == 1:
            body = "".join(
                f"<entry><id>{url}</id><title>{title}</title><link href='{url}'/>"
                f"<updated>2023-06-19T14:00:00Z</updated><content>{TEXT}</content></entry>"
                for url, title in self.items()
            )
            return (
                "application/atom+xml",
                f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Wire {self.number}</title>{body}</feed>",
            )
        items = [{"id": url, "url": url, "title": title, "content_text": TEXT} for url, title in self.items()]
        document = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": f"Wire {self.number}",
            "items": items,
        }
        return "application/feed+json", json.dumps(document)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: connections of a poller that was killed break, and are meant to."""


class Site:
    """The web server of all feeds."""

    def __init__(self, feeds: list[FakeFeed]) -> None:
        self.feeds = feeds
        self.answers: Counter[int] = Counter()
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.answer(self)

            def log_message(self, *_: object) -> None:
                return

        self._server = Server(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        _, place, number = request.path.split("/")
        feed = self.feeds[int(number)]
        if feed.broken and feed.number % 20 == 3:
            self._send(request, 500, "text/plain", "out of order")
        elif feed.moved and place == "old":
            self._send(request, 301, "text/plain", "", location=f"http://{self.host}/new/{number}")
        else:
            self._send_feed(request, feed)

    def _send_feed(self, request: BaseHTTPRequestHandler, feed: FakeFeed) -> None:
        items = set(feed.items())
        type_, body = feed.document()
        tag = f'"{hash(frozenset(items)) & 0xFFFFFFFF:x}"'
        if request.headers.get("if-none-match") == tag:
            self._send(request, 304, type_, "", etag=tag)
        elif feed.broken:
            request.send_response(200)
            request.send_header("content-length", str(len(body)))
            request.end_headers()
            request.wfile.write(body[: len(body) // 2].encode())
            request.close_connection = True
            self.answers[0] += 1
        else:
            feed.served |= items
            self._send(request, 200, type_, body, etag=tag)

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, type_: str, body: str, **headers: str
    ) -> None:
        self.answers[status] += 1
        request.send_response(status)
        content = body.encode()
        for name, value in {"content-type": type_, "content-length": str(len(content)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(content)
