"""Dates as people type them in a query, read as the whole span they name."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_DAY_OR_LONGER = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", re.ASCII)
# As in Elasticsearch: M is a month, m a minute, and /d is the whole day in which the instant lies.
_RELATIVE = re.compile(r"now((?:[+-]\d{1,6}[smhdwMy]){0,4})(?:/([smhdwMy]))?", re.ASCII)
_STEP = re.compile(r"([+-]\d+)([smhdwMy])", re.ASCII)
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
_LENGTHS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST_DATE_CHARS = 40


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open [start, end) in UTC. `end` is None when it lies past the last year there is."""

    start: datetime
    end: datetime | None


def parse_span(text: str, now: datetime | None = None) -> Span | None:
    """Return the span `text` names, or None if it names none.

    2026, 2026-11, 2026-11-05, 2026-11-05T10:30Z; and beside `now`, in UTC: today, yesterday, tomorrow,
    now-7d, now-1M/d. A time without a zone is UTC. A minute is 60 s long; a time with seconds, and what is
    counted from `now` without a rounding, one second.
    """
    if len(text) > _LONGEST_DATE_CHARS:
        return None
    match = _DAY_OR_LONGER.fullmatch(text)
    try:
        if now is not None and (relative := _relative_span(text, now.astimezone(UTC))) is not None:
            return relative
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


def is_relative(text: str) -> bool:
    """Tell whether `text` is a date that moves with the clock."""
    return text.lower() in _DAYS or _RELATIVE.fullmatch(text) is not None


def _relative_span(text: str, now: datetime) -> Span | None:
    """Raises OverflowError or ValueError beyond the years there are."""
    if (days := _DAYS.get(text.lower())) is not None:
        return _rounded(now + timedelta(days=days), "d")
    match = _RELATIVE.fullmatch(text)
    if match is None:
        return None
    at = now
    for count, unit in _STEP.findall(match[1]):
        if unit in "My":
            at = _months_later(at, int(count) * (12 if unit == "y" else 1))
        else:
            at += int(count) * _LENGTHS[unit]
    return _rounded(at, match[2] or "s")


def _months_later(at: datetime, months: int) -> datetime:
    """Return the same day of another month, or its last where it has no such day."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError("no such year")
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))


def _rounded(at: datetime, unit: str) -> Span:
    """Return the whole second, minute, …, year in which an instant lies; a week begins on Monday."""
    if unit == "y":
        return _calendar_span(at.year)
    if unit == "M":
        return _calendar_span(at.year, at.month)
    start = at.replace(microsecond=0)
    if unit != "s":
        start = start.replace(second=0)
    if unit in "hdw":
        start = start.replace(minute=0)
    if unit in "dw":
        start = start.replace(hour=0)
    if unit == "w":
        start -= timedelta(days=start.weekday())
    return _span(start, _LENGTHS[unit])


def _calendar_span(year: int | None, month: int | None = None, day: int | None = None) -> Span:
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
