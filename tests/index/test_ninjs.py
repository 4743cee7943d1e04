"""Articles as ninjs 3.1: valid, and plain about what the publisher says and what we do."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.index.ninjs import ninjs_from_article
from shared.events import Entity, Image, Provenance, Related, Topic
from shared.ninjs.checking import Version, errors_of
from tests.conformance import conformance_files, why_absent
from tests.support import NOW, enriched

SCHEMA = conformance_files("ninjs", "specification", pattern="ninjs-schema_3.1.json")

FULL: dict[str, Any] = {
    "uri": "urn:example:1",
    "publisher_id": "urn:example:1",
    "url": "https://sw.example/1?utm_source=x",
    "canonical_url": "https://sw.example/1",
    "authors": ("Lim Kah Wai", "A. Reed"),
    "published_at": NOW - timedelta(hours=2),
    "updated_at": NOW - timedelta(hours=1),
    "embargoed_until": NOW + timedelta(hours=1),
    "keywords": ("sea law",),
    "entities": (
        Entity(text="Asean", label="ORG", canonical="Asean", count=1, origin="publisher"),
        Entity(text="Reed", label="PERSON", canonical="Ann Reed", count=2, origin="wireroom"),
        Entity(text="Xi", label="PERSON", canonical="Xi Jinping", count=5, origin="wireroom"),
        Entity(text="Monday", label="DATE", canonical="Monday", count=1),
    ),
    "topics": (Topic(code="11000000", name="politics and government", score=0.834, origin="wireroom"),),
    "images": (Image(url="https://i.example/1.jpg", caption="C", credit="P", width=800),),
    "related": (
        Related(kind="cited", url="https://sw.example/0", title="Earlier", why="linked"),
        Related(kind="similar", id="0" * 32, why="terms"),
    ),
    "extra": {
        "usageTerms": "Not for print",
        "organisations": [{"name": "Asean", "uri": "https://asean.example/"}],
        "edNote": 7,
        "places": [{"name": "Manila"}, {"name": "Nowhere", "desk": 1}],
        "urgency": 4.5,
        "desk": "world",
    },
    "provenance": Provenance(door="ninjs", format="ninjs 3.x"),
}


def served(**fields: Any) -> dict[str, Any]:
    """Return the article as the index stores it."""
    document: dict[str, Any] = json.loads(enriched(**fields).article.model_dump_json(exclude_none=True))
    return document


def errors(document: dict[str, Any]) -> list[str]:
    return [error.detail for error in errors_of(document, Version(3, True))]


def test_the_article_comes_out_with_what_it_came_in_with_and_ours_beside_it() -> None:
    item = ninjs_from_article(served(**FULL))
    assert errors(item) == []
    assert (item["uri"], item["version"], item["pubStatus"], item["language"]) == (
        "urn:example:1",
        "1",
        "usable",
        "en",
    )
    assert item["headlines"] == [{"role": "main", "contentType": "text/plain", "value": "Title of a"}]
    assert item["bodies"] == [
        {
            "role": "main",
            "contentType": "text/plain",
            "value": "The body of a.",
            "charCount": 14,
            "wordCount": 4,
        }
    ]
    assert (item["by"], item["infoSources"]) == (
        "Lim Kah Wai, A. Reed",
        [{"name": "Test Wire", "role": "source"}],
    )
    assert item["usageTerms"] == "Not for print"
    assert item["altIds"][-1] == {"role": "canonicalUrl", "value": "https://sw.example/1"}


def test_who_says_so_is_marked() -> None:
    item = ninjs_from_article(served(**FULL))
    assert item["organisations"] == [{"name": "Asean", "uri": "https://asean.example/"}]
    assert item["people"] == [
        {"name": "Xi Jinping", "rel": "wireroom:mentions", "literal": "PERSON:Xi Jinping"},
        {"name": "Ann Reed", "rel": "wireroom:mentions", "literal": "PERSON:Ann Reed"},
    ]
    assert item["subjects"] == [
        {"name": "sea law"},
        {
            "name": "politics and government",
            "uri": "http://cv.iptc.org/newscodes/mediatopic/11000000",
            "creator": "wireroom",
            "confidence": 83,
        },
    ]


def test_what_is_not_valid_in_3_1_is_left_out_and_the_rest_of_it_kept() -> None:
    item = ninjs_from_article(served(**FULL))
    assert item["places"] == [{"name": "Manila"}]
    assert not {"edNote", "urgency", "desk"} & item.keys()


def test_pictures_and_related_articles_are_associations() -> None:
    picture, cited, similar = ninjs_from_article(served(**FULL))["associations"]
    assert picture["renditions"] == [{"name": "main", "href": "https://i.example/1.jpg", "width": 800}]
    assert {one["role"]: one["value"] for one in picture["descriptions"]} == {
        "caption": "C",
        "creditline": "P",
    }
    assert (cited["uri"], cited["rel"], cited["title"]) == (
        "https://sw.example/0",
        "wireroom:cited",
        "Earlier",
    )
    assert (similar["uri"], similar["rel"]) == (f"urn:x-wireroom:{'0' * 32}", "wireroom:similar")


@pytest.mark.parametrize(
    ("fields", "uri"),
    [
        ({"publisher_id": "12", "url": "https://sw.example/1"}, "https://sw.example/1"),
        ({"uri": "006_genre"}, None),
        ({}, None),
    ],
    ids=["its address", "a uri without a scheme", "nothing"],
)
def test_an_article_without_a_uri_has_the_next_best(fields: dict[str, Any], uri: str | None) -> None:
    article = served(**fields)
    item = ninjs_from_article(article)
    assert item["uri"] == (uri or f"urn:x-wireroom:{article['id']}")
    assert errors(item) == []


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    sorted({*ninjs_from_article(served(**FULL)), "renditions", "eventDetails", "genres", "expires"})
)


@given(extra=st.dictionaries(NAMES, JSON_VALUES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_whatever_is_under_extra_the_document_is_valid(extra: dict[str, Any]) -> None:
    assert errors(ninjs_from_article(served(**FULL) | {"extra": extra})) == []


@pytest.mark.skipif(not SCHEMA, reason=why_absent("ninjs", "specification"))
def test_it_is_valid_by_the_official_schema() -> None:
    registry = jsonschema_rs.Registry([("https://geojson.org/schema/GeoJSON.json", {})])
    schema = json.loads(SCHEMA[0].read_bytes())
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True, registry=registry)
    for fields in (FULL, {}):
        found = validator.iter_errors(ninjs_from_article(served(**fields)))
        assert [error.message for error in found] == []
