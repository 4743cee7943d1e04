from __future__ import annotations

from shared.ninjs.checking import Version, errors_of
from shared.ninjs.versions import as_3x


def test_2_x_is_3_x_in_lower_case() -> None:
    item = as_3x(
        {
            "standard": {"name": "ninjs", "version": "2.1"},
            "uri": "urn:example:1",
            "versioncreated": "2026-11-25T08:00:00Z",
            "embargoed": "2026-11-26T08:00:00Z",
            "infosources": [{"name": "SW", "contactinfo": [{"address": {"postalcode": "1000"}}]}],
            "organisations": [{"name": "O", "symbols": [{"ticker": "O", "exchange": "X"}]}],
            "places": [{"name": "P", "geojson": {"type": "Point", "coordinates": [1, 2], "contenttype": 1}}],
            "renditions": [{"name": "main", "contenttype": "image/jpeg", "sizeinbytes": 5}],
            "rightsinfo": {"langid": "urn:l", "linkedrights": "urn:r"},
            "associations": [{"name": "a", "uri": "urn:example:2", "pubstatus": "usable"}],
            "altids": [{"role": "etag", "value": "x"}],
        },
        Version(2, True),
    )
    assert item == {
        "uri": "urn:example:1",
        "versionCreated": "2026-11-25T08:00:00Z",
        "embargoedUntil": "2026-11-26T08:00:00Z",
        "infoSources": [{"name": "SW", "contactInfo": [{"address": {"postalCode": "1000"}}]}],
        "organisations": [{"name": "O", "symbols": [{"symbol": "O", "exchange": "X"}]}],
        "places": [{"name": "P", "geoJSON": {"type": "Point", "coordinates": [1, 2], "contenttype": 1}}],
        "renditions": [{"name": "main", "contentType": "image/jpeg", "sizeInBytes": 5}],
        "rightsInfo": {"langId": "urn:l", "linkedRights": "urn:r"},
        "associations": [{"name": "a", "uri": "urn:example:2", "pubStatus": "usable"}],
        "altIds": [{"role": "etag", "value": "x"}],
    }
    assert errors_of(item, Version(3, True)) == []


def test_1_x_is_taken_apart() -> None:
    item = as_3x(
        {
            "$standard": {"name": "ninjs", "version": "1.4"},
            "uri": "urn:example:1",
            "headline_short": "Short",
            "headline": "Main",
            "body_xhtml": "<p>B</p>",
            "body_text": "B",
            "byline": "Lim Kah Wai",
            "person": [{"name": "N", "scheme": "https://cv.example/", "code": "n"}],
            "place": [{"name": "P", "geometry_geojson": {"type": "Point", "coordinates": [1, 2]}}],
            "trustindicator": [{"scheme": "https://cv.example/ti", "code": "policy", "title": "Policy"}],
            "representationtype": "complete",
            "renditions": {"thumb": {"href": "https://e.com/t.jpg", "mimetype": "image/jpeg"}},
            "associations": {"pic": {"uri": "urn:example:2", "headline": "Picture"}},
            "altids": {"etag": "x", "n": 1, "parts": {}},
        },
        Version(1, True),
    )
    assert item == {
        "uri": "urn:example:1",
        "headlines": [
            {"role": "main", "value": "Main"},
            {"role": "short", "contentType": "text/plain", "value": "Short"},
        ],
        "bodies": [
            {"role": "xhtml", "contentType": "text/html", "value": "<p>B</p>"},
            {"role": "text", "contentType": "text/plain", "value": "B"},
        ],
        "by": "Lim Kah Wai",
        "people": [{"name": "N", "literal": "n", "uri": "https://cv.example/n"}],
        "places": [{"name": "P", "geoJSON": {"type": "Point", "coordinates": [1, 2]}}],
        "trustIndicators": [{"title": "Policy", "role": "https://cv.example/ti/policy"}],
        "representationType": "full",
        "renditions": [{"name": "thumb", "href": "https://e.com/t.jpg", "contentType": "image/jpeg"}],
        "associations": [
            {"uri": "urn:example:2", "headlines": [{"role": "main", "value": "Picture"}], "name": "pic"}
        ],
        "altIds": [{"role": "etag", "value": "x"}, {"role": "n", "value": "1"}],
    }
    assert errors_of(item, Version(3, True)) == []
