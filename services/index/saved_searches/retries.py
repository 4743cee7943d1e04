"""When a delivery that failed is tried again, and when a receiver is given up. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from services.index.saved_searches.records import Attempt, Health, Message, MessageState, Verdict

# Some twenty attempts over a day: soon after a restart, patiently after a crash at night.
WAITS_S: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0)
JITTER: Final = 0.2
DAY: Final = timedelta(days=1)
# A receiver that nothing has come for in a month and that then fails once is not dead for a month.
ATTEMPTS_TO_DISABLE: Final = 10


def wait_after(failures: int, share: float) -> timedelta:
    """Return how long to wait after so many failures in a row; `share`, 0…1, spreads it by ±JITTER."""
    wait_s = WAITS_S[min(max(failures, 1), len(WAITS_S)) - 1]
    return timedelta(seconds=wait_s * (1 - JITTER + 2 * JITTER * share))


def health_after(health: Health, attempt: Attempt, share: float) -> Health:
    """Return how a receiver does after an attempt, and when to try it again.

    It is asked as late as it wants (Retry-After), within a day.
    """
    if attempt.outcome == "delivered":
        return Health()
    long_ago = health.not_before is not None and attempt.at - health.not_before > DAY
    failures = 1 if long_ago else health.failures + 1
    since = attempt.at if long_ago or health.failing_since is None else health.failing_since
    asked = timedelta(seconds=min(attempt.retry_after_s or 0.0, DAY.total_seconds()))
    return Health(failures, since, attempt.at + max(wait_after(failures, share), asked))


def why_disabled(health: Health, attempt: Attempt) -> str | None:
    """Return why a receiver with this health is told nothing more, or None if it is."""
    if attempt.outcome == "gone":
        return "the receiver answered 410 Gone"
    since = health.failing_since
    if since is None or health.failures < ATTEMPTS_TO_DISABLE or attempt.at - since < DAY:
        return None
    last = f"status {attempt.status}" if attempt.status is not None else attempt.outcome
    return f"{health.failures} attempts since {since:%Y-%m-%d %H:%M} UTC have failed, the last with {last}"


def verdict_on(message: Message, attempt: Attempt, share: float) -> Verdict:
    """Return what an attempt makes of a message. One that is rejected for a day, others not, has failed."""
    if attempt.outcome == "delivered":
        return Verdict(MessageState.DELIVERED, attempt.at)
    if attempt.of_receiver:
        return Verdict(MessageState.PENDING, attempt.at, message.rejections, message.rejected_at)
    since = message.rejected_at or attempt.at
    if attempt.at - since >= DAY:
        return Verdict(MessageState.FAILED, attempt.at)
    rejections = message.rejections + 1
    return Verdict(MessageState.PENDING, attempt.at + wait_after(rejections, share), rejections, since)
