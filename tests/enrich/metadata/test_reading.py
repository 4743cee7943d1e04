from datetime import UTC, datetime

import pytest

from services.enrich.metadata import Metadata
from services.enrich.metadata.fields import author_names, keyword_list, plain_line
from services.enrich.steps.page import read_page

URL = "https://fjord.example/2024/accord"
SEEN_AT = datetime(2024, 3, 5, tzinfo=UTC)


def told(head: str, body: str = "<p>Text of it</p>", url: str | None = URL) -> Metadata:
    return read_page(f"<html><head>{head}</head><body>{body}</body></html>", url, SEEN_AT).metadata


def meta(**contents: str) -> str:
    return "".join(
        f'<meta property="{name.replace("__", ":")}" content="{value}">' for name, value in contents.items()
    )


def test_open_graph_fills_every_field() -> None:
    metadata = told(
        meta(
            og__title="Rain in Bergen | Fjord Post", og__site_name="Fjord Post", og__description="It rained.",
            og__image="/rain.jpg", og__image__alt="Rain", og__url="https://fjord.example/rain",
            og__locale="nb_NO", article__published_time="2024-03-04T14:30:00Z",
            article__modified_time="2024-03-04T15:30:00Z", article__author="By Ann Lee and Bob Ray",
        )
        + '<meta property="article:tag" content="Bergen"><meta property="article:tag" content="rain">'
    )  # fmt: skip
    assert metadata.title == "Rain in Bergen"
    assert metadata.authors == ("Ann Lee", "Bob Ray")
    assert metadata.published_at == datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
    assert metadata.updated_at == datetime(2024, 3, 4, 15, 30, tzinfo=UTC)
    assert metadata.description == "It rained."
    assert metadata.keywords == ("Bergen", "rain")
    assert metadata.canonical_url == "https://fjord.example/rain"
    assert metadata.language == "nb_NO"
    assert metadata.image is not None
    assert (metadata.image.url, metadata.image.caption) == ("https://fjord.example/rain.jpg", "Rain")


def test_dublin_core_and_plain_names_are_read() -> None:
    metadata = told(
        '<meta name="DC.title" content="Rain"><meta name="dc.creator" content="Ann Lee">'
        '<meta name="DC.date.issued" content="2024-03-04"><meta name="DC.publisher" content="Fjord Post">'
        '<meta name="description" content="It rained."><meta name="news_keywords" content="rain, Bergen">'
        '<meta http-equiv="content-language" content="en">'
    )
    assert metadata == Metadata(
        title="Rain", authors=("Ann Lee",), published_at=datetime(2024, 3, 4, tzinfo=UTC),
        description="It rained.", keywords=("rain", "Bergen"), site_name="Fjord Post", language="en",
    )  # fmt: skip


LD = '<script type="application/ld+json">{"@type": "NewsArticle", %s}</script>'


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (LD % '"headline": "LD"' + meta(og__title="OG", dc__title="DC", twitter__title="T"), "LD"),
        (meta(twitter__title="T", og__title="OG") + '<meta name="dc.title" content="DC">', "OG"),
        ('<meta name="dc.title" content="DC">' + meta(twitter__title="T"), "T"),
        ('<title>Tag</title><meta name="dc.title" content="DC">', "DC"),
        ("<title>Tag</title>", "Tag"),
        ("", None),
    ],
)
def test_the_title_comes_from_the_first_reader_that_has_one(head: str, title: str | None) -> None:
    assert told(head).title == title


def test_site_and_url_are_the_pages_own_before_json_lds() -> None:
    ld = LD % '"publisher": {"name": "Fjord Media AS"}, "url": "https://fjord.example/ld"'
    own = '<link rel="canonical" href="/canonical#top">' + meta(og__site_name="Fjord Post", og__url="/og")
    metadata = told(ld + own)
    assert (metadata.site_name, metadata.canonical_url) == ("Fjord Post", "https://fjord.example/canonical")
    metadata = told(ld)
    assert (metadata.site_name, metadata.canonical_url) == ("Fjord Media AS", "https://fjord.example/ld")


def test_a_canonical_link_without_a_web_address_is_none() -> None:
    assert told('<link rel="canonical" href="javascript:alert(1)">').canonical_url is None
    assert told('<link rel="canonical" href="/relative">', url=None).canonical_url is None


def test_the_time_marked_as_published_is_before_others_on_the_page() -> None:
    body = (
        '<time datetime="2024-01-01">yesterday</time><article><p>Text of it</p>'
        '<time itemprop="datePublished" datetime="2024-03-04T10:00:00Z">now</time>'
        '<time itemprop="dateModified" datetime="2024-03-04T11:00:00Z">then</time></article>'
    )
    metadata = told("", body)
    assert metadata.published_at == datetime(2024, 3, 4, 10, tzinfo=UTC)
    assert metadata.updated_at == datetime(2024, 3, 4, 11, tzinfo=UTC)


def test_visible_bylines_and_dates_are_guessed_where_the_page_says_nothing_to_machines() -> None:
    words = "The dam held through the night, the committee said on Monday. " * 5
    body = (
        f'<article><h1>Dam holds</h1><div class="byline">By Ann Lee</div><div class="date">4 March 2024</div>'
        f"<p>{words}</p><p>{words}</p></article>"
    )
    metadata = told("", body)
    assert (metadata.title, metadata.authors) == ("Dam holds", ("Ann Lee",))
    assert metadata.published_at == datetime(2024, 3, 4, tzinfo=UTC)
    assert metadata.site_name == "fjord.example"


@pytest.mark.parametrize(
    ("bylines", "names"),
    [
        (["Ann Lee"], ("Ann Lee",)),
        (["By Ann Lee"], ("Ann Lee",)),
        (["BY: Ann Lee and Bob Ray"], ("Ann Lee", "Bob Ray")),
        (["Ann Lee, Bob Ray & Eva Bo"], ("Ann Lee", "Bob Ray", "Eva Bo")),
        (["Ann Lee, Political Editor"], ("Ann Lee",)),
        (["Lee, Ann"], ("Lee, Ann",)),
        (["Dow Jones & Co"], ("Dow Jones & Co",)),
        (["Ann Lee; Bob Ray", "Ann Lee"], ("Ann Lee", "Bob Ray")),
        (["ann@fjord.example (Ann Lee)"], ("Ann Lee",)),
        (["https://facebook.com/ann", "@ann", "//x.example/ann"], ()),
        (["Byron Katie"], ("Byron Katie",)),
        (["Fjord Post"], ()),
        (["Reuters Staff"], ("Reuters Staff",)),
        (["", " ", "--", "1", None, 7], ()),
        (["Jos&amp;#233;"], ("José",)),
    ],
)
def test_a_byline_is_read_as_names(bylines: list[object], names: tuple[str, ...]) -> None:
    assert author_names(bylines, "Fjord Post") == names


def test_what_a_page_says_is_cut_to_size_and_cleaned() -> None:
    assert plain_line("<b>a\x00</b>\u202e  b &amp;amp; c" + "d" * 100_000, 10) == "a b & cddd"
    assert keyword_list(["R&amp;D; rain; Bergen, rain", 5, "x" * 1_000]) == (
        "R&D",
        "rain",
        "Bergen",
        "x" * 100,
    )
    assert len(keyword_list([",".join(map(str, range(10_000)))])) == 50
    assert len(author_names([";".join(f"Ann {chr(97 + i % 26)}{i}" for i in range(10_000))])) == 20


def test_many_meta_tags_are_read_only_so_far() -> None:
    metadata = told(
        '<meta name="author" content="Ann Lee">' * 100_000 + '<meta name="date" content="2024-03-04">'
    )
    assert (metadata.authors, metadata.published_at) == (("Ann Lee",), None)
