"""Background tasks: waiting that ends early when told to stop, and ending them for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shared.logging import get_logger

log = get_logger(__name__)

_CANCEL_AGAIN_S = 0.5


async def wait_or_stop(stopping: asyncio.Event, timeout_s: float) -> None:
    """Wait for `timeout_s`, or until `stopping` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), timeout_s)


async def end_tasks(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` until they have ended, and log what one of them had failed with.

    Once is not enough: before Python 3.12, asyncio.wait_for, by which redis-py sends, loses a cancellation
    that comes in the moment its send completes.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        done, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("background task had failed", task=task.get_name(), error=repr(error))
