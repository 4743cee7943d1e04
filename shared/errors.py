"""Errors whose type carries the decision: retry later, give up now, or refuse to start."""

from __future__ import annotations

from typing import ClassVar


class WireroomError(Exception):
    """Base of all errors of our own."""


class TransientError(WireroomError):
    """May work later: retried with backoff and jitter."""


class PermanentError(WireroomError):
    """Never will work: dead-lettered now. `reason` is one word of a closed set, used as a metric label."""

    reason: ClassVar[str] = "permanent"


class InvalidEvent(PermanentError):
    """The bytes of an entry are no event of ours."""

    reason = "invalid_event"


class UnsupportedSchema(PermanentError):
    """The entry was written by a version whose major we do not read: it is parked until one does."""

    reason = "unsupported_schema"

    def __init__(self, version: str) -> None:
        self.version = version
        super().__init__(
            f"schema version {version} is not readable here: upgrade this service, readers before writers"
        )


class UnexpectedEvent(PermanentError):
    """A valid event, but not one that its stream carries."""

    reason = "unexpected_event"


class UnprocessableArticle(PermanentError):
    """The article itself makes a step fail, whatever is tried."""

    reason = "unprocessable_article"


class ConsumerDied(WireroomError):
    """Whatever worked on the entry died or hung, each time it was delivered."""


class ConfigurationError(WireroomError):
    """The service cannot start as it is configured; the message says what to change."""


ATTEMPTS_EXHAUSTED = "attempts_exhausted"

DEAD_LETTER_REASONS = (
    InvalidEvent.reason,
    UnsupportedSchema.reason,
    UnexpectedEvent.reason,
    UnprocessableArticle.reason,
    PermanentError.reason,
    ATTEMPTS_EXHAUSTED,
)
