"""Instants as whole microseconds since 1970, exact and ordered as numbers are, and as text. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def microseconds_of(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def instant_of(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def rfc3339(at: datetime) -> str:
    """Return the instant in UTC, to the second: 2026-11-25T08:00:00Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
