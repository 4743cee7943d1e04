"""Which saved searches each stored batch matches: written down before it is acknowledged, told of later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol

from services.index.engine.protocol import IndexableEvent, UpsertOutcome
from services.index.saved_searches.outbox import Found, Outbox
from shared.errors import TransientError
from shared.events import ArticleEnriched, ArticleRetracted
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

PAUSE_S: Final = 2.0
# What the index holds now as it came in this batch. `unchanged` is what was committed and not acknowledged.
_HELD = frozenset({"indexed", "unchanged", "retracted"})


class Matcher(Protocol):
    """What tells which of the searches put into it an article matches."""

    def match(self, events: Sequence[ArticleEnriched]) -> Iterable[tuple[str, ArticleEnriched]]: ...


class SearchMatcher:
    """Records what each batch matches, and spreads it in the background.

    `wake` is told, on the event loop, which searches have more to tell.
    """

    def __init__(
        self,
        matcher: Matcher,
        outbox: Outbox,
        metrics: Metrics,
        wake: Callable[[Iterable[int]], None],
        now: Callable[[], datetime],
    ) -> None:
        self._matcher = matcher
        self._outbox = outbox
        self._metrics = metrics
        self._wake = wake
        self._now = now
        self._recorded = asyncio.Event()
        self._recorded.set()  # an earlier run may have left something

    async def __call__(self, events: Sequence[IndexableEvent], outcomes: Sequence[UpsertOutcome]) -> None:
        """Write down what the batch matches. Raises TransientError: then it must not be acknowledged."""
        if await asyncio.to_thread(self._record, events, outcomes):
            self._recorded.set()

    async def run(self) -> None:
        """Spread what is recorded, until cancelled."""
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            try:
                await self.spread()
                continue
            except TransientError as error:
                log.warning("matches of saved searches wait for the disk", error=str(error))
            except Exception:
                log.exception("spreading matches of saved searches failed")
            self._recorded.set()
            await asyncio.sleep(PAUSE_S)

    async def spread(self) -> None:
        """Make matches and messages of all that is recorded. Raises TransientError."""
        while True:
            done = await asyncio.to_thread(self._outbox.spread)
            self._metrics.inc("wireroom_saved_search_matches_total", done.matches.total())
            self._wake(done.keys)
            if not done.lines:
                return

    def _record(self, events: Sequence[IndexableEvent], outcomes: Sequence[UpsertOutcome]) -> bool:
        with self._metrics.timed("wireroom_stage_seconds", stage="match_saved_searches"):
            return self._outbox.record(self._found(latest_of(events, outcomes)), self._now())

    def _found(self, events: Sequence[IndexableEvent]) -> list[Found]:
        matched = self._matched([event for event in events if isinstance(event, ArticleEnriched)])
        retracted = [Found(event) for event in events if isinstance(event, ArticleRetracted)]
        return [*retracted, *matched]

    def _matched(self, events: Sequence[ArticleEnriched]) -> list[Found]:
        """Return what each event matches; without those that the matcher breaks over.

        An article that is stored already must not become a dead letter because of that.
        """
        if not events:
            return []
        try:
            pairs = list(self._matcher.match(events))
        except Exception as error:
            if len(events) > 1:
                return [found for event in events for found in self._matched([event])]
            log.exception("article not matched", article_id=events[0].article_id, error=type(error).__name__)
            self._metrics.inc("wireroom_saved_search_failures_total")
            return []
        ids: dict[str, set[str]] = {event.article_id: set() for event in events}
        for search_id, event in pairs:
            ids[event.article_id].add(search_id)
        return [Found(event, frozenset(ids[event.article_id])) for event in events]


def latest_of(events: Sequence[IndexableEvent], outcomes: Sequence[UpsertOutcome]) -> list[IndexableEvent]:
    """Return of each article the event that the index holds after the batch, if it came with it."""
    latest: dict[str, IndexableEvent] = {}
    for event, outcome in zip(events, outcomes, strict=True):
        if outcome.outcome in _HELD:
            latest[event.article_id] = event
    return list(latest.values())
