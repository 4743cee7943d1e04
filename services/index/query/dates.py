"""Dates as people type them in a query, read as the whole span they name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY_OR_LONGER = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
_LONGEST_DATE_CHARS = 40


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open [start, end) in UTC. `end` is None when it lies past the last year there is."""

    start: datetime
    end: datetime | None


def parse_span(text: str) -> Span | None:
    """Return the span `text` names (2026, 2026-11, 2026-11-05, 2026-11-05T10:30Z), or None if it names none.

    A time without a zone is UTC. A minute is 60 s long, a time with seconds one second.
    """
    if len(text) > _LONGEST_DATE_CHARS:
        return None
    match = _DAY_OR_LONGER.fullmatch(text)
    try:
        if match is not None:
            return _calendar_span(*(int(part) if part else None for part in match.groups()))
        start = datetime.fromisoformat(text)
        start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # "T10:30" has one colon in its clock time and names a minute; "T10:30:00" names a second.
    clock = re.split(r"[Tt ]", text, maxsplit=1)[-1]
    clock = re.split(r"[Zz+-]", clock, maxsplit=1)[0]
    if clock.count(":") > 1 or "." in clock:
        return _span(start.replace(microsecond=0), timedelta(seconds=1))
    return _span(start, timedelta(minutes=1))


def _calendar_span(year: int | None, month: int | None, day: int | None) -> Span:
    start = datetime(year or 0, month or 1, day or 1, tzinfo=UTC)
    if day is not None:
        return _span(start, timedelta(days=1))
    if month is None:
        return Span(start, datetime(start.year + 1, 1, 1, tzinfo=UTC) if start.year < 9999 else None)
    first_of_next = _span(start, timedelta(days=31)).end
    return Span(start, first_of_next.replace(day=1) if first_of_next else None)


def _span(start: datetime, length: timedelta) -> Span:
    try:
        return Span(start, start + length)
    except OverflowError:
        return Span(start, None)
