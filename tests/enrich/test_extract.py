import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.enrich.steps.extract import extract_html, parse_instant

PAGE = Path(__file__).resolve().parents[1] / "data" / "pages" / "article_with_related_block.html"
URL = "https://fjord.example/2024/accord"


def test_a_news_page_gives_its_text_and_metadata() -> None:
    extracted = extract_html(PAGE.read_text(encoding="utf-8"), URL)
    assert extracted.title == "Norway and Chile sign ferry accord"
    assert extracted.authors == ("Ann Lee",)
    assert extracted.published_at == datetime(2024, 3, 4, 13, 30, tzinfo=UTC)
    assert extracted.language == "en-GB"
    assert extracted.site_name == "Fjord Post"
    assert extracted.image is not None
    assert (extracted.image.url, extracted.image.caption) == (
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
    assert extract_html(html, None).text == text


def test_a_page_without_a_headline_has_its_title_tag() -> None:
    assert extract_html("<title> Only\n a title </title><p>Text</p>", None).title == "Only a title"


def test_a_bare_block_has_no_date_or_site_guessed_from_its_text() -> None:
    extracted = extract_html(
        "<p>" + "On January 5, 2022 the hall in Oslo was full of people. " * 20 + "</p>", URL
    )
    assert (extracted.published_at, extracted.site_name) == (None, None)
    assert extracted.text.startswith("On January 5")


def test_the_instant_of_json_ld_is_found() -> None:
    html = (
        '<script type="application/ld+json">{"@graph": [{"@type": "Person"}, {"@type": "NewsArticle",'
        ' "datePublished": "2024-03-04T14:30:00Z"}]}</script><p>Text</p>'
    )
    assert extract_html(html, None).published_at == datetime(2024, 3, 4, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2024-03-04", datetime(2024, 3, 4, tzinfo=UTC)),
        ("2024-03-04T10:00:00+02:00", datetime(2024, 3, 4, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("next Monday", None),
        ("", None),
        (None, None),
        (20240304, None),
    ],
)
def test_instants_are_utc_or_nothing(value: object, instant: datetime | None) -> None:
    assert parse_instant(value) == instant


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
    started = time.perf_counter()
    extract_html(html, URL)
    assert time.perf_counter() - started < 5.0
