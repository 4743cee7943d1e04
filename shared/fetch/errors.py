"""How a fetch ends without a response. `reason` is one word of a closed set, the message is for people.

No message holds a URL's user, path or query: those may be secret, and messages end up in logs.
"""

from __future__ import annotations

from typing import Literal

from shared.errors import WireroomError

RefusedReason = Literal["url", "scheme", "userinfo", "host", "port", "address", "robots"]
FailedReason = Literal[
    "dns",
    "connect",
    "tls",
    "timeout",
    "protocol",
    "encoding",
    "too_large",
    "redirects",
    "media_type",
    "status",
    "busy",
]


class FetchError(WireroomError):
    """A fetch that gave no response."""

    reason: str


class FetchRefused(FetchError):
    """This URL may not be fetched: the guard forbids it, or the site does (`robots`)."""

    reason: RefusedReason

    def __init__(self, reason: RefusedReason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class FetchFailed(FetchError):
    """The fetch was allowed and gave nothing. `transient`: the same may work later.

    `retry_after_s` is set when something said how long to wait.
    """

    reason: FailedReason

    def __init__(
        self, reason: FailedReason, detail: str, *, transient: bool, retry_after_s: float | None = None
    ) -> None:
        self.reason = reason
        self.transient = transient
        self.retry_after_s = retry_after_s
        super().__init__(detail)
