"""How pages are asked for: as robots.txt says, one at a time, with pauses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetcher
from shared.fetch.polite import PoliteFetcher
from shared.fetch.robots import Robots
from shared.fetch.turns import Turns
from tests.shared.fetch.support import WebServer, fetcher, redirect, response


def polite(fetch: Fetcher, pause_s: float) -> PoliteFetcher:
    return PoliteFetcher(fetch, Robots(fetch, agent="Wireroom", ttl_s=60), Turns(pause_s=pause_s))


@pytest.fixture
async def opened(web: WebServer) -> AsyncIterator[PoliteFetcher]:
    async with fetcher(web.host) as fetch:
        yield polite(fetch, pause_s=30)


async def test_a_page_that_robots_txt_forbids_is_not_asked_for(web: WebServer, opened: PoliteFetcher) -> None:
    web.answers |= {"/robots.txt": response("User-agent: *\nDisallow: /a"), "/a": response("secret")}
    with pytest.raises(FetchRefused, match="does not let Wireroom fetch") as caught:
        await opened.fetch(web.url("/a"), most_bytes=99, seconds=5)
    assert caught.value.reason == "robots" and web.paths() == ["/robots.txt"]


async def test_nor_is_one_that_a_redirect_leads_to(web: WebServer, opened: PoliteFetcher) -> None:
    web.answers |= {"/robots.txt": response("User-agent: *\nDisallow: /a"), "/b": redirect("/a")}
    with pytest.raises(FetchRefused):
        await opened.fetch(web.url("/b"), most_bytes=99, seconds=5)
    assert "/a" not in web.paths()


async def test_a_host_that_was_opened_by_name_is_asked_without_pauses(
    web: WebServer, opened: PoliteFetcher
) -> None:
    web.answers["/a"] = response("here")
    start = time.monotonic()
    for _ in range(3):
        assert (await opened.fetch(web.url("/a"), most_bytes=99, seconds=5)).body == b"here"
    assert time.monotonic() - start < 5


async def test_the_deadline_covers_robots_txt_too(web: WebServer, opened: PoliteFetcher) -> None:
    async def never(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    web.answers["/robots.txt"] = never
    start = time.monotonic()
    with pytest.raises(FetchFailed) as caught:
        await opened.fetch(web.url("/a"), most_bytes=99, seconds=0.3)
    assert caught.value.reason == "timeout" and time.monotonic() - start < 2


class TestTurns:
    async def test_a_host_is_asked_one_at_a_time_with_a_pause_between(self) -> None:
        turns, log = Turns(pause_s=0.1), []

        async def visit(name: str) -> None:
            async with turns.turn("a.example", wait_s=5):
                log.append((name, time.monotonic()))
                await asyncio.sleep(0.05)
                log.append((name, time.monotonic()))

        await asyncio.gather(visit("1"), visit("2"), visit("3"))
        assert [name for name, _ in log] == ["1", "1", "2", "2", "3", "3"]
        assert log[2][1] - log[1][1] >= 0.095 and log[4][1] - log[3][1] >= 0.095

    async def test_hosts_do_not_wait_for_each_other(self) -> None:
        turns = Turns(pause_s=10)
        start = time.monotonic()
        for host in ("a.example", "b.example", "c.example"):
            async with turns.turn(host, wait_s=1):
                pass
        assert time.monotonic() - start < 1

    async def test_a_turn_that_would_come_too_late_is_told_at_once_with_the_wait(self) -> None:
        turns = Turns(pause_s=0)
        turns.rest("a.example", 120)
        start = time.monotonic()
        with pytest.raises(FetchFailed) as caught:
            async with turns.turn("a.example", wait_s=1):
                pass
        assert time.monotonic() - start < 0.5
        assert (caught.value.reason, caught.value.transient) == ("busy", True)
        assert caught.value.retry_after_s == pytest.approx(120, abs=1)

    async def test_nobody_waits_longer_than_they_said(self) -> None:
        turns = Turns(pause_s=0)
        async with turns.turn("a.example", wait_s=1):
            with pytest.raises(FetchFailed):
                async with turns.turn("a.example", wait_s=0.05):
                    pass
        async with turns.turn("a.example", wait_s=1):
            pass

    async def test_a_crawl_delay_longer_than_our_pause_counts(self) -> None:
        turns = Turns(pause_s=0)
        async with turns.turn("a.example", wait_s=1, pause_s=60):
            pass
        with pytest.raises(FetchFailed):
            async with turns.turn("a.example", wait_s=1):
                pass

    async def test_nobody_can_make_us_wait_longer_than_an_hour(self) -> None:
        turns = Turns(pause_s=0)
        turns.rest("a.example", 1e12)
        with pytest.raises(FetchFailed) as caught:
            async with turns.turn("a.example", wait_s=1):
                pass
        assert caught.value.retry_after_s is not None and caught.value.retry_after_s <= 3600

    async def test_hosts_that_are_free_are_forgotten(self) -> None:
        turns = Turns(pause_s=0)
        for number in range(3000):
            async with turns.turn(f"{number}.example", wait_s=1):
                pass
        assert len(turns._hosts) < 1100
