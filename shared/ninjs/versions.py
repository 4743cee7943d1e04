"""Documents of ninjs 1.x and 2.x under the names of 3.x, so that all that follows knows one shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.ninjs.checking import Version

_CAMEL = {
    name.lower(): name
    for name in (
        "representationType", "firstCreated", "versionCreated", "contentCreated", "pubStatus",
        "copyrightHolder", "copyrightNotice", "usageTerms", "edNote", "infoSources", "altIds",
        "trustIndicators", "rightsInfo", "digitalSourceType", "contentType", "charCount", "wordCount",
        "contactInfo", "postalCode", "geoJSON", "symbolType", "sizeInBytes", "langId", "linkedRights",
        "encodedRights",
    )
} | {"embargoed": "embargoedUntil", "ticker": "symbol"}  # fmt: skip
# Whose insides are not ninjs.
_FOREIGN = frozenset({"geojson", "altids", "standard"})
_PLURAL = {
    "person": "people", "organisation": "organisations", "place": "places", "subject": "subjects",
    "event": "events", "object": "objects", "infosource": "infoSources", "genre": "genres",
    "trustindicator": "trustIndicators",
}  # fmt: skip
_COMPLETENESS = {"complete": "full", "incomplete": "partial"}
_FREE = re.compile(r"(description|body|headline)_([a-zA-Z0-9_]+)")
_CONTENTS = {"description": "descriptions", "body": "bodies", "headline": "headlines"}
_HTML = re.compile(r"x?html5?|nitf")


def as_3x(document: Mapping[str, Any], version: Version) -> dict[str, Any]:
    """Return a valid document of any version under the names of 3.x; `$schema` and `standard` go.

    What 3.x would refuse of the values is as it was: urgencies such as 4.5, URIs without a scheme.
    """
    given = {
        name: value for name, value in document.items() if name not in ("$schema", "standard", "$standard")
    }
    if version.major == 3:
        return given
    return _from_1x(given) if version.major == 1 else _renamed(given)


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _CAMEL.get(name, name): item if name in _FOREIGN else _renamed(item) for name, item in value.items()
    }


def _from_1x(document: Mapping[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for name, value in document.items():
        free = _FREE.match(name)
        if name == "headline":
            item.setdefault("headlines", []).insert(0, {"role": "main", "value": value})
        elif free:
            item.setdefault(_CONTENTS[free[1]], []).append(_content(free[2], value))
        elif name == "byline":
            item["by"] = value
        elif name in _PLURAL:
            item[_PLURAL[name]] = [
                _with_uri(thing, "role" if name == "trustindicator" else "uri") for thing in value
            ]
        elif name == "representationtype":
            item["representationType"] = _COMPLETENESS[value]
        elif name == "renditions":
            item[name] = [{"name": key, **_rendition(one)} for key, one in value.items()]
        elif name == "associations":
            item[name] = [{**_from_1x(one), "name": key} for key, one in value.items()]
        elif name == "altids":
            item["altIds"] = [{"role": role, "value": str(one)} for role, one in _plain(value)]
        else:
            item[_CAMEL.get(name, name)] = _renamed(value)
    return item


def _content(role: str, value: str) -> dict[str, str]:
    markup = _HTML.search(role)
    return {"role": role, "contentType": "text/html" if markup else "text/plain", "value": value}


def _rendition(rendition: Mapping[str, Any]) -> dict[str, Any]:
    renamed: dict[str, Any] = _renamed(rendition)
    if "mimetype" in renamed:
        renamed["contentType"] = renamed.pop("mimetype")
    return renamed


def _with_uri(thing: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a thing that is named by scheme and code as one that is named by a URI under `name`."""
    scheme, code = thing.get("scheme"), thing.get("code")
    rest: dict[str, Any] = {
        "geoJSON" if key == "geometry_geojson" else key: one if key.startswith("geometry_") else _renamed(one)
        for key, one in thing.items()
        if key not in ("scheme", "code")
    }
    if code and name == "uri":
        rest["literal"] = code
    if scheme and code:
        rest[name] = f"{scheme}{code}" if scheme.endswith(("/", ":", "#")) else f"{scheme}/{code}"
    return rest


def _plain(value: Mapping[str, Any]) -> Iterator[tuple[str, str | int | float]]:
    for role, one in value.items():
        if isinstance(one, str | int | float):
            yield role, one
