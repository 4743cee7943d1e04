"""Dates as pages write them, ISO 8601 or as in e-mail, and which of them can be an article's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

_MIN_CHARS: Final = 8
_MAX_CHARS: Final = 40
# What ingest allows a submitter, too: pages are dated ahead for the next issue, not for the next decade.
MAX_FUTURE: Final = timedelta(days=7)
_EARLIEST: Final = datetime(1600, 1, 1, tzinfo=UTC)
# A program's empty date. One that was published in that very hour is read without a date.
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WIDTH: Final = timedelta(hours=24)


def parse_instant(value: object) -> datetime | None:
    """Return an ISO 8601 or RFC 2822 date as UTC, None for anything else; without an offset it is UTC."""
    if not isinstance(value, str):
        return None
    text = value[: 2 * _MAX_CHARS].strip()
    if not _MIN_CHARS <= len(text) <= _MAX_CHARS:
        return None
    try:
        instant = datetime.fromisoformat(text) if text[0].isdigit() else parsedate_to_datetime(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None


def plausible(instant: datetime | None, latest: datetime) -> datetime | None:
    """Return `instant` if an article seen at `latest` can have it, None for 1970-01-01, 2099 and the like."""
    if instant is None or not _EARLIEST <= instant <= latest + MAX_FUTURE:
        return None
    return None if abs(instant - _EPOCH) < _EPOCH_WIDTH else instant
