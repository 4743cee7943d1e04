"""Our rules against IPTC's own schemas, over documents that were changed at random."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from shared.ninjs.checking import Version, errors_of, property_names, version_of
from tests.conformance import conformance_files, why_absent

SCHEMAS = {path.stem: path for path in conformance_files("ninjs", "specification", pattern="*.json")}
DOCUMENTS = [
    json.loads(path.read_bytes())
    for pattern in ("should_pass/*.json", "examples/*/*.json")
    for path in conformance_files("ninjs", pattern=pattern)
]
NAMES = ["random", "contenttype", "contentType", "value", "role", "name", "rel", "href", "body_html", "body_"]
VALUES: list[Any] = [
    None, True, 0, 1, -1, 11, 1.0, 0.5, "x", "http://e.com/x", "2022-01-01", "2022-01-01T00:00:00Z", [], {},
    ["a"], [{}], {"a": 1}, "usable", "text", {"value": "v"}, [{"value": "v"}],
    [{"name": "n", "uri": "urn:a:b"}],
]  # fmt: skip
ROUNDS = 3_000

pytestmark = pytest.mark.skipif(
    "ninjs-schema_3.1" not in SCHEMAS or not DOCUMENTS, reason=why_absent("ninjs", "specification")
)


def validator(name: str, *, formats: bool) -> Any:
    # GeoJSON's schema is not among them; tests/shared/ninjs/test_checking.py has cases of it.
    registry = jsonschema_rs.Registry([("https://geojson.org/schema/GeoJSON.json", {})])
    schema = json.loads(SCHEMAS[name].read_bytes())
    kind = jsonschema_rs.Draft4Validator if name.endswith("1.4") else jsonschema_rs.Draft202012Validator
    return kind(schema, validate_formats=formats, registry=registry)


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places_in(item, (*path, key))


def changed(document: Any, chance: random.Random) -> Any:
    """Return the document with one thing in it removed, replaced or added."""
    document = copy.deepcopy(document)
    path = chance.choice(list(places_in(document)))
    names = [*NAMES, *property_names(1), *property_names(2), *property_names(3)]
    if not path:
        document[chance.choice(names)] = chance.choice(VALUES)
        return document
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    action = chance.random()
    if action < 0.3:
        del parent[path[-1]]
    elif action < 0.65:
        parent[path[-1]] = chance.choice(VALUES)
    elif isinstance(parent[path[-1]], dict):
        parent[path[-1]][chance.choice(names)] = chance.choice(VALUES)
    elif isinstance(parent[path[-1]], list):
        parent[path[-1]].append(chance.choice(VALUES))
    return document


@pytest.mark.parametrize("seed", range(2))
def test_our_rules_are_those_of_the_schemas(seed: int) -> None:
    validators = {
        1: validator("ninjs-schema_1.4", formats=False),
        2: validator("ninjs-schema_2.2", formats=False),
        3: validator("ninjs-schema_3.1", formats=True),
    }
    lenient = validator("ninjs-schema_3.1", formats=False)
    chance = random.Random(seed)
    compared = 0
    for _ in range(ROUNDS):
        document = changed(chance.choice(DOCUMENTS), chance)
        version = version_of(document)
        if version.extended or "$schema" in document or "geo" in json.dumps(document).lower():
            continue
        compared += 1
        errors = errors_of(document, version)
        judge = lenient if version == Version(3, False) else validators[version.major]
        # Stricter than the schemas in one thing: a date is to be one in all versions.
        ours_alone = errors and all("date and time" in error.detail for error in errors)
        if not ours_alone:
            assert judge.is_valid(document) == (not errors), (document, errors)
    assert compared > ROUNDS / 2
