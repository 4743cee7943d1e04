"""What robots.txt lets us do, whatever it holds."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetcher
from shared.fetch.robots import MAX_ROBOTS_BYTES, Robots
from tests.shared.fetch.support import WebServer, fetcher, redirect, response


@pytest.fixture
async def fetch(web: WebServer) -> AsyncIterator[Fetcher]:
    async with fetcher(web.host) as made:
        yield made


async def allows(fetch: Fetcher, url: str) -> bool:
    try:
        await Robots(fetch, agent="Wireroom", ttl_s=60).check(url)
    except FetchRefused as refused:
        assert refused.reason == "robots"
        return False
    return True


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow:", "/a", True),
        ("User-agent: wireroom\nDisallow: /a\n\nUser-agent: *\nDisallow: /b", "/a", False),
        ("User-agent: wireroom\nDisallow: /a\n\nUser-agent: *\nDisallow: /b", "/b", True),
        ("User-agent: Wireroom/1.0\nDisallow: /a", "/a", False),
        ("User-agent: other\nUser-agent: Wireroom # us\nDisallow: /a", "/a", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("User-agent: wire\nDisallow: /", "/a", True),
        ("User-agent: Googlebot\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a", True),
        ("User-agent: *\nDisallow: /news\nAllow: /news/open", "/news/open/1", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a.pdf?x", True),
        ("User-agent: *\nDisallow: /*?session=", "/a?session=1", False),
        ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "/a", False),
        ("user-agent : *\ndisallow : /a", "/a", False),
        ("<html><body>Not found</body></html>", "/a", True),
    ],
)
async def test_rules_are_read_as_rfc_9309_says(
    web: WebServer, fetch: Fetcher, text: str, path: str, allowed: bool
) -> None:
    web.answers["/robots.txt"] = response(text, type_="text/plain")
    assert await allows(fetch, web.url(path)) is allowed


@pytest.mark.parametrize(
    ("status", "allowed"),
    [("404 Not Found", True), ("401 Unauthorized", True), ("410 Gone", True), ("304 Not Modified", True),
     ("429 Too Many Requests", False), ("500 Internal", False), ("503 Service Unavailable", False)],
)  # fmt: skip
async def test_a_missing_file_allows_all_and_a_broken_site_nothing(
    web: WebServer, fetch: Fetcher, status: str, allowed: bool
) -> None:
    web.answers["/robots.txt"] = response("User-agent: *\nDisallow: /x", status=status)
    assert await allows(fetch, web.url("/a")) is allowed


async def test_redirects_of_robots_are_followed_and_an_endless_chain_allows_all(
    web: WebServer, fetch: Fetcher
) -> None:
    web.answers |= {"/robots.txt": redirect("/r"), "/r": response("User-agent: *\nDisallow: /")}
    assert not await allows(fetch, web.url("/a"))
    web.answers["/r"] = redirect("/robots.txt")
    assert await allows(fetch, web.url("/a"))


async def test_a_site_that_cannot_be_reached_is_said_to_be_so(fetch: Fetcher) -> None:
    with pytest.raises(FetchFailed) as caught:
        await allows(fetch, "http://nowhere.example/a")
    assert caught.value.reason == "dns"


async def test_the_file_is_asked_for_once_until_it_is_old(web: WebServer, fetch: Fetcher) -> None:
    clock = 0.0
    robots = Robots(fetch, agent="Wireroom", ttl_s=60, now=lambda: clock)
    web.answers["/robots.txt"] = response("User-agent: *\nDisallow: /a")
    for path in ("/b", "/c", "/d"):
        await robots.check(web.url(path))
    assert web.paths() == ["/robots.txt"]
    clock = 61.0
    web.answers["/robots.txt"] = response("User-agent: *\nDisallow: /b")
    with pytest.raises(FetchRefused):
        await robots.check(web.url("/b"))


async def test_rules_that_are_held_outlive_a_site_that_breaks(web: WebServer, fetch: Fetcher) -> None:
    clock = 0.0
    robots = Robots(fetch, agent="Wireroom", ttl_s=60, now=lambda: clock)
    web.answers["/robots.txt"] = response("User-agent: *\nDisallow: /a")
    await robots.check(web.url("/b"))
    clock, web.answers["/robots.txt"] = 61.0, response(status="500 Internal Server Error")
    await robots.check(web.url("/b"))
    with pytest.raises(FetchRefused):
        await robots.check(web.url("/a"))


async def test_only_the_first_500_kilobytes_count_and_only_whole_lines(
    web: WebServer, fetch: Fetcher
) -> None:
    head = "User-agent: *\nDisallow: /a\n"
    filler = "#" * (MAX_ROBOTS_BYTES - len(head) - len("Disallow: /") - 1) + "\n"
    web.answers["/robots.txt"] = response(f"{head}{filler}Disallow: /b/only-this\nDisallow: /c\n")
    assert [await allows(fetch, web.url(path)) for path in ("/a", "/b/x", "/c")] == [False, True, True]


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"User-agent: a{n}\n" for n in range(16_000)) + "Disallow: /b\n" * 19_000,
        "User-agent: *\n" + "".join(f"Disallow: /{n}*a*b*c\n" for n in range(20_000)),
        "User-agent: *\nDisallow: /" + "*a" * 250_000,
        "User-agent: *\n" + "Disallow: /%C3%A4\n" * 25_000,
        "User-agent: *\nCrawl-delay: nan\nCrawl-delay: -1\nCrawl-delay: 1e999\nRequest-rate: 1/0\n",
        "\x00" * 500_000,
        ":" * 500_000,
    ],
    ids=["agents times rules", "many wildcards", "one of wildcards", "escapes", "numbers", "zeros", "colons"],
)
async def test_a_hostile_file_costs_little(web: WebServer, fetch: Fetcher, text: str) -> None:
    web.answers["/robots.txt"] = response(text)
    start = time.process_time()
    await allows(fetch, web.url("/" + "a" * 4000))
    assert time.process_time() - start < 3


async def test_a_crawl_delay_is_told(web: WebServer, fetch: Fetcher) -> None:
    web.answers["/robots.txt"] = response("User-agent: *\nCrawl-delay: 2.5\nDisallow: /x")
    rules = await Robots(fetch, agent="Wireroom", ttl_s=60).check(web.url("/a"))
    assert rules.crawl_delay_s == 2.5
