import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.enrich.steps.page import Page, read_page

PAGE = Path(__file__).resolve().parents[1] / "data" / "pages" / "article_with_related_block.html"
URL = "https://fjord.example/2024/accord"
SEEN_AT = datetime(2024, 3, 5, tzinfo=UTC)


def page(html: str, url: str | None = URL) -> Page:
    return read_page(html, url, SEEN_AT)


def test_a_news_page_gives_its_text_and_metadata() -> None:
    extracted = page(PAGE.read_text(encoding="utf-8"))
    told = extracted.metadata
    assert told.title == "Norway and Chile sign ferry accord"
    assert told.authors == ("Ann Lee",)
    assert told.published_at == datetime(2024, 3, 4, 13, 30, tzinfo=UTC)
    assert told.language == "en-GB"
    assert told.site_name == "Fjord Post"
    assert told.image is not None
    assert (told.image.url, told.image.caption) == (
        "https://fjord.example/img/ferry.jpg",
        "A ferry under a bridge",
    )
    paragraphs = extracted.text.split("\n\n")
    assert any(
        paragraph.startswith("Both sides will publish the text of the accord in June")
        for paragraph in paragraphs
    )
    assert "tracking" not in extracted.text
    assert "World" not in paragraphs
    assert "\n" not in "".join(paragraphs)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<body><script>x</script><div>One<br>two <b>b</b></div><p>three</p>", "One\n\ntwo b\n\nthree"),
        ("just words", "just words"),
        ("<p>caf\u00e9 &amp; bar</p>", "café & bar"),
        ("<?xml version='1.0' encoding='utf-16'?><html><body><p>Hello</p></body></html>", "Hello"),
        ("<p>a\ud800b\x00c</p>", "a?bc"),
        ("", ""),
        ("   ", ""),
        ("<!-- nothing -->", ""),
        ("<html><head><title>Only a title</title></head><body></body></html>", ""),
    ],
    ids=[
        "fragment",
        "plain",
        "entities",
        "wrong-encoding",
        "bad-characters",
        "empty",
        "blank",
        "comment",
        "no-body",
    ],
)
def test_a_fragment_gives_all_of_its_text(html: str, text: str) -> None:
    assert page(html, None).text == text


def test_a_page_without_a_headline_has_its_title_tag() -> None:
    assert page("<title> Only\n a title </title><p>Text</p>", None).metadata.title == "Only a title"


def test_a_bare_block_has_no_date_or_site_guessed_from_its_text() -> None:
    extracted = page("<p>" + "On January 5, 2022 the hall in Oslo was full of people. " * 20 + "</p>")
    assert (extracted.metadata.published_at, extracted.metadata.site_name) == (None, None)
    assert extracted.text.startswith("On January 5")


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 200_000 + "deep",
        "<p>" + "".join(f'<a href="/{i}">t</a>' for i in range(100_000)),
        "<table>" * 3_000 + "x",
        '<script type="application/ld+json">' + "[" * 90_000 + '"datePublished"</script><p>hello',
        "<p>hello " * 150_000,
        "<" * 500_000,
        "&#x110000;&#0;&nosuch;" * 10_000,
        '<meta property="article:published_time" content="9999-99-99T99:99:99Z"><p>hello',
    ],
    ids=["deep", "anchors", "tables", "nested-json", "paragraphs", "angles", "entities", "bad-date"],
)
def test_a_hostile_page_neither_raises_nor_takes_long(html: str) -> None:
    started = time.process_time()
    page(html)
    assert time.process_time() - started < 5.0
