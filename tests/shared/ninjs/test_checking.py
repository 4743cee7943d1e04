from __future__ import annotations

from typing import Any

import pytest

from shared.ninjs.checking import MAX_VALUES, Version, errors_of, is_ninjs, is_valid, version_of

OWN = frozenset({"id", "url", "body", "html", "source", "published_at"})
URI = "urn:example:1"


def pointers_of(**document: Any) -> list[str]:
    document = {"uri": URI, **document}
    return [error.pointer for error in errors_of(document, version_of(document))]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({"uri": URI, "headlines": []}, True, id="a uri and headlines"),
        pytest.param({"uri": URI}, True, id="a uri alone"),
        pytest.param({"uri": URI, "random": 1}, True, id="a uri and an unknown name"),
        pytest.param({"uri": URI, "body": "B", "title": "T"}, False, id="a uri beside fields of ours"),
        pytest.param({"uri": URI, "headlines": [], "source": "S"}, True, id="ninjs with a field of ours"),
        pytest.param({"headlines": [], "bodies": []}, True, id="no uri, but ninjs in all else"),
        pytest.param({"title": "T", "body": "B"}, False, id="ours"),
        pytest.param(
            {"title": "T", "url": "https://e.com", "bodies": []}, False, id="ours with an extra name"
        ),
        pytest.param({"standard": {"name": "ninjs"}, "body": "B"}, True, id="says that it is ninjs"),
        pytest.param({"standard": {"name": "GB 1234"}, "title": "T"}, False, id="says another standard"),
        pytest.param({"$schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}, True, id="$schema"),
        pytest.param({"uri": 7, "title": "T"}, False, id="a uri that is none"),
    ],
)
def test_a_document_is_known_by_its_shape(document: dict[str, Any], expected: bool) -> None:
    assert is_ninjs(document, OWN) == expected


@pytest.mark.parametrize(
    ("document", "version"),
    [
        pytest.param({"headline": "H", "person": []}, Version(1, True), id="1.x by its names"),
        pytest.param({"body_html": "B"}, Version(1, True), id="1.x by a free ending"),
        pytest.param(
            {"title": "T", "renditions": {}}, Version(1, True), id="1.x by an object for renditions"
        ),
        pytest.param({"versioncreated": "x", "headlines": []}, Version(2, True), id="2.x by lower case"),
        pytest.param({"bodies": [{"contenttype": "x"}]}, Version(2, True), id="2.x by lower case inside"),
        pytest.param({"versionCreated": "x"}, Version(3, True), id="3.x by its names"),
        pytest.param({"bodies": [{"contentType": "x"}]}, Version(3, True), id="3.x by its names inside"),
        pytest.param({"title": "T"}, Version(3, False), id="anything"),
        pytest.param(
            {"versioncreated": "x", "standard": {"name": "ninjs", "version": "3.0"}},
            Version(3, True, 0),
            id="3.0 declared, lower case all the same",
        ),
        pytest.param(
            {"eventDetails": {}, "standard": {"name": "ninjs", "version": "2.2"}},
            Version(3, True),
            id="2.2 declared, but with what came later",
        ),
        pytest.param(
            {"title": "T", "standard": {"schema": "http://www.iptc.org/std/ninjs/ninjs-schema_2.1.json"}},
            Version(2, True, 1),
            id="by its schema alone",
        ),
        pytest.param(
            {"title": "T", "standard": {"name": "ninjs", "schema": "https://agency.example/news.json"}},
            Version(3, False, None, True),
            id="an extension",
        ),
        pytest.param(
            {"title": "T", "standard": {"name": "ninjs", "version": "9.9"}},
            Version(3, False),
            id="unheard of",
        ),
    ],
)
def test_the_version_is_as_declared_or_as_it_looks(document: dict[str, Any], version: Version) -> None:
    assert version_of({"uri": URI, **document}) == version


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        pytest.param({"uri": 1, "versionCreated": "2026-01-01T00:00:00Z"}, "/uri", id="number for uri"),
        pytest.param({"uri": "a b", "pubStatus": "usable"}, "/uri", id="3.x: no URI"),
        pytest.param({"pubStatus": "gone"}, "/pubStatus", id="status"),
        pytest.param(
            {"renditions": [{"name": "n", "href": "JavaScript:x"}]}, "/renditions/0/href", id="a script"
        ),
        pytest.param(
            {"renditions": [{"name": "n", "href": " java\nscript:x"}], "pubstatus": "usable"},
            "/renditions/0/href",
            id="2.x: a script in disguise",
        ),
        pytest.param({"title": None}, "/title", id="null"),
        pytest.param({"urgency": 0}, "/urgency", id="urgency 0"),
        pytest.param({"urgency": True}, "/urgency", id="true is no number"),
        pytest.param({"versionCreated": "2026-01-01"}, "/versionCreated", id="3.x: date without time"),
        pytest.param({"versionCreated": "2026-02-30T00:00:00Z"}, "/versionCreated", id="30 February"),
        pytest.param({"versioncreated": "soon"}, "/versioncreated", id="2.x: no date"),
        pytest.param({"headlines": {}}, "/headlines", id="object for array"),
        pytest.param({"headlines": [{"role": "main"}]}, "/headlines/0/value", id="headline without value"),
        pytest.param({"bodies": [{"value": "B", "lang": "en"}]}, "/bodies/0/lang", id="unknown inside"),
        pytest.param({"people": [{"contactInfo": [{}]}]}, "/people/0/contactInfo/0", id="neither of two"),
        pytest.param(
            {"associations": [{"uri": URI, "name": "a", "associations": [{"name": "b"}]}]},
            "/associations/0/associations/0/uri",
            id="deep inside",
        ),
        pytest.param({"altIds": {"a": "b"}}, "/altIds", id="1.x's object"),
        pytest.param({"headlines": [], "byline": "B"}, "/byline", id="1.x's name"),
        pytest.param({"body_html": 1, "headline": "H"}, "", id="1.x: number for a text"),
        pytest.param({"places": [{"geoJSON": {}}]}, "/places/0/geoJSON", id="no GeoJSON"),
        pytest.param(
            {"places": [{"geoJSON": {"type": "Point", "coordinates": ["a", 1]}}]},
            "/places/0/geoJSON/coordinates/0",
            id="GeoJSON with a word for a number",
        ),
        pytest.param(
            {"places": [{"geoJSON": {"type": "Polygon", "coordinates": [[[1, 1], [2, 2], [1, 1]]]}}]},
            "/places/0/geoJSON/coordinates/0",
            id="a ring of three",
        ),
        pytest.param(
            {"places": [{"geoJSON": {"type": "Feature", "geometry": None}}]},
            "/places/0/geoJSON/properties",
            id="a feature without properties",
        ),
    ],
)
def test_what_is_wrong_is_named(document: dict[str, Any], pointer: str) -> None:
    assert pointer in pointers_of(**document)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"urgency": 3.0}, id="3.0 is whole"),
        pytest.param({"expires": "2016-12-31T23:59:60Z"}, id="a leap second"),
        pytest.param(
            {"places": [{"geoJSON": {"type": "Point", "coordinates": [1, 2.5], "x": 1}}]}, id="GeoJSON"
        ),
        pytest.param(
            {
                "places": [
                    {
                        "geoJSON": {
                            "type": "FeatureCollection",
                            "features": [
                                {
                                    "type": "Feature",
                                    "properties": None,
                                    "geometry": {
                                        "type": "GeometryCollection",
                                        "geometries": [
                                            {"type": "LineString", "coordinates": [[1, 2], [3, 4]]}
                                        ],
                                    },
                                }
                            ],
                        }
                    }
                ]
            },
            id="a collection of features",
        ),
        pytest.param({"versioncreated": "2026-01-01", "uri": "006_genre"}, id="2.x: neither URI nor time"),
        pytest.param({"altids": {"x": [1]}, "headline": "H"}, id="1.x: any alternative ids"),
        pytest.param(
            {"standard": {"name": "ninjs", "version": "2.0"}, "associations": [{"name": "a"}]},
            id="2.0: an association by its name alone",
        ),
        pytest.param(
            {"standard": {"name": "ninjs", "schema": "https://agency.example/news.json"}, "desk": "x"},
            id="an extension's own property",
        ),
    ],
)
def test_what_the_standard_allows_is_valid(document: dict[str, Any]) -> None:
    assert pointers_of(**document) == []


def test_the_advice_says_how_a_name_is_spelled() -> None:
    (error,) = errors_of({"uri": URI, "pubstatus": "usable"}, Version(3, True))
    assert error.detail == "pubstatus is no property of ninjs 3.x; it is spelled pubStatus there"


def test_only_so_many_values_and_errors_are_looked_at() -> None:
    many = {"uri": URI, "subjects": [{}] * (MAX_VALUES + 1)}
    assert [error.pointer for error in errors_of(many, Version(3, True))] == [""]
    assert len(errors_of({"uri": URI} | {f"x{n}": 1 for n in range(1000)}, Version(3, True))) == 20


def test_valid_means_3_x_with_its_formats() -> None:
    assert is_valid({"uri": URI, "urgency": 1})
    assert not is_valid({"uri": "no uri"})
