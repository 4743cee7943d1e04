"""What is done for saved searches now and then: bounds, figures, and dates that move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

from services.index.saved_searches.queue import MessageQueue
from services.index.saved_searches.records import Status
from services.index.saved_searches.searches import SavedSearches
from shared.errors import TransientError
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

MEASURE_S: Final = 5.0
REREAD_S: Final = 60.0
TIDY_S: Final = 1800.0


class Upkeep:
    """Measures each few seconds, reads moving dates anew each minute, keeps to the bounds of `queue`."""

    def __init__(
        self,
        searches: SavedSearches,
        queue: MessageQueue,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._searches = searches
        self._queue = queue
        self._metrics = metrics
        self._now = now

    async def run(self) -> None:
        """Go on until cancelled."""
        loop = asyncio.get_running_loop()
        tidied_at = reread_at = loop.time()
        while True:
            try:
                await asyncio.to_thread(self.measure)
                if loop.time() - reread_at >= REREAD_S:
                    reread_at = loop.time()
                    await asyncio.to_thread(self._searches.reread)
                if loop.time() - tidied_at >= TIDY_S:
                    tidied_at = loop.time()
                    await asyncio.to_thread(self.tidy)
            except TransientError as error:
                log.warning("upkeep of saved searches waits", error=str(error))
            except Exception:
                log.exception("upkeep of saved searches failed")
            await asyncio.sleep(MEASURE_S)

    def measure(self) -> None:
        counts: dict[Status, int] = self._searches.counts()
        for status, count in counts.items():
            self._metrics.set("wireroom_saved_searches", count, status=status)
        told = {search.key for search in self._searches.all() if search.delivers}
        backlog = self._queue.backlog(told)
        age_s = 0.0 if backlog.oldest_at is None else (self._now() - backlog.oldest_at).total_seconds()
        self._metrics.set("wireroom_webhook_pending_messages", backlog.messages)
        self._metrics.set("wireroom_webhook_oldest_pending_seconds", max(age_s, 0.0))

    def tidy(self) -> None:
        for search in self._searches.all():
            expired = self._queue.tidy(search.key, self._now())
            if expired:
                self._metrics.inc("wireroom_webhook_messages_expired_total", expired)
                log.warning("messages of a saved search given up", saved_search=search.id, messages=expired)
