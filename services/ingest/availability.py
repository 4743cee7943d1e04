"""When nothing can be taken: the pipeline is full, or Redis does not answer or takes no writes.

Each is a 503 with Retry-After, so that well-behaved clients come back by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.http.problems import Problem

RETRY_AFTER_S = 2
READ_TIMEOUT_S = 1.5

# Replies of a Redis that works but takes no writes now; anything else it refuses is our mistake.
# redis-py gives some codes a class of their own and drops them from the message.
_UNABLE_CLASSES: tuple[tuple[type[RedisError], str], ...] = (
    (OutOfMemoryError, "OOM"), (ReadOnlyError, "READONLY"), (BusyLoadingError, "LOADING"),
    (MasterDownError, "MASTERDOWN"), (ClusterDownError, "CLUSTERDOWN"), (TryAgainError, "TRYAGAIN"),
)  # fmt: skip
_UNABLE_CODES = ("OOM", "MISCONF", "BUSY", "NOREPLICAS")


class Backlog(Protocol):
    """What is known about the pipeline's backlog (`shared.runtime.backpressure`)."""

    @property
    def full(self) -> bool: ...
    @property
    def fresh(self) -> bool: ...
    @property
    def reason(self) -> str | None: ...
    @property
    def retry_after_s(self) -> int: ...


def check_room(backlog: Backlog) -> None:
    """Raises a 503 Problem when the pipeline is full, or when nobody knows whether it is."""
    if not backlog.fresh:
        raise unavailable("redis-unavailable", "Redis does not answer, so nothing can be accepted now.")
    if backlog.full:
        detail = f"The pipeline is full: {backlog.reason}. Nothing of this request was taken."
        raise unavailable("pipeline-full", detail, backlog.retry_after_s)


def unavailable(slug: str, detail: str, retry_after_s: int = RETRY_AFTER_S) -> Problem:
    advice = f"{detail} Try again in {retry_after_s} s; submitting twice is safe."
    return Problem(503, slug, advice, headers={"retry-after": str(retry_after_s)})


def state_missing() -> Problem:
    detail = (
        "Redis does not hold what is known of the articles, so a correction could not be told from a new "
        "article. The index service restores it."
    )
    return unavailable("state-missing", detail)


def outcome_unknown() -> Problem:
    return unavailable(
        "outcome-unknown", "Redis did not answer: the submit may or may not have been accepted."
    )


def problem_from_write_error(error: Exception) -> Exception:
    """Return the 503 for a Redis that cannot take writes now; another error is returned as it is."""
    if isinstance(error, RedisError) and (code := _unable(error)) is not None:
        return unavailable("redis-unable", f"Redis takes no writes now ({code}).")
    if isinstance(error, RedisTimeoutError | RedisConnectionError | OSError):
        return outcome_unknown()
    return error


@asynccontextmanager
async def reading() -> AsyncIterator[None]:
    """Turn an unreachable Redis, or one that hangs, into a 503 Problem where nothing is submitted."""
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            yield
    except (RedisConnectionError, RedisTimeoutError, OSError) as error:
        raise unavailable("redis-unavailable", "Redis does not answer.") from error
    except RedisError as error:
        code = _unable(error)
        if code is None:
            raise
        raise unavailable("redis-unable", f"Redis cannot do this now ({code}).") from error


def _unable(error: RedisError) -> str | None:
    for class_, code in _UNABLE_CLASSES:
        if isinstance(error, class_):
            return code
    message = str(error)[:300]
    return next((code for code in _UNABLE_CODES if code in message), None)
