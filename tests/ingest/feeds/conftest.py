"""An ingest service that may poll the test's own web server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.ingest.feeds import assembly
from services.ingest.feeds.formats.model import Feed
from services.ingest.feeds.formats.parse import parse_feed
from services.ingest.feeds.parsing import FeedParser
from tests.ingest.conftest import Start
from tests.shared.fetch.support import WebServer, web_server


class ParserHere(FeedParser):
    """Parses in this process: to start another takes longer than most tests (test_parsing.py does)."""

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Feed:
        return await asyncio.to_thread(parse_feed, body, content_type=content_type, url=url)


@pytest.fixture(autouse=True)
def parser_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "FeedParser", ParserHere)


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server


@pytest.fixture
async def ingest(start_ingest: Start, web: WebServer) -> httpx2.AsyncClient:
    return await start_ingest(fetch_allow_hosts=web.host, feed_timeout_s=5)
