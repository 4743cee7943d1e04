"""Saved searches as a part of the index service: opened, connected, run and closed."""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from services.index.engine.protocol import SearchEngine
from services.index.percolation.percolator import Percolator
from services.index.saved_searches.database import Database
from services.index.saved_searches.deliverer import Deliverer
from services.index.saved_searches.history import History
from services.index.saved_searches.matching import SearchMatcher
from services.index.saved_searches.outbox import Outbox
from services.index.saved_searches.payloads import Payloads
from services.index.saved_searches.queue import MessageQueue
from services.index.saved_searches.receivers import SETTING, AllowedReceivers, Receivers
from services.index.saved_searches.searches import SavedSearches
from services.index.saved_searches.service import SavedSearchService
from services.index.saved_searches.upkeep import Upkeep
from services.index.settings import IndexSettings
from shared.metrics import Metrics


@dataclass(frozen=True, slots=True)
class SavedSearchParts:
    """`matcher` is told of each stored batch; `work` is to be run until the service ends, then `close`."""

    database: Database
    searches: SavedSearches
    matcher: SearchMatcher
    deliverer: Deliverer
    receivers: Receivers
    upkeep: Upkeep
    service: SavedSearchService

    @classmethod
    def open(
        cls,
        settings: IndexSettings,
        engine: SearchEngine,
        metrics: Metrics,
        now: Callable[[], datetime],
        share: Callable[[], float] = random.random,
    ) -> Self:
        """Raises ConfigurationError when the saved searches on disk cannot be used."""
        allowed = AllowedReceivers.parse(settings.webhook_allow_hosts, SETTING)
        local = AllowedReceivers(allowed.entries, SETTING, this_machine=settings.is_for_this_machine)
        receivers = Receivers(local, timeout_s=settings.webhook_timeout_s, now=now)
        database = Database(settings.data_dir)
        percolator = Percolator()
        searches = SavedSearches(database, percolator, now)
        queue = MessageQueue(database)
        payloads = Payloads(engine, settings.page_url)
        deliverer = Deliverer(searches, queue, payloads, receivers, metrics, now=now, random=share)
        deliverer.load()
        matcher = SearchMatcher(percolator, Outbox(database, searches), metrics, deliverer.wake, now)
        service = SavedSearchService(
            searches, queue, History(database), payloads, receivers, deliverer, metrics, now
        )
        upkeep = Upkeep(searches, queue, metrics, now)
        return cls(database, searches, matcher, deliverer, receivers, upkeep, service)

    @property
    def work(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        return {
            "matches": self.matcher.run,
            "webhooks": self.deliverer.run,
            "saved searches": self.upkeep.run,
        }

    async def close(self) -> None:
        await self.receivers.aclose()
        self.database.close()
