import time
from pathlib import Path

import pytest

from services.enrich.steps.dom import parse_html
from services.enrich.steps.links import MAX_LINKS, links_of
from shared.events import Link

PAGE = Path(__file__).resolve().parents[1] / "data" / "pages" / "article_with_related_block.html"
URL = "https://fjord.example/2024/accord"


def links_from_html(html: str, url: str | None) -> tuple[Link, ...]:
    root = parse_html(html)
    return () if root is None else links_of(root, url)


def found(html: str, base_url: str | None = URL) -> list[tuple[str | None, str, str | None]]:
    return [(link.rel, link.url, link.title) for link in links_from_html(html, base_url)]


def test_a_page_gives_the_links_of_its_text_and_of_its_related_blocks() -> None:
    assert found(PAGE.read_text(encoding="utf-8")) == [
        ("cited", "https://fjord.example/2023/ferry-row.html", "the ferry row of last year"),
        ("cited", "https://accord.example/text", "the text of the accord"),
        ("related", "https://fjord.example/2024/crossroads", "Ferries at a Crossroads: Solvang in Chile"),
        ("related", "https://fjord.example/2024/calm-the-strait", "A Bid to Calm the Strait"),
        ("related", "https://fjord.example/2024/bergen-rain", "Rain in Bergen"),
    ]


@pytest.mark.parametrize(
    "anchor",
    [
        '<a href="javascript:alert(1)">x</a>',
        '<a href="mailto:ann@fjord.example">x</a>',
        '<a href="ftp://fjord.example/x">x</a>',
        '<a href="data:text/html,x">x</a>',
        '<a href="java\nscript:alert(1)">x</a>',
        '<a href="http://[::1">x</a>',
        '<a href="http://user:secret@host.example/">x</a>',
        '<a href="http://host.example:99999/">x</a>',
        '<a href="https://">x</a>',
        '<a href="#top">x</a>',
        '<a href="">x</a>',
        "<a>x</a>",
        '<a href="/picture"><img src="x.jpg"></a>',
        '<a rel="author" href="/ann">Ann</a>',
        '<a rel="nofollow sponsored" href="/shop">Shop</a>',
        '<a href="https://www.facebook.com/sharer/sharer.php?u=x">Share</a>',
        f'<a href="/{"x" * 3000}">x</a>',
    ],
)
def test_what_is_no_link_to_an_article_is_left_out(anchor: str) -> None:
    assert found(f"<p>Text {anchor}</p>") == []


def test_urls_are_resolved_against_the_base_element() -> None:
    html = '<base href="/news/"><p><a href="a.html">A</a></p>'
    assert found(html) == [("cited", "https://fjord.example/news/a.html", "A")]
    assert found('<p><a href="a.html">A</a></p>', None) == []


def test_a_url_is_given_once_and_as_related_if_it_is_that_anywhere() -> None:
    html = (
        '<p><a href="/a">A</a> <a href="/a#x">again</a></p>'
        '<div id="related"><a href="/a">A, related</a></div>'
    )
    assert found(html) == [("related", "https://fjord.example/a", "A, related")]


@pytest.mark.parametrize(
    "block",
    [
        '<h3>Related Articles:</h3><ul><li><a href="/b">B</a></li></ul>',
        '<p><b>Read more:</b> <a href="/b">B</a></p>',
        '<section class="post-related"><a href="/b">B</a></section>',
        '<div id="recommended"><span><a href="/b">B</a></span></div>',
        '<h2><span>You may also like</span></h2><div><a href="/b">B</a></div>',
    ],
)
def test_a_related_block_is_known_by_heading_class_or_id(block: str) -> None:
    html = f'<article><p><a href="/a">A</a></p><div>{block}</div><p><a href="/c">C</a></p></article>'
    assert [(rel, url[-1]) for rel, url, _ in found(html)] == [
        ("cited", "a"),
        ("related", "b"),
        ("cited", "c"),
    ]


def test_anchors_outside_the_running_text_are_left_out() -> None:
    html = (
        '<header><a href="/h">H</a></header><nav><p><a href="/n">N</a></p></nav><p><a href="/o">O</a></p>'
        '<article><p><a href="/a">A</a></p><div><a href="/d">D</a></div></article>'
        '<footer><p><a href="/f">F</a></p></footer>'
    )
    assert [url for _, url, _ in found(html)] == ["https://fjord.example/a"]


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + "<a href=/x>x</a>",
        "<p><a href=/x>y" * 50_000,
        "<p>" + "".join(f'<a href="/{i}">t</a>' for i in range(100_000)),
        "<p>Related:</p>" * 50_000 + "<a href=/x>x</a>",
        "<div>Related:" * 3_000 + "<a href=/x>x</a>" * 1_000,
        "\x00\ud800<<<>>&#xffffff;",
        "<?xml version='1.0' encoding='utf-16'?><p>",
        "",
    ],
    ids=["deep", "unclosed", "many", "headings", "nested-headings", "garbage", "wrong-encoding", "empty"],
)
def test_a_hostile_page_neither_raises_nor_takes_long(html: str) -> None:
    started = time.process_time()
    assert len(links_from_html(html, URL)) <= MAX_LINKS
    assert time.process_time() - started < 3.0


def test_a_page_of_endless_elements_is_read_only_so_far() -> None:
    first, last = (f'<p><a href="/{name}">{name}</a></p>' for name in ("first", "last"))
    assert [title for _, _, title in found(f"{first}{'<p>' * 200_000}{last}")] == ["first"]
