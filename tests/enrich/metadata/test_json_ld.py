import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services.enrich.metadata import Metadata
from services.enrich.steps.page import read_page
from shared.events import Image

URL = "https://fjord.example/2024/accord"
SEEN_AT = datetime(2024, 3, 5, tzinfo=UTC)


def told(*scripts: str, head: str = "") -> Metadata:
    """Return what a page with these JSON-LD scripts tells."""
    tags = "".join(f'<script type="application/ld+json">{script}</script>' for script in scripts)
    html = f"<html><head>{head}{tags}</head><body><p>Text of it</p></body></html>"
    return read_page(html, URL, SEEN_AT).metadata


def told_by(**fields: Any) -> Metadata:
    return told(json.dumps({"@context": "https://schema.org", "@type": "NewsArticle", **fields}))


def test_a_news_article_fills_every_field() -> None:
    metadata = told_by(
        mainEntityOfPage={"@type": "WebPage", "@id": URL},
        headline="Norway &amp; Chile sign ferry accord",
        description="<p>Two ministers,&nbsp;one ferry.</p>",
        author=[
            {"@type": "Person", "name": "Ann Lee", "url": "https://fjord.example/ann"},
            {"@type": "Person", "name": ["Bob Ray"]},
        ],
        publisher={"@type": "NewsMediaOrganization", "name": "Fjord Post", "logo": {"url": "/logo.png"}},
        datePublished="2024-03-04T14:30:00+01:00",
        dateModified="2024-03-04T18:00:00+01:00",
        image={
            "@type": "ImageObject", "url": "/img/ferry.jpg", "caption": "A ferry", "creditText": "NTB"
        },
        keywords=["ferries", {"@type": "DefinedTerm", "name": "Chile"}],
        inLanguage="en-GB",
        isAccessibleForFree="False",
    )  # fmt: skip
    assert metadata.title == "Norway & Chile sign ferry accord"
    assert metadata.description == "Two ministers, one ferry."
    assert metadata.authors == ("Ann Lee", "Bob Ray")
    assert metadata.site_name == "Fjord Post"
    assert metadata.published_at == datetime(2024, 3, 4, 13, 30, tzinfo=UTC)
    assert metadata.updated_at == datetime(2024, 3, 4, 17, tzinfo=UTC)
    assert metadata.image is not None
    assert metadata.image == Image(url="https://fjord.example/img/ferry.jpg", caption="A ferry", credit="NTB")
    assert metadata.keywords == ("ferries", "Chile")
    assert metadata.language == "en-GB"
    assert metadata.is_accessible_for_free is False
    assert metadata.canonical_url == URL


@pytest.mark.parametrize(
    "kind",
    ["Article", "ReportageNewsArticle", "https://schema.org/NewsArticle", "schema:BlogPosting",
     ["Thing", "OpinionNewsArticle"]],
)  # fmt: skip
def test_the_like_of_a_news_article_counts(kind: Any) -> None:
    assert told_by(**{"@type": kind, "headline": "Rain"}).title == "Rain"


def test_nodes_of_a_graph_refer_to_each_other() -> None:
    graph = [
        {"@type": "Organization", "@id": "#org", "name": "Fjord Post"},
        {"@type": "Person", "@id": "#ann", "name": "Ann Lee"},
        {"@type": "ImageObject", "@id": "#img", "contentUrl": "https://fjord.example/i.jpg"},
        {"@type": "WebPage", "@id": URL, "name": "Rain | Fjord Post", "datePublished": "2024-01-01"},
        {
            "@type": "Article", "headline": "Rain", "author": {"@id": "#ann"}, "publisher": {"@id": "#org"},
            "image": {"@id": "#img"}, "mainEntityOfPage": {"@id": URL},
        },
    ]  # fmt: skip
    metadata = told(json.dumps({"@graph": graph}))
    assert (metadata.title, metadata.authors, metadata.site_name) == ("Rain", ("Ann Lee",), "Fjord Post")
    assert metadata.image is not None
    assert metadata.image.url == "https://fjord.example/i.jpg"


def test_of_several_articles_the_one_of_this_page_is_read() -> None:
    others = [{"@type": "NewsArticle", "headline": f"Other {i}", "url": f"{URL}/{i}"} for i in range(3)]
    own = {"@type": "NewsArticle", "headline": "Own", "url": f"{URL}#main"}
    assert told(json.dumps([*others, own])).title == "Own"
    assert told(json.dumps(others)).title == "Other 0"
    assert told(json.dumps(others[0]), json.dumps(own)).title == "Own"


def test_articles_that_the_page_only_lists_are_not_its_own() -> None:
    listed = {"@type": "NewsArticle", "headline": "Other"}
    assert told(json.dumps({"@type": "ItemList", "itemListElement": [{"item": listed}]})).title is None
    assert told(json.dumps({"@type": "WebPage", "hasPart": listed, "name": "A page"})).title is None


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "NewsArticle", "headline": "Rain",}',
        '<!-- {"@type": "NewsArticle", "headline": "Rain"} -->',
        '//<![CDATA[\n{"@type": "NewsArticle", "headline": "Rain"}\n//]]>',
        '/*<![CDATA[*/{"@type": "NewsArticle", "headline": "Rain"}/*]]>*/',
        '\ufeff{"@type": "NewsArticle", "headline": "Rain"};',
        '{"@type": "NewsArticle", "headline": "\tRain\n", "x": [1, 2, ], }',
        "{&quot;@type&quot;: &quot;NewsArticle&quot;, &quot;headline&quot;: &quot;Rain&quot;}",
        '[[{"@type": ["NewsArticle"], "headline": {"@value": "Rain", "@language": "en"}}]]',
        '{"@type": "NewsArticle", "headline": ["Rain", "Regen"]}',
    ],
    ids=["comma", "comment", "cdata", "cdata-in-comments", "bom", "controls", "escaped", "nested", "list"],
)
def test_broken_json_of_publishing_systems_is_mended(script: str) -> None:
    assert told(script).title == "Rain"


WRONG = [
    None,
    True,
    0,
    -1.5,
    "",
    " ",
    "\x00",
    [],
    {},
    [[]],
    [None],
    {"name": None},
    {"name": {"name": []}},
    1e999,
]
FIELDS = [
    "@type", "@id", "url", "mainEntityOfPage", "headline", "name", "author", "publisher", "datePublished",
    "dateModified", "image", "keywords", "description", "inLanguage", "isAccessibleForFree", "articleBody",
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_values_of_wrong_types_are_as_if_absent(wrong: Any) -> None:
    for field in FIELDS:
        assert told_by(**{field: wrong}).title is None
    metadata = told_by(**dict.fromkeys(FIELDS[4:], wrong))
    assert (metadata.title, metadata.authors, metadata.published_at, metadata.image) == (None, (), None, None)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:image/png;base64,x", "//", "http://[", "file:///etc/passwd", "x" * 9_999],
)  # fmt: skip
def test_only_web_addresses_are_taken(address: str) -> None:
    metadata = told_by(image=address, url=address, mainEntityOfPage=address)
    assert metadata.image is None
    assert metadata.canonical_url is None


@pytest.mark.parametrize(
    "date", ["1970-01-01T00:00:00Z", "2099-01-01", "0000-00-00", "-1", "now", "9999-99-99"]
)
def test_dates_that_cannot_be_are_left_to_the_next_reader(date: str) -> None:
    script = json.dumps({"@type": "NewsArticle", "datePublished": date, "dateModified": date})
    head = '<meta property="article:published_time" content="2024-03-04T12:00:00Z">'
    metadata = told(script, head=head)
    assert metadata.published_at == datetime(2024, 3, 4, 12, tzinfo=UTC)
    assert metadata.updated_at is None


def test_a_change_before_publication_is_not_believed() -> None:
    assert told_by(datePublished="2024-03-04", dateModified="2024-03-01").updated_at is None


@pytest.mark.parametrize(
    ("value", "is_free"),
    [(True, True), (False, False), ("true", True), ("http://schema.org/False", False), ("maybe", None),
     (1, None)],
)  # fmt: skip
def test_a_paywall_is_told_in_several_ways(value: Any, is_free: bool | None) -> None:
    assert told_by(isAccessibleForFree=value).is_accessible_for_free is is_free


def test_a_headline_cut_for_search_engines_is_read_in_full_elsewhere() -> None:
    script = json.dumps({"@type": "NewsArticle", "headline": "Norway and Chile sign…"})
    title = '<meta property="og:title" content="Norway and Chile sign ferry accord">'
    assert told(script, head=title).title == "Norway and Chile sign ferry accord"


BODY = "The dam held through the night, the committee said on Monday. " * 20


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (f"{BODY}\n\n{BODY}", f"{BODY}\n\n{BODY}"),
        (f"<p>{BODY}</p><p>{BODY}<br>Nobody&#8217;s hurt.</p>",
         f"{BODY.strip()}\n\n{BODY.strip()}\n\nNobody’s hurt."),
        (f"&lt;p&gt;{BODY}&lt;/p&gt;", BODY.strip()),
        ("Too short to matter.", "Please enable scripts."),
        (BODY + "</script", BODY),
    ],
    ids=["plain", "markup", "escaped-markup", "short", "odd"],
)  # fmt: skip
def test_a_page_that_scripts_fill_has_the_text_of_its_article_body(body: str, text: str) -> None:
    script = json.dumps({"@type": "NewsArticle", "articleBody": body}).replace("</script", "<\\/script")
    html = (
        f'<html><body><script type="application/ld+json">{script}</script>'
        "<div>Please enable scripts.</div></body></html>"
    )
    assert " ".join(read_page(html, URL, SEEN_AT).text.split()) == " ".join(text.split())


def test_extracted_text_is_preferred_to_an_article_body_of_its_size() -> None:
    script = json.dumps({"@type": "NewsArticle", "articleBody": BODY + BODY[:200]})
    html = (
        f'<html><head><script type="application/ld+json">{script}</script></head>'
        f"<body><article><p>{BODY}</p><p>Second paragraph of it.</p></article></body></html>"
    )
    assert read_page(html, URL, SEEN_AT).text.endswith("Second paragraph of it.")


@pytest.mark.parametrize(
    "script",
    [
        "[" * 500_000,
        '{"a":' * 100_000,
        "[" * 900 + "]" * 900,
        '{"@graph":' * 400 + "1" + "}" * 400,
        '{"@type": "NewsArticle", "author": ' + '{"name": ' * 10_000 + '"x"' + "}" * 10_001,
        '{"@type": "NewsArticle", "author": ' + '{"name": ' * 300 + '"x"' + "}" * 301,
        json.dumps({"@graph": [{"@type": "NewsArticle", "author": {"@id": "#a"}} for _ in range(9_000)]}),
        json.dumps({"@type": ["x" * 100] * 5_000}),
        json.dumps({"@type": "NewsArticle", "author": [{"name": "a, b and c " * 1_000}] * 50}),
        json.dumps({"@type": "NewsArticle", "keywords": "k," * 250_000}),
        json.dumps({"@type": "NewsArticle", "headline": "<" * 500_000, "description": "&amp;" * 100}),
        json.dumps({"@id": "#a", "@type": "NewsArticle", "author": {"@id": "#a"}}),
        '{"@type": "NewsArticle", "x": ' + "9" * 400_000 + "}",
        '{"a": 1' + ", \n" * 200_000,
        '{"@type": "NewsArticle", "headline": "\\ud800 lone"}',
    ],
    ids=range(15),
)
def test_hostile_json_is_read_in_bounded_time(script: str) -> None:
    started = time.process_time()
    told(script)
    told(*[script[:2_000]] * 100)
    assert time.process_time() - started < 1.5
