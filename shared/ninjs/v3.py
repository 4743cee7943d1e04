"""The properties of ninjs 3.0 and 3.1, and the parts of events and of planned coverage."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from typing_extensions import TypedDict

from shared.ninjs.types import (
    DateTime,
    Integer,
    Text,
    TruncatedDateTime,
    Urgency,
    Uri,
    checked,
    closed,
    wrong,
)
from shared.ninjs.v3_parts import (
    AltId,
    Body,
    Content,
    DigitalSourceType,
    Genre,
    Happening,
    InfoSource,
    ItemType,
    Organisation,
    Person,
    Place,
    PubStatus,
    Rendition,
    RightsInfo,
    Standard,
    Subject,
    Thing,
    TrustIndicator,
)


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
