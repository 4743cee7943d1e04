"""The clock that services pass down as `now`; pure modules are given the time instead."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    return datetime.now(UTC)
