"""Tells receivers what there is: each its messages in their order, and none at the cost of another.

One message of a search is on its way at a time. A failure makes its receiver wait, longer each time
(`retries`); one that only rejects a message gets the others meanwhile. Of one origin, and of those that fail,
few are tried at once (`turns`), so that many dead receivers leave room for those that live.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from services.index.saved_searches.payloads import Payloads
from services.index.saved_searches.queue import MessageQueue
from services.index.saved_searches.receivers import Receivers
from services.index.saved_searches.records import Attempt, Health, Message, MessageState, SavedSearch
from services.index.saved_searches.retries import health_after, verdict_on, why_disabled
from services.index.saved_searches.searches import SavedSearches
from services.index.saved_searches.signing import signed_headers
from services.index.saved_searches.turns import Turns
from shared.errors import TransientError
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.tasks import end_tasks

log = get_logger(__name__)

# After a fault of ours or of the disk.
PAUSE_AFTER_FAULT: Final = timedelta(seconds=10)
_LONGEST_SLEEP_S: Final = 5.0


class Deliverer:
    """`random` gives numbers from 0 to 1."""

    def __init__(
        self,
        searches: SavedSearches,
        queue: MessageQueue,
        payloads: Payloads,
        receivers: Receivers,
        metrics: Metrics,
        *,
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self._searches = searches
        self._queue = queue
        self._payloads = payloads
        self._receivers = receivers
        self._metrics = metrics
        self._now = now
        self._random = random
        self._health: dict[int, Health] = {}
        self._turns = Turns(self._origin, self._health.__contains__)
        self._tasks: dict[int, asyncio.Task[datetime | None]] = {}
        self._woken_meanwhile: set[int] = set()
        self._changed = asyncio.Event()

    def load(self) -> None:
        """Take up what an earlier run has left. Call it before `run`."""
        self._health |= self._searches.health()
        for key in self._queue.searches():
            self._turns.put(key, self._earliest(key))

    def wake(self, keys: Iterable[int]) -> None:
        """Look at these searches: they have more to tell, or their receivers are to be tried at once."""
        for key in keys:
            if key in self._tasks:
                self._woken_meanwhile.add(key)
            else:
                self._turns.put(key, self._earliest(key))
            self._changed.set()

    def forget_failures(self, key: int) -> None:
        """Try a receiver again at once: its search was changed."""
        self._health.pop(key, None)
        self.wake([key])

    async def run(self) -> None:
        """Deliver until cancelled. What is on its way then is sent again by the next run."""
        try:
            while True:
                self._changed.clear()
                self._start_due()
                try:
                    await asyncio.wait_for(self._changed.wait(), self._sleep_s())
                except TimeoutError:
                    continue
        finally:
            await end_tasks(self._tasks.values())

    async def deliver_due(self) -> None:
        """Deliver all that is due now; return when nothing of that is left."""
        self._start_due()
        while self._tasks:
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(0)
            self._start_due()

    def _sleep_s(self) -> float:
        following = self._turns.next_at()
        if following is None:
            return _LONGEST_SLEEP_S
        # Those that are due and have no room start when a task ends, which sets the event.
        return min(max((following - self._now()).total_seconds(), 0.0), _LONGEST_SLEEP_S)

    def _start_due(self) -> None:
        while (key := self._turns.take(self._now())) is not None:
            self._start(key)

    def _start(self, key: int) -> None:
        task = asyncio.create_task(self._look_at(key), name=f"webhook {key}")
        self._tasks[key] = task

        def ended(done: asyncio.Task[datetime | None]) -> None:
            del self._tasks[key]
            self._turns.end(key)
            following = None if done.cancelled() else done.result()
            if key in self._woken_meanwhile:
                self._woken_meanwhile.discard(key)
                following = self._earliest(key)
            if following is not None:
                self._turns.put(key, following)
            self._changed.set()

        task.add_done_callback(ended)

    async def _look_at(self, key: int) -> datetime | None:
        """Deliver the next message of a search, and return when to look at it again."""
        try:
            return await self._deliver_next(key)
        except TransientError as error:
            log.warning("webhooks wait for the disk", error=str(error))
        except Exception:
            log.exception("delivering failed", search_key=key)
        return self._now() + PAUSE_AFTER_FAULT

    async def _deliver_next(self, key: int) -> datetime | None:
        """Return when there is something to do for the search again, or None when there is not."""
        search = self._searches.by_key(key)
        if search is None:
            self._health.pop(key, None)
            return None
        if not search.delivers:
            return None
        now = self._now()
        message = await asyncio.to_thread(self._queue.next_due, key, now)
        if not isinstance(message, Message):
            return None if message is None else max(message, self._earliest(key))
        body = await asyncio.to_thread(self._body, search, message)
        if body is None:
            await asyncio.to_thread(self._queue.withdraw, message)
            return now
        message = await asyncio.to_thread(self._queue.begin, message)
        attempt = await self._send(search, message, body)
        await self._finish(message, attempt)
        return self._earliest(key)

    def _body(self, search: SavedSearch, message: Message) -> bytes | None:
        if message.kind == "article.retracted" and not self._queue.was_told(message):
            return None
        return self._payloads.body(search, message)

    async def _send(self, search: SavedSearch, message: Message, body: bytes) -> Attempt:
        now = self._now()
        headers = signed_headers(message.webhook_id, now, body, search.secrets(now))
        attempt = await self._receivers.send(search.webhook_url or "", body, headers)
        self._metrics.inc("wireroom_webhook_deliveries_total", outcome=attempt.outcome)
        self._metrics.observe("wireroom_webhook_delivery_seconds", attempt.duration_ms / 1000)
        log.debug(
            "webhook sent",
            saved_search=search.id,
            article_id=message.article_id,
            outcome=attempt.outcome,
            status=attempt.status,
        )
        return attempt

    async def _finish(self, message: Message, attempt: Attempt) -> None:
        key, share = message.search_key, self._random()
        health = health_after(self._health.get(key, Health()), attempt, share)
        disabled = why_disabled(health, attempt)
        verdict = verdict_on(message, attempt, share)
        if disabled is not None and verdict.state is MessageState.FAILED:
            # It is not the message, then.
            verdict = replace(verdict, state=MessageState.PENDING)
        await asyncio.to_thread(self._queue.finish, message, attempt, verdict, health)
        if health.failures:
            self._health[key] = health
        else:
            self._health.pop(key, None)
        if disabled is not None:
            await asyncio.to_thread(self._searches.disable, key, disabled)

    def _earliest(self, key: int) -> datetime:
        """Return when the receiver of a search may be tried next."""
        now = self._now()
        health = self._health.get(key)
        return now if health is None or health.not_before is None else max(health.not_before, now)

    def _origin(self, key: int) -> str:
        search = self._searches.by_key(key)
        return "" if search is None else urlsplit(search.webhook_url or "").netloc.lower()
