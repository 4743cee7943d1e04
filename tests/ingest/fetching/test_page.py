"""What is read of a page, and the page that is submitted."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from services.ingest.fetching.page import MAX_ELEMENTS, Page, PageTooLarge, read_page
from tests.ingest.fetching.pages import BODY, canonical, page

URL = "https://news.example/2023/06/bali?x=1"


def read(html: str, url: str = URL) -> Page:
    result = read_page(html, url)
    assert result is not None
    return result


@pytest.mark.parametrize(
    ("head", "url"),
    [
        (canonical("https://news.example/a"), "https://news.example/a"),
        (canonical("/a"), "https://news.example/a"),
        (canonical("a"), "https://news.example/2023/06/a"),
        (f'<base href="/b/">{canonical("a")}', "https://news.example/b/a"),
        ('<link rel="Canonical nofollow" href=" /a\n">', "https://news.example/a"),
        ('<meta property="og:url" content="https://news.example/og">', "https://news.example/og"),
        (canonical("/a") + '<meta property="og:url" content="/og">', "https://news.example/a"),
        (canonical(""), URL),
        (canonical("http://["), URL),
        (canonical("/" + "a" * 5000), URL),
        ("", URL),
    ],
)
def test_the_address_that_a_page_names_is_the_articles(head: str, url: str) -> None:
    assert read(page(head=head)).url == url


@pytest.mark.parametrize(
    ("html", "is_amp"), [("amp", True), ("⚡", True), ('lang="en"', False), ("⚡ lang=en", True)]
)
def test_an_amp_page_says_so(html: str, is_amp: bool) -> None:
    assert read(page(html=html)).is_amp is is_amp


def test_what_changes_with_each_visit_is_not_part_of_the_page() -> None:
    def visit(token: str) -> str:
        head = (
            f"<script nonce={token}>var t='{token}'</script><style>.{token}{{}}</style>"
            f'<meta name="csrf-token" content="{token}"><link rel=preload href="/{token}.js">'
        )
        form = f"<form><input type=hidden value={token}></form><!-- {token} -->"
        body = f"{BODY}{form}<p onclick='{token}()' style=a>End of it</p>"
        return read(page(head=head, body=body)).html

    assert visit("aaa") == visit("bbb")
    assert "End of it" in visit("aaa") and BODY[:80] in visit("aaa")


def test_what_tells_of_the_article_stays() -> None:
    head = '<script type="application/ld+json">{"author":"A. Writer"}</script><meta name=x content="T">'
    html = read(
        page(head=head, body='<p class="lead" data-component="text">Text &amp; <b>more</b></p>tail')
    ).html
    assert '{"author":"A. Writer"}' in html and 'content="T"' in html
    assert '<p class="lead" data-component="text">Text &amp; <b>more</b></p>tail' in html


def test_text_behind_what_is_dropped_stays() -> None:
    assert "onetwothree" in read("<body>one<script>x</script>two<input>three</body>").html


@pytest.mark.parametrize(
    ("head", "base"),
    [
        ("", None),
        (canonical("/2023/06/bali"), None),
        (canonical("/bali"), URL),
        ('<base href="/b/">', "https://news.example/b/"),
        ('<base target="_top">', URL),
    ],
)
def test_links_stay_relative_to_where_the_page_was(head: str, base: str | None) -> None:
    html = read(page(head=head)).html
    assert html.count("<base") == (base is not None)
    assert base is None or f'href="{base}"' in html


def test_prose_is_what_stands_in_paragraphs_outside_of_navigation() -> None:
    text = "A sentence that is long enough to count as one of a paragraph."
    assert read(
        f"<body><nav><p>{text}</p></nav><p>Short.</p><p>{text}</p><footer><p>{text}</p></footer>"
    ).prose_chars == len(text)


def test_a_page_of_more_elements_than_any_article_has_is_too_large() -> None:
    with pytest.raises(PageTooLarge):
        read_page("<br>" * MAX_ELEMENTS, URL)


@pytest.mark.parametrize("html", ["", "   ", "\x00"])
def test_nothing_is_no_page(html: str) -> None:
    assert read_page(html, URL) is None


@pytest.mark.parametrize(
    "html",
    [
        "<p>" * 700_000,
        "x<input>" * 350_000,
        "x<input>" * 49_000,
        "x<script></script>" * 49_000,
        "<a href=x>" * 49_000,
        "<div>" * 500_000,
        "<a href=x>" * 280_000,
        "<p " + " ".join(f"a{n}=b" for n in range(200_000)) + ">",
        "<p onclick=a style=b nonce=c>" * 90_000,
        '<script type="application/ld+json">' + '{"@graph":[' * 40_000 + "</script>",
        '<script type="application/ld+json">{"@graph":['
        + "{}," * 100_000
        + '{"isAccessibleForFree":1}]}</script>',
        '<script type="application/ld+json">{"isAccessibleForFree":false}</script>' * 30_000,
        '<link rel="x" href="' + "a" * 2_000_000 + '">',
        "<title>" + "<b>a" * 500_000,
        "&amp;" * 500_000,
        "<!--" * 600_000,
        "\ud7ff\U0010ffff\u202e" * 500_000,
    ],
    ids=lambda html: html[:24],
)
def test_a_hostile_page_of_two_megabytes_costs_little(html: str) -> None:
    start = time.process_time()
    with suppress(PageTooLarge):
        read_page(html, URL)
    assert time.process_time() - start < 3
