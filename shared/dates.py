"""Dates that publishers give and that cannot be right: kept and marked, and never believed for an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# Times of day sent without their zone are up to 14 hours ahead, and tomorrow's paper is sent today.
TOLERANCE = timedelta(days=1)
# Clocks that nobody has set say 1970, 1980, 1900 or the year 1, and before this date nothing was on the Web.
# A digitised archive is older, which a mark does no harm.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# Under this name of `extra` an article keeps an updated_at from the future: as its updated_at it would beat
# all corrections until then.
SET_ASIDE = "doubtful_updated_at"


def is_doubtful(at: datetime, received_at: datetime) -> bool:
    """Tell whether `at` lies in the future of its receipt, or before there was a Web."""
    return at < EARLIEST or at > received_at + TOLERANCE
