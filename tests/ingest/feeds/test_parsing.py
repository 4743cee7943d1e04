"""The process that parses: it answers, and what ends it is the document's fault and nobody else's trouble."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.ingest.feeds import assembly, parsing
from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.parsing import FeedParser, ParserEnded
from tests.ingest.conftest import Start
from tests.ingest.feeds.support import added_and_polled, feed_response, item, rss
from tests.shared.fetch.support import WebServer

FEED = rss(item(1)).encode()


@pytest.fixture
async def parser() -> AsyncIterator[FeedParser]:
    parser = FeedParser()
    yield parser
    await parser.aclose()


async def parse(parser: FeedParser, body: bytes) -> list[str | None]:
    found = await parser.parse(body, content_type=None, url="https://n.example/feed")
    return [entry.title for entry in found.entries]


async def test_documents_are_parsed_one_after_the_other(parser: FeedParser) -> None:
    for number in range(3):
        assert await parse(parser, rss(item(number)).encode()) == [f"Ministers meet for the {number}th time"]
    with pytest.raises(MalformedFeed, match="no feed"):
        await parse(parser, b"nothing of the kind")
    assert len(await parse(parser, FEED)) == 1


async def test_a_document_that_takes_too_long_is_given_up_and_the_next_one_is_read(
    parser: FeedParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing that we know of takes longer than MAX_CPU_S, so here the limit is made shorter than its parsing.
    worker = (
        "import services.ingest.feeds.parse_worker as w, itertools, os\n"
        "w.parse_feed = lambda *a, **k: [0 for _ in itertools.count()]\n"
        "w.MAX_CPU_S = 0.05\nw.main()"
    )
    monkeypatch.setattr(parsing, "WORKER", ("-c", worker))
    with pytest.raises(MalformedFeed, match="more than"):
        await parse(parser, FEED)
    monkeypatch.undo()
    assert len(await parse(parser, FEED)) == 1


async def test_a_document_that_ends_the_process_is_to_blame(
    parser: FeedParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = (
        "import services.ingest.feeds.parse_worker as w, os, signal\n"
        "w.parse_feed = lambda *a, **k: os.kill(os.getpid(), signal.SIGSEGV)\nw.main()"
    )
    monkeypatch.setattr(parsing, "WORKER", ("-c", worker))
    with pytest.raises(MalformedFeed, match="signal 11"):
        await parse(parser, FEED)


async def test_a_process_that_was_killed_between_two_documents_is_started_anew(parser: FeedParser) -> None:
    await parse(parser, FEED)
    process = parser._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()
    assert len(await parse(parser, FEED)) == 1


async def test_a_process_that_cannot_start_is_no_documents_fault(
    parser: FeedParser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "WORKER", ("-c", "raise SystemExit(3)"))
    with pytest.raises(ParserEnded, match="3"):
        await parse(parser, FEED)


async def test_feeds_are_polled_with_it(
    start_ingest: Start, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "FeedParser", FeedParser)
    web.answers["/feed"] = feed_response(rss(item(1)))
    ingest: httpx2.AsyncClient = await start_ingest(fetch_allow_hosts=web.host)
    assert (await added_and_polled(ingest, web.url("/feed")))["last_entries"]["new"] == 1
