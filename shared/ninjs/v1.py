"""The properties of ninjs 1.0 to 1.4. Names with a free ending (`body_html`) are taken apart first."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Required

from pydantic import BeforeValidator
from typing_extensions import TypedDict

from shared.ninjs.types import DateTime, Number, Text, Uri, closed, exactly_one, open_, wrong
from shared.ninjs.v3_parts import PubStatus, Standard

# Anchored at the start only, as the schema's patternProperties are.
_TEXTS = re.compile(r"(?:description|body|headline)_[a-zA-Z0-9_]+")
_GEOMETRY = re.compile(r"geometry_[a-zA-Z0-9_]+")
_KEY = re.compile(r"[a-zA-Z0-9_]+")


def _free_texts(value: Any) -> Any:
    """Take `body_html` and its like out, after a look at them: a TypedDict knows no patterns."""
    if not isinstance(value, dict):
        return value
    free = [name for name in value if isinstance(name, str) and _TEXTS.match(name)]
    for name in free:
        if not isinstance(value[name], str):
            raise wrong(f"has {name[:40]}, which must be a string")
    return {name: item for name, item in value.items() if name not in free} if free else value


def _geometries(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    free = [name for name in value if isinstance(name, str) and _GEOMETRY.match(name)]
    for name in free:
        if not isinstance(value[name], dict):
            raise wrong(f"has {name[:40]}, which must be an object")
    return {name: item for name, item in value.items() if name not in free}


def _key(value: str) -> str:
    if not _KEY.match(value):
        raise wrong("must have a key that starts with a letter, a digit or _")
    return value


Key = Annotated[Text, BeforeValidator(_key)]


@closed
class Genre(TypedDict, total=False):
    name: Text
    scheme: Uri
    code: Text


@closed
class Thing(Genre, total=False):
    """A person, subject, event, object or source of information."""

    rel: Text


@closed
class Symbol(TypedDict, total=False):
    ticker: Text
    exchange: Text


@closed
class Organisation(Thing, total=False):
    symbols: list[Symbol]


Place = Annotated[Thing, BeforeValidator(_geometries)]


@closed
class Rendition(TypedDict, total=False):
    href: Uri
    mimetype: Text
    title: Text
    height: Number
    width: Number
    sizeinbytes: Number
    duration: Number
    format: Text


@closed
class TrustIndicator(TypedDict, total=False):
    scheme: Uri
    code: Text
    title: Text
    href: Uri


@open_
class _RightsInfo(TypedDict, total=False):
    langid: Uri
    linkedrights: Uri
    encodedrights: Text


RightsInfo = Annotated[_RightsInfo, exactly_one("linkedrights", "encodedrights")]

_Item = TypedDict(
    "_Item",
    {
        "$standard": Standard,
        "uri": Required[Uri],
        "type": Literal["text", "audio", "video", "picture", "graphic", "composite", "component"],
        "mimetype": Text,
        "representationtype": Literal["complete", "incomplete"],
        "profile": Text,
        "version": Text,
        "firstcreated": DateTime,
        "versioncreated": DateTime,
        "contentcreated": DateTime,
        "embargoed": DateTime,
        "pubstatus": PubStatus,
        "urgency": Number,
        "copyrightholder": Text,
        "copyrightnotice": Text,
        "usageterms": Text,
        "ednote": Text,
        "language": Text,
        "person": list[Thing],
        "organisation": list[Organisation],
        "place": list[Place],
        "subject": list[Thing],
        "event": list[Thing],
        "object": list[Thing],
        "infosource": list[Thing],
        "title": Text,
        "byline": Text,
        "headline": Text,
        "slugline": Text,
        "located": Text,
        "charcount": Number,
        "wordcount": Number,
        "renditions": dict[Key, Rendition],
        "associations": "dict[Key, Item]",
        "altids": dict[str, Any],
        "trustindicator": list[TrustIndicator],
        "genre": list[Genre],
        "expires": DateTime,
        "rightsinfo": RightsInfo,
    },
    total=False,
)  # fmt: skip
closed(_Item)
Item = Annotated[_Item, BeforeValidator(_free_texts)]


def property_names() -> list[str]:
    """Return the names of an item's properties but those with a free ending."""
    return list(_Item.__annotations__)
