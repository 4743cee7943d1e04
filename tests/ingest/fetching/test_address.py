"""Which address an article gets: AMP, caches, canonical links, and whom to trust with that."""

from __future__ import annotations

import pytest

from services.ingest.amp import looks_like_amp, original_of_cached
from services.ingest.canonical_url import canonicalize_url
from services.ingest.fetching.address import article_url

FOUND = "https://www.news.co.uk/a/1?utm_source=x"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (None, FOUND),
        ("https://www.news.co.uk/a/one", "https://www.news.co.uk/a/one"),
        ("https://news.co.uk/a/1", "https://news.co.uk/a/1"),
        ("https://edition.news.co.uk/a/1", "https://edition.news.co.uk/a/1"),
        ("https://news-co-uk.cdn.ampproject.org/c/s/www.news.co.uk/a/one", "https://www.news.co.uk/a/one"),
        # Not of this site: it would overwrite another publisher's article.
        ("https://www.other.co.uk/a/1", FOUND),
        ("https://co.uk/a/1", FOUND),
        ("https://news.co.uk.evil.com/a/1", FOUND),
        # No address of an article.
        ("https://www.news.co.uk/", FOUND),
        ("javascript:alert(1)", FOUND),
        ("https://user@[/", FOUND),
        # The same, and by a lesser scheme.
        ("http://www.news.co.uk/a/1", FOUND),
        ("https://www.news.co.uk/a/1", FOUND),
    ],
)
def test_a_page_may_name_an_address_of_its_own_site(named: str | None, expected: str) -> None:
    assert article_url(named, FOUND) == expected


@pytest.mark.parametrize(
    ("named", "found", "trusted"),
    [
        ("http://127.0.0.1:81/a", "http://127.0.0.1:81/b", True),
        ("http://127.0.0.1:82/a", "http://127.0.0.1:81/b", False),
        ("http://10.0.0.1/a", "http://110.0.0.1/b", False),
        ("http://intranet/a", "http://intranet/b", True),
        ("http://intranet/a", "http://amp.intranet/b", True),
        ("http://mine.github.io/a", "http://yours.github.io/b", False),
        ("https://news.example/a", "https://www.news.example/b", True),
    ],
)
def test_without_a_public_suffix_the_host_has_to_be_the_same(named: str, found: str, trusted: bool) -> None:
    assert (article_url(named, found) == named) is trusted


@pytest.mark.parametrize(
    ("url", "original"),
    [
        ("https://www-bbc-co-uk.cdn.ampproject.org/c/s/www.bbc.co.uk/news/1", "https://www.bbc.co.uk/news/1"),
        (
            "https://a-b.cdn.ampproject.org/v/s/a.b/c.amp?amp_js_v=0.1&x=1",
            "https://a.b/c.amp?amp_js_v=0.1&x=1",
        ),
        ("https://a-b.cdn.ampproject.org/c/a.b", "http://a.b/"),
        ("https://www.google.com/amp/s/www.bbc.co.uk/news/1", "https://www.bbc.co.uk/news/1"),
        ("https://www.google.co.uk/amp/www.bbc.co.uk/news/1", "http://www.bbc.co.uk/news/1"),
        ("https://www.bing.com/amp/s/a.b/c", "https://a.b/c"),
        ("https://x.cdn.ampproject.org/c/s/y.cdn.ampproject.org/c/s/a.b/c", "https://a.b/c"),
        ("https://x.cdn.ampproject.org/i/s/a.b/c.jpg", "https://x.cdn.ampproject.org/i/s/a.b/c.jpg"),
        ("https://evilcdn.ampproject.org/c/s/a.b/", "https://evilcdn.ampproject.org/c/s/a.b/"),
        ("https://www.google.com/search?q=amp", "https://www.google.com/search?q=amp"),
        ("https://google.com.evil.com/amp/s/a.b/", "https://google.com.evil.com/amp/s/a.b/"),
        ("https://news.example/amp/1", "https://news.example/amp/1"),
    ],
)
def test_the_publishers_address_is_read_out_of_an_amp_caches(url: str, original: str) -> None:
    assert original_of_cached(url) == original


def test_a_cached_address_is_canonically_the_publishers() -> None:
    cached = "https://a-b.cdn.ampproject.org/v/s/a.b/c?usqp=mq&amp_js_v=0.1&amp_gsa=1&id=2"
    assert canonicalize_url(cached) == "https://a.b/c?id=2"


@pytest.mark.parametrize(
    ("url", "amp"),
    [
        ("https://a.b/amp/c", True),
        ("https://a.b/c/amp", True),
        ("https://a.b/c/amp/", True),
        ("https://a.b/c.amp", True),
        ("https://a.b/c.amp.html", True),
        ("https://a.b/c-amp.html", True),
        ("https://amp.b.c/d", True),
        ("https://a.b/c?amp", True),
        ("https://a.b/c?x=1&amp=1", True),
        ("https://a.b/c?outputType=amp", True),
        ("https://a.b/c", False),
        ("https://a.b/camp", False),
        ("https://a.b/amplifiers", False),
        ("https://a.b/c?amplitude=1", False),
        ("https://a.b/champ/x", False),
    ],
)
def test_addresses_of_amp_pages_are_known(url: str, amp: bool) -> None:
    assert looks_like_amp(url) is amp
