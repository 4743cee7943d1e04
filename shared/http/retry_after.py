"""The Retry-After header of an answer (RFC 9110, 10.2.3). Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def seconds_from_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds from `now` that `value` asks to wait, a number or a date; None if it says neither.

    A date that has passed gives 0. The result has no upper bound: the caller's patience has.
    """
    text = (value or "").strip()
    if not text or len(text) > 1_000:
        return None
    try:
        if text.isascii() and text.isdecimal():
            return float(text)
        at = parsedate_to_datetime(text)
        return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    except (ValueError, OverflowError, TypeError):
        return None
