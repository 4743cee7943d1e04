"""Instants as people type them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import typer

_AGO = re.compile(r"(\d{1,5})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def instant_of(text: str, now: datetime) -> datetime:
    """Return the instant that `10m` (ago), a date or an ISO 8601 instant stand for; UTC without a zone."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter("--since takes 30s, 10m, 2h, 7d, a date or an instant.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
