"""Which documents are ninjs, of which version, and what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pydantic import TypeAdapter, ValidationError

from shared.http.problems import FieldError, json_pointer
from shared.ninjs import v1, v2, v3

Major = Literal[1, 2, 3]
Document = Mapping[str, Any]

MAX_VALUES = 20_000
MAX_ERRORS = 20
_SCHEMA = re.compile(r"ninjs-schema_([1-9])\.([0-9]{1,2})")
_VERSION = re.compile(r"([1-9])\.([0-9]{1,2})")
# 2.0 asks for their name alone.
_ASSOCIATION_URI = re.compile(r"(?:/associations/[0-9]+)+/uri")
_FREE_IN_V1 = re.compile(r"(?:description|body|headline)_[a-zA-Z0-9_]+")

_ADAPTERS: dict[Major, TypeAdapter[Any]] = {
    1: TypeAdapter(v1.Item),
    2: TypeAdapter(v2.Item),
    3: TypeAdapter(v3.Item),
}
_NAMES: dict[Major, frozenset[str]] = {
    1: frozenset(v1.property_names()),
    2: frozenset(v2.Item.__annotations__),
    3: frozenset(v3.Item.__annotations__),
}
_KNOWN = _NAMES[1] | _NAMES[2] | _NAMES[3]
# Inside the parts, which 2.x and 3.x name alike but for these.
_INNER_V2 = frozenset(
    {"contenttype", "charcount", "wordcount", "contactinfo", "postalcode", "geojson", "symboltype",
     "sizeinbytes", "ticker"}
)  # fmt: skip
_INNER_V3 = frozenset(
    {"contentType", "charCount", "wordCount", "contactInfo", "postalCode", "geoJSON", "symbolType",
     "sizeInBytes", "aspectRatio", "videoCodec", "frameRate"}
)  # fmt: skip
# What no other format has a use for: with one of these a document without `uri` is a broken ninjs document.
_TELLING = frozenset(
    {"pubstatus", "pubStatus", "versioncreated", "versionCreated", "firstcreated", "firstCreated", "bodies",
     "headlines", "infosources", "infoSources", "infosource", "trustindicators", "trustIndicators", "altids",
     "altIds", "plannedCoverage", "eventDetails", "representationtype", "representationType", "body_xhtml"}
)  # fmt: skip


class Version(NamedTuple):
    """`sure` is whether the document says its version, by itself or by its shape; else it is the newest.

    `extended` documents name a schema of their own, which may add properties to the standard's.
    """

    major: Major
    sure: bool
    minor: int | None = None
    extended: bool = False

    @property
    def formats_count(self) -> bool:
        """Whether `format` is an assertion: IPTC's own 2.0 documents have "uri": "006_genre"."""
        return self.sure and self.major == 3


def is_ninjs(document: Document, own_names: frozenset[str]) -> bool:
    """Whether the document is meant as ninjs.

    `own_names` are what only another format has that comes the same way: they count against it, unless the
    document says what it is, or has a `uri` beside names that only ninjs has.
    """
    if _names_ninjs(document):
        return True
    telling = not _TELLING.isdisjoint(document)
    if isinstance(document.get("uri"), str):
        return telling or own_names.isdisjoint(document)
    return telling and own_names.isdisjoint(document)


def version_of(document: Document) -> Version:
    """Return the version that a document declares, unless its shape contradicts, else that of its shape."""
    declared, minor = _declared(document)
    extended = _extended(document)
    shapes = _shapes(document)
    if declared is not None and (declared == 3 or declared in shapes):
        return Version(declared, True, minor, extended)
    inner = _inner_version(document)
    if inner is not None and inner in shapes:
        shapes = [inner]
    return Version(max(shapes), len(shapes) == 1, None, extended)


def _shapes(document: Document) -> list[Major]:
    """Return the versions that have all properties of the document; of a mixture the likeliest."""
    names = [name for name in document if name in _KNOWN]
    fits = {major: sum(name in known for name in names) for major, known in _NAMES.items()}
    free = sum(_FREE_IN_V1.fullmatch(name) is not None for name in document)
    fits[1] += free
    # Objects in 1.x, arrays since.
    keyed = sum(isinstance(document.get(name), dict) for name in ("renditions", "associations"))
    fits = {major: fit - (keyed if major > 1 else 0) for major, fit in fits.items()}
    most = max(fits.values())
    return [major for major, fit in fits.items() if fit == most]


def errors_of(document: Document, version: Version) -> list[FieldError]:
    """Return what is wrong with the document by the rules of its version, at most MAX_ERRORS of it."""
    if too_many_values(document):
        return [FieldError("", f"a ninjs document may hold {MAX_VALUES:,} values: split it")]
    given = {name: value for name, value in document.items() if name != "$schema"}
    if version.extended:
        known = _NAMES[version.major]
        given = {name: value for name, value in given.items() if name in known}
    errors = list(_errors(given, version))
    if (version.major, version.minor) == (2, 0):
        errors = [error for error in errors if not _ASSOCIATION_URI.fullmatch(error.pointer)]
    return errors[:MAX_ERRORS]


def is_valid(document: Document) -> bool:
    """Whether the document is valid ninjs 3.x, formats included."""
    return not errors_of(document, Version(3, True))


def property_names(major: Major) -> frozenset[str]:
    """Return the names of an item's properties in a version, but those of 1.x with a free ending."""
    return _NAMES[major]


def too_many_values(document: Document) -> bool:
    count = 0
    level: list[Any] = list(document.values())
    while level:
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        count += len(deeper)
        if count > MAX_VALUES:
            return True
        level = deeper
    return False


def _standard(document: Document) -> Document:
    for name in ("standard", "$standard"):
        standard = document.get(name)
        if isinstance(standard, dict):
            return standard
    return {}


def _schemas(document: Document) -> Iterator[str]:
    for schema in (_standard(document).get("schema"), document.get("$schema")):
        if isinstance(schema, str):
            yield schema


def _names_ninjs(document: Document) -> bool:
    named = _standard(document).get("name")
    return (isinstance(named, str) and named.lower() == "ninjs") or any(
        _SCHEMA.search(schema) for schema in _schemas(document)
    )


def _declared(document: Document) -> tuple[Major | None, int | None]:
    """Return the major and the minor version that a document says it is."""
    if not _names_ninjs(document):
        return None, None
    found = next(filter(None, (_SCHEMA.search(schema) for schema in _schemas(document))), None)
    version = _standard(document).get("version")
    if found is None and isinstance(version, str):
        found = _VERSION.match(version)
    if found is None:
        return None, None
    majors: dict[str, Major] = {"1": 1, "2": 2, "3": 3}
    return majors.get(found[1]), int(found[2])


def _extended(document: Document) -> bool:
    return any(_SCHEMA.search(schema) is None for schema in _schemas(document))


def _inner_version(document: Document) -> Major | None:
    names: set[str] = set()
    level: list[Any] = [value for name, value in document.items() if name not in ("altids", "altIds")]
    for _ in range(4):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                names.update(value)
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
        level = deeper
    second, third = not _INNER_V2.isdisjoint(names), not _INNER_V3.isdisjoint(names)
    if second == third:
        return None
    return 2 if second else 3


def _errors(document: Document, version: Version) -> Iterator[FieldError]:
    try:
        _ADAPTERS[version.major].validate_python(document, context={"formats": version.formats_count})
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            where = _path(document, problem["loc"], problem["type"])
            name = ".".join(map(str, where)) or "the document"
            yield FieldError(json_pointer(where), f"{name[:200]} {_advice(problem, where, version.major)}")


def _path(document: Any, location: tuple[int | str, ...], kind: str) -> list[int | str]:
    """Return the part of `location` that the document has: pydantic adds names of union members to it."""
    path: list[int | str] = []
    value: Any = document
    for step in location:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            continue
        path.append(step)
    if kind == "missing":
        path.append(location[-1])
    return path


_MUST_BE = {
    "string_type": "a string",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "list_type": "an array",
    "dict_type": "an object",
}


def _advice(problem: Any, where: list[int | str], major: Major) -> str:
    kind: str = problem["type"]
    context = problem.get("ctx", {})
    match kind:
        case "wrong":
            return str(context["advice"])
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"is no property of ninjs {major}.x{_meant(str(where[-1]), major)}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "too_short":
            return f"must have at least {context['min_length']} elements"
        case "union_tag_not_found":
            return "is no GeoJSON: it has no type"
        case "union_tag_invalid":
            return f"is no GeoJSON: its type must be one of {context['expected_tags']}"
        case _:
            return f"must be {_MUST_BE.get(kind, 'as the standard says')}"


def _meant(name: str, major: Major) -> str:
    meant = {known.lower(): known for known in _NAMES[major] | (_INNER_V3 if major == 3 else _INNER_V2)}
    known = meant.get(name.lower())
    return f"; it is spelled {known} there" if known and known != name else ""
