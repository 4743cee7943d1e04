"""When a feed is polled next. Pure.

Without an interval of its own a feed is polled more often when it changes and less often when it does not,
within bounds, and never more often than its publisher asks for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import Random

FIRST_INTERVAL_S = 900.0
QUICKER, SLOWER = 0.6, 1.3
JITTER = 0.1
FIRST_RETRY_S = 60.0
MAX_RETRY_S = 86_400.0
# Hubs fail in silence, so what they push is polled too, but seldom.
PUSHED_FACTOR = 4.0
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def jittered(seconds: float, random: Random) -> float:
    """Return the time give or take a tenth, so that feeds which were added together drift apart."""
    return seconds * (1 + JITTER * (2 * random.random() - 1))


def next_interval_s(
    current_s: float | None, *, changed: bool, asked_s: float | None, min_s: float, max_s: float
) -> float:
    """Return how long to wait before the next poll. `asked_s` is the publisher's own wish."""
    interval = FIRST_INTERVAL_S if current_s is None else current_s * (QUICKER if changed else SLOWER)
    return min(max(interval, min_s, asked_s or 0.0), max_s)


def retry_delay_s(errors_in_row: int, *, interval_s: float, retry_after_s: float | None) -> float:
    """Return how long to wait after a failure: twice as long with each, and at least what was asked for.

    The first retries come soon even where the feed is polled seldom: most failures are over in a minute.
    """
    backoff = min(FIRST_RETRY_S, interval_s) * 2.0 ** min(errors_in_row - 1, 20)
    return min(max(backoff, retry_after_s or 0.0), MAX_RETRY_S)


def max_age_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds for which the response's Cache-Control says that it stays as it is."""
    match = _MAX_AGE.search(headers.get("cache-control", "")[:1000])
    return float(match.group(1)) if match else None
