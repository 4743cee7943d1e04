"""The properties of ninjs 2.0 to 2.2: mostly those of 3.x in lower case."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from typing_extensions import TypedDict

from shared.ninjs.geojson import GeoJSON
from shared.ninjs.types import DateTime, Number, Text, Uri, closed, exactly_one, open_
from shared.ninjs.v3_parts import (
    AltId,
    DigitalSourceType,
    Genre,
    PubStatus,
    Standard,
    Subject,
    Thing,
    TrustIndicator,
)


@closed
class Address(TypedDict, total=False):
    lines: list[Text]
    locality: Text
    area: Text
    postalcode: Text
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
    ticker: Text
    exchange: Text
    symboltype: Uri
    symbol: Text


@closed
class Person(Thing, total=False):
    contactinfo: ContactInfo


@closed
class Organisation(Thing, total=False):
    symbols: list[Symbol]
    contactinfo: ContactInfo


@closed
class Place(Thing, total=False):
    contactinfo: ContactInfo
    geojson: GeoJSON


@closed
class InfoSource(TypedDict, total=False):
    name: Text
    role: Text
    uri: Uri
    literal: Text
    contactinfo: ContactInfo


@closed
class Content(TypedDict, total=False):
    role: Text
    contenttype: Text
    value: Required[Text]


@closed
class Body(Content, total=False):
    charcount: Number
    wordcount: Number


@closed
class Rendition(TypedDict, total=False):
    name: Required[Text]
    href: Uri
    contenttype: Text
    title: Text
    width: Number
    height: Number
    sizeinbytes: Number
    duration: Number
    format: Text


@open_
class _RightsInfo(TypedDict, total=False):
    langid: Uri
    linkedrights: Uri
    encodedrights: Text


RightsInfo = Annotated[_RightsInfo, exactly_one("linkedrights", "encodedrights")]


@closed
class Item(TypedDict, total=False):
    """A ninjs document."""

    uri: Required[Uri]
    type: Literal["text", "audio", "video", "picture", "graphic", "composite", "component"]
    representationtype: Literal["full", "partial"]
    profile: Text
    version: Text
    firstcreated: DateTime
    versioncreated: DateTime
    contentcreated: DateTime
    embargoed: DateTime
    pubstatus: PubStatus
    urgency: Number
    copyrightholder: Text
    copyrightnotice: Text
    usageterms: Text
    ednote: Text
    language: Text
    descriptions: list[Content]
    bodies: list[Body]
    headlines: list[Content]
    people: list[Person]
    organisations: list[Organisation]
    places: list[Place]
    subjects: list[Subject]
    events: list[Thing]
    objects: list[Thing]
    infosources: list[InfoSource]
    title: Text
    by: Text
    slugline: Text
    located: Text
    renditions: list[Rendition]
    associations: list[Association]
    altids: list[AltId]
    trustindicators: list[TrustIndicator]
    standard: Standard
    genres: list[Genre]
    expires: DateTime
    rightsinfo: RightsInfo
    digitalsourcetype: DigitalSourceType


@closed
class Association(Item, total=False):
    name: Required[Text]
