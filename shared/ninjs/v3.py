"""The properties of ninjs 3.0 and 3.1. All are optional unless `Required`."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from typing_extensions import TypedDict

from shared.ninjs.geojson import GeoJSON
from shared.ninjs.types import (
    AnyUri,
    DateTime,
    Integer,
    Number,
    Percent,
    Text,
    TruncatedDateTime,
    Urgency,
    Uri,
    checked,
    closed,
    exactly_one,
    wrong,
)

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
class RecurrenceRule(TypedDict, total=False):
    frequency: Literal["secondly", "minutely", "hourly", "daily", "weekly", "monthly", "yearly"]
    interval: Integer
    until: DateTime
    count: Integer


@closed
class Recurrence(TypedDict, total=False):
    """The schema asks that recurrenceDates be an array and a date at once: an array of dates here."""

    recurrenceDates: list[TruncatedDateTime]
    recurrenceRules: list[RecurrenceRule]


@closed
class _Dates(TypedDict, total=False):
    startDate: DateTime
    endDate: DateTime
    expectedStartDate: TruncatedDateTime
    expectedEndDate: TruncatedDateTime
    expectedDuration: Text
    recurrence: Recurrence


def _start_or_end_is_plain(dates: dict[str, Any]) -> None:
    """The schema's anyOf: either the start is given in exactly one way, or the end is."""
    starts = ("startDate" in dates) + ("expectedStartDate" in dates)
    ends = ("endDate" in dates) + ("expectedEndDate" in dates)
    if starts != 1 and ends != 1:
        raise wrong(
            "must have exactly one of startDate and expectedStartDate, or of endDate and expectedEndDate"
        )


Dates = Annotated[_Dates, checked(_start_or_end_is_plain)]


@closed
class EventDetails(TypedDict, total=False):
    eventStatus: Uri
    plannedCoverageStatus: Uri
    dates: Dates
    organiser: Organisation


@closed
class Reference(TypedDict, total=False):
    name: Text
    value: Text


@closed
class Commissioned(TypedDict, total=False):
    by: Text
    on: DateTime
    references: list[Reference]


@closed
class Audience(TypedDict, total=False):
    audience: Text
    significance: Integer


@closed
class ItemCount(TypedDict, total=False):
    rangeFrom: Integer
    rangeTo: Integer


@closed
class PlannedCoverage(TypedDict, total=False):
    uri: Uri
    title: Text
    pubStatus: PubStatus
    type: ItemType
    commissioned: Commissioned
    dates: Dates
    audiences: list[Audience]
    exclAudience: list[Text]
    edNote: Text
    urgency: Urgency
    language: Text
    itemCount: ItemCount
    wordCount: Integer
    renditions: list[Rendition]


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


@closed
class Item(TypedDict, total=False):
    """A ninjs document."""

    uri: Required[Uri]
    type: ItemType
    representationType: Literal["full", "partial"]
    profile: Text
    version: Text
    firstCreated: DateTime
    versionCreated: DateTime
    contentCreated: DateTime
    embargoedUntil: DateTime
    pubStatus: PubStatus
    urgency: Urgency
    copyrightHolder: Text
    copyrightNotice: Text
    usageTerms: Text
    edNote: Text
    language: Text
    descriptions: list[Content]
    bodies: list[Body]
    headlines: list[Content]
    people: list[Person]
    organisations: list[Organisation]
    places: list[Place]
    subjects: list[Subject]
    events: list[Happening]
    eventDetails: EventDetails
    plannedCoverage: list[PlannedCoverage]
    objects: list[Thing]
    infoSources: list[InfoSource]
    title: Text
    by: Text
    slugline: Text
    located: Text
    renditions: list[Rendition]
    associations: list[Association]
    altIds: list[AltId]
    trustIndicators: list[TrustIndicator]
    standard: Standard
    genres: list[Genre]
    expires: DateTime
    rightsInfo: RightsInfo
    digitalSourceType: DigitalSourceType


@closed
class Association(Item, total=False):
    name: Required[Text]
    rel: Text
