from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.formats.ninjs import MAX_ENTITIES
from services.ingest.formats.reading import read_article
from services.ingest.identity import article_id, content_hash
from services.ingest.schema import ReadArticle
from shared.events import Image, Link, SubmittedArticle, Topic
from shared.http.problems import Problem

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
URI = "urn:example:sea-code"

TEXT: dict[str, Any] = {
    "standard": {"name": "ninjs", "version": "3.1"},
    "uri": "https://straits-wire.example/items/sea-code",
    "type": "text",
    "version": "4",
    "firstCreated": "2026-11-25T08:00:00+08:00",
    "versionCreated": "2026-11-25T09:00:00Z",
    "pubStatus": "usable",
    "language": "en-GB",
    "headlines": [
        {"role": "short", "value": "Sea code"},
        {"role": "main", "value": "Ministers finish sea code"},
    ],
    "bodies": [
        {"role": "text", "contentType": "text/plain", "value": "One line of text. And more."},
        {"role": "html", "contentType": "text/html", "value": "<p>One line of text.</p><p>And more.</p>"},
    ],
    "by": "By Lim Kah Wai",
    "infoSources": [{"name": "Straits Wire"}],
    "people": [{"name": "Corazon Villareal-Sy", "uri": "https://cv.example/p/1", "rel": "about"}],
    "places": [{"name": "Manila", "geoJSON": {"type": "Point", "coordinates": [121, 14.6]}}],
    "subjects": [
        {"name": "politics", "uri": "http://cv.iptc.org/newscodes/mediatopic/11000000", "relevance": 80},
        {"name": "sea law", "literal": "sl"},
    ],
    "copyrightNotice": "(c) 2026 Straits Wire",
    "usageTerms": "Not for print",
}


def read(**document: Any) -> ReadArticle:
    return read_article({"uri": URI, "standard": {"name": "ninjs", "version": "3.1"}, **document}, NOW)


def article(**document: Any) -> SubmittedArticle:
    return read(**document).article


def test_an_item_becomes_an_article_of_ours() -> None:
    given = read_article(TEXT, NOW)
    found = given.article
    assert (given.revision, given.status, given.format) == (4, "usable", "ninjs 3.x")
    assert found.uri == found.publisher_id == found.url == TEXT["uri"]
    assert (found.title, found.source, found.language) == (
        "Ministers finish sea code",
        "Straits Wire",
        "en-GB",
    )
    assert found.authors == ("Lim Kah Wai",)
    assert found.published_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 25, 9, tzinfo=UTC)
    assert found.keywords == ("politics", "sea law")
    # The plain text is one line: only the markup tells its paragraphs.
    assert (found.body, found.html) == (None, TEXT["bodies"][1]["value"])


def test_what_the_publisher_names_is_kept_and_marked_as_theirs() -> None:
    found = read_article(TEXT, NOW).article
    assert [(one.label, one.canonical, one.origin, one.uri, one.rel) for one in found.entities] == [
        ("PERSON", "Corazon Villareal-Sy", "publisher", "https://cv.example/p/1", "about"),
        ("GPE", "Manila", "publisher", None, None),
    ]
    assert found.topics == (
        Topic(code="11000000", name="politics and government", score=0.8, origin="publisher"),
    )
    for kind in ("people", "places", "subjects"):
        assert found.extra[kind] == TEXT[kind]


def test_what_no_field_of_ours_holds_is_under_extra_by_the_names_of_3_x() -> None:
    extra = read_article(TEXT, NOW).article.extra
    assert extra.keys() == {
        "type", "headlines", "by", "infoSources", "people", "places", "subjects", "copyrightNotice",
        "usageTerms",
    }  # fmt: skip
    assert extra["headlines"] == [{"role": "short", "value": "Sea code"}]
    old = {
        "uri": URI,
        "copyrightnotice": "(c)",
        "versioncreated": "2026-11-25",
        "ednote": "N",
        "urgency": 4.5,
    }
    assert read_article(old, NOW).article.extra == {"copyrightNotice": "(c)", "edNote": "N", "urgency": 4.5}


def test_ninjs_1_and_2_give_the_same_article() -> None:
    second = {
        "uri": URI,
        "version": "2",
        "versioncreated": "2026-11-25T09:00:00Z",
        "headlines": [{"role": "main", "value": "H"}],
        "bodies": [{"role": "text", "contenttype": "text/plain", "value": "B"}],
        "by": "N",
        "pubstatus": "usable",
    }
    first = {
        "uri": URI,
        "version": "2",
        "versioncreated": "2026-11-25T09:00:00Z",
        "headline": "H",
        "body_text": "B",
        "byline": "N",
        "pubstatus": "usable",
    }
    assert read_article(second, NOW).article == read_article(first, NOW).article
    assert [read_article(one, NOW).format for one in (second, first)] == ["ninjs 2.x", "ninjs 1.x"]


@pytest.mark.parametrize("status", ["withheld", "canceled"])
def test_an_item_that_is_withheld_or_canceled_needs_no_text_and_no_source(status: str) -> None:
    given = read(pubStatus=status)
    assert given.status == status
    assert article_id(given.article) == article_id(article(infoSources=[{"name": "S"}], title="T"))


@pytest.mark.parametrize(
    ("version", "revision"),
    [("7", 7), ("0", 0), ("20261125120000", 20261125120000), ("1.2", None), ("", None), ("-1", None),
     ("9" * 40, None), ("\u0664", None)],
)  # fmt: skip
def test_a_version_that_counts_is_the_revision(version: str, revision: int | None) -> None:
    given = read(title="T", version=version)
    assert given.revision == revision
    assert given.article.extra.get("version") == (version if revision is None else None)


@pytest.mark.parametrize(
    ("document", "title", "body"),
    [
        pytest.param({"title": "T", "slugline": "S"}, "T", None, id="title"),
        pytest.param({"headlines": [{"value": " "}], "slugline": "S"}, "S", None, id="slugline"),
        pytest.param(
            {"headlines": [{"contentType": "text/html", "value": "<h1>A <b>b</b></h1>"}]},
            "A b",
            None,
            id="markup",
        ),
        pytest.param({"plannedCoverage": [{"title": "Ball drop"}]}, "Ball drop", None, id="planned coverage"),
        pytest.param({"urgency": 1}, URI, None, id="nothing but a uri"),
        pytest.param({"title": "\u200b", "bodies": [{"value": " "}]}, URI, None, id="nothing to be seen"),
        pytest.param(
            {"descriptions": [{"role": "creditline", "value": "AP"}, {"role": "caption", "value": "C."}]},
            None,
            "C.",
            id="a caption",
        ),
        pytest.param({"title": "T" * 1_500}, f"{'T' * 999}…", None, id="a title too long for us"),
    ],
)
def test_an_item_without_headline_or_body_has_the_next_best(
    document: dict[str, Any], title: str | None, body: str | None
) -> None:
    found = article(**document)
    assert (found.title, found.body) == (title, body)


def test_of_several_bodies_the_main_one_is_the_text_and_the_others_are_kept() -> None:
    found = article(
        title="T",
        bodies=[
            {"role": "dateline", "value": "MANILA"},
            {"role": "main", "value": "First.\n\nSecond."},
            {"role": "html", "contentType": "text/html", "value": "<p>First.</p><p>Second.</p>"},
            {"role": "script", "value": "x" * 20_001},
        ],
    )
    assert (found.body, found.html) == ("First.\n\nSecond.", "<p>First.</p><p>Second.</p>")
    assert found.extra["bodies"] == [{"role": "dateline", "value": "MANILA"}]


def test_pictures_come_in_the_rendition_that_suits_a_screen() -> None:
    picture = {
        "name": "main picture",
        "uri": "urn:example:p",
        "type": "picture",
        "descriptions": [
            {"role": "caption", "value": "Ministers"},
            {"role": "creditline", "value": "A. Photo"},
        ],
        "bodies": [{"value": "long"}],
        "renditions": [
            {"name": "thumb", "href": "https://i.example/t.jpg", "width": 100, "height": 50},
            {"name": "web", "href": "https://i.example/w.jpg", "width": 1200, "height": 600},
            {
                "name": "original",
                "href": "https://i.example/o.tif",
                "width": 9000,
                "contentType": "image/tiff",
            },
            {"name": "text", "href": "https://i.example/c.xml", "width": 1300, "contentType": "text/xml"},
            {"name": "bad", "href": "rtsp://i.example/live", "width": 1500},
        ],
    }
    image = Image(
        url="https://i.example/w.jpg", caption="Ministers", credit="A. Photo", width=1200, height=600
    )
    found = article(title="T", associations=[picture])
    assert found.image == image and found.images == (image,)
    assert "bodies" not in found.extra["associations"][0]
    own = article(**{name: value for name, value in picture.items() if name not in ("name", "uri", "bodies")})
    assert own.image == image and own.body == "Ministers"


def test_an_associated_text_on_the_web_is_a_link() -> None:
    text = {"name": "a", "uri": "https://sw.example/1", "headlines": [{"value": "Earlier"}]}
    planned = {"name": "b", "uri": "https://sw.example/2", "type": "planning"}
    found = article(title="T", associations=[text, planned, {"name": "c", "uri": "urn:example:3"}])
    assert found.links == (Link(url="https://sw.example/1", title="Earlier", rel="related"),)


def test_the_web_address_is_the_alternative_id_that_says_so() -> None:
    alt = {"role": "webUrl", "value": "https://sw.example/news/1?utm_source=x"}
    found = article(title="T", uri="https://api.example/1", altIds=[alt])
    assert (found.url, found.canonical_url) == (alt["value"], "https://sw.example/news/1")
    assert article(title="T", uri="urn:example:1").url is None


def test_an_embargo_is_told_and_not_kept_for_the_reader() -> None:
    found = read(title="T", embargoedUntil="2026-11-26T06:00:00Z")
    assert found.status == "usable"
    assert found.article.embargoed_until == datetime(2026, 11, 26, 6, tzinfo=UTC)


def test_what_our_fields_cannot_take_of_valid_ninjs_stays_under_extra() -> None:
    found = article(
        title="T",
        language="x" * 80,
        firstCreated="0001-01-01T00:00:00Z",
        by="N" * 400,
        copyrightHolder="C" * 400,
    )
    assert (found.language, found.published_at, found.authors, found.source) == (None, None, (), None)
    assert found.extra.keys() == {"language", "firstCreated", "by", "copyrightHolder"}


def test_objects_are_entities_only_where_the_article_is_about_them() -> None:
    found = article(
        title="T", objects=[{"name": "Ball"}, {"name": "x.jpg", "rel": "suppliedAs"}, {"uri": URI}]
    )
    assert [(one.label, one.canonical) for one in found.entities] == [("PRODUCT", "Ball")]
    many = article(title="T", people=[{"name": f"P {n}"} for n in range(MAX_ENTITIES + 5)])
    assert len(many.entities) == MAX_ENTITIES


def test_the_authors_are_those_among_the_people_who_say_so_where_there_is_no_byline() -> None:
    people = [{"name": "A", "rel": "author"}, {"name": "B", "rel": "about"}]
    assert article(title="T", people=people).authors == ("A",)


def test_the_same_item_again_changes_nothing_and_another_subject_does() -> None:
    first = article(title="T", people=[{"name": "A"}])
    assert content_hash(first) == content_hash(article(title="T", people=[{"name": "A"}], edNote="again"))
    assert content_hash(first) != content_hash(article(title="T", people=[{"name": "B"}]))


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        pytest.param({"uri": "urn:x:" + "a" * 600, "title": "T"}, "/uri", id="uri too long for us"),
        pytest.param({"title": "T", "edNote": "x" * 300_000}, "", id="too much beside the text"),
        pytest.param({"title": "T", "random": 1}, "/random", id="unknown"),
    ],
)
def test_what_is_refused_says_where(document: dict[str, Any], pointer: str) -> None:
    with pytest.raises(Problem) as caught:
        read(**document)
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert caught.value.status == 422


def test_what_another_wireroom_found_is_not_the_publishers_word() -> None:
    theirs = {"name": "Ann Reed", "rel": "about"}
    found = article(
        title="T",
        people=[theirs, {"name": "Xi Jinping", "rel": "wireroom:mentions"}],
        subjects=[{"name": "politics", "creator": "wireroom"}],
        altIds=[{"role": "wireroom", "value": "0" * 32}],
        associations=[{"name": "related1", "uri": "https://e.com/1", "rel": "wireroom:similar"}],
    )
    assert [entity.canonical for entity in found.entities] == ["Ann Reed"]
    assert (found.keywords, found.links, found.extra) == ((), (), {"people": [theirs]})
