"""The parts of a ninjs 3.x item, some of which 2.x has, too. All is optional unless `Required`."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from typing_extensions import TypedDict

from shared.ninjs.geojson import GeoJSON
from shared.ninjs.types import AnyUri, Integer, Number, Percent, Text, Uri, closed, exactly_one

ItemType = Literal[
    "text", "audio", "video", "picture", "graphic", "composite", "component", "event", "planning"
]  # fmt: skip
PubStatus = Literal["usable", "withheld", "canceled"]


@closed
class Address(TypedDict, total=False):
    lines: list[Text]
    locality: Text
    area: Text
    postalCode: Text
    country: Text


@closed
class Contact(TypedDict, total=False):
    type: Text
    role: Text
    lang: Text
    name: Text
    value: Text
    address: Address


ContactInfo = list[Annotated[Contact, exactly_one("value", "address")]]


@closed
class Symbol(TypedDict, total=False):
    exchange: Text
    symbolType: Uri
    symbol: Text


@closed
class Thing(TypedDict, total=False):
    """An object; people, organisations, places and events are things with something more."""

    name: Text
    rel: Text
    uri: Uri
    literal: Text


@closed
class Person(Thing, total=False):
    contactInfo: ContactInfo


@closed
class Organisation(Thing, total=False):
    symbols: list[Symbol]
    contactInfo: ContactInfo


@closed
class Place(Thing, total=False):
    contactInfo: ContactInfo
    geoJSON: GeoJSON


@closed
class Subject(Thing, total=False):
    creator: Text
    relevance: Percent
    confidence: Percent


@closed
class Happening(Thing, total=False):
    id: Text


@closed
class InfoSource(TypedDict, total=False):
    name: Text
    role: Text
    uri: Uri
    literal: Text
    contactInfo: ContactInfo


@closed
class Genre(TypedDict, total=False):
    name: Text
    uri: AnyUri
    literal: Text


@closed
class DigitalSourceType(TypedDict, total=False):
    name: Text
    uri: Uri
    literal: Text


@closed
class Content(TypedDict, total=False):
    """A headline or a description."""

    role: Text
    contentType: Text
    value: Required[Text]


@closed
class Body(Content, total=False):
    charCount: Integer
    wordCount: Integer


@closed
class PointOfInterest(TypedDict, total=False):
    x: Integer
    y: Integer


@closed
class Rendition(TypedDict, total=False):
    name: Required[Text]
    href: Uri
    contentType: Text
    title: Text
    width: Integer
    height: Integer
    sizeInBytes: Integer
    duration: Number
    format: Text
    aspectRatio: Text
    videoCodec: Text
    frameRate: Number
    poi: PointOfInterest
    transportProtocol: Text
    scanType: Literal["progressive", "interlaced"]
    bitrate: Text


@closed
class AltId(TypedDict, total=False):
    role: Text
    value: Text


@closed
class TrustIndicator(TypedDict, total=False):
    role: Uri
    title: Text
    href: Uri


@closed
class Standard(TypedDict, total=False):
    name: Text
    version: Text
    schema: Uri


@closed
class _RightsInfo(TypedDict, total=False):
    langId: Uri
    linkedRights: Uri
    encodedRights: Text


RightsInfo = Annotated[_RightsInfo, exactly_one("linkedRights", "encodedRights")]
