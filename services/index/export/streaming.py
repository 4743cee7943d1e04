"""Makes an export batch by batch, each when the client has taken the one before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Literal

from pydantic_core import to_json

from services.index.engine.protocol import Query, SearchEngine, StoredArticle
from services.index.export.compression import Gzip, Uncompressed
from services.index.export.formats import BOM, csv_head, csv_rows, ndjson

Format = Literal["ndjson", "csv"]
_WRITERS: dict[Format, Callable[[Iterable[bytes]], bytes]] = {"ndjson": ndjson, "csv": csv_rows}


class Export:
    """One export under way. `step` works in a thread, one call after the other."""

    def __init__(
        self, engine: SearchEngine, query: Query, format_: Format, coding: Gzip | Uncompressed, *, bom: bool
    ) -> None:
        self._engine = engine
        self._query = query
        self._write = _WRITERS[format_]
        self._coding = coding
        self._place: object | None = None
        self._head = (BOM if bom else b"") + (csv_head() if format_ == "csv" else b"")
        self.done = False
        self.articles = 0

    def step(self) -> bytes:
        """Return the next piece of the answer, which may be empty; sets `done` with the last one."""
        page = self._engine.scan(self._query, self._place)
        self._place = page.next
        self.done = page.next is None
        self.articles += len(page.articles)
        lines = self._head + self._write(without_dead_links(self._engine, page.articles))
        self._head = b""
        piece = self._coding.piece(lines)
        return piece + self._coding.end() if self.done else piece


async def pieces(export: Export, first: bytes, threads: Executor) -> AsyncIterator[bytes]:
    """Yield the whole answer, of which `first` is made already."""
    loop = asyncio.get_running_loop()
    if first:
        yield first
    while not export.done:
        if piece := await loop.run_in_executor(threads, export.step):
            yield piece


def without_dead_links(engine: SearchEngine, articles: Sequence[StoredArticle]) -> list[bytes]:
    """Return the articles as JSON without links to articles that were taken down or withheld since.

    The same as `api.without_dead_links`, for a batch at the price of one question.
    """
    parsed = [article.article if b'"related":[' in article.json else {} for article in articles]
    linked = {
        link["id"]
        for article in parsed
        for link in article.get("related") or ()
        if link.get("id") is not None
    }
    found = engine.present(linked)
    result: list[bytes] = []
    for stored, article in zip(articles, parsed, strict=True):
        links = article.get("related") or []
        there = [link for link in links if link.get("id") is None or link["id"] in found]
        result.append(stored.json if len(there) == len(links) else to_json({**article, "related": there}))
    return result
