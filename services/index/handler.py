"""Stores batches of enriched articles: archive, commit, and only then acknowledge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from services.index.archive import Archive
from services.index.engine.protocol import IndexableEvent, SearchEngine, UpsertOutcome
from shared.clock import utc_now
from shared.errors import TransientError, UnprocessableArticle
from shared.events import ArticleEnriched, ArticleRetracted
from shared.instants import EPOCH, MICROSECOND, instant_of
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Done, Result

log = get_logger(__name__)

# Called with each batch as it was indexed, once it is committed and before it is acknowledged.
Stored = Callable[[Sequence[IndexableEvent], Sequence[UpsertOutcome]], Awaitable[None]]

_WRITTEN = ("indexed", "retracted")
BUSY_ENTRIES = 20


class StoreHandler:
    """Handles deliveries of articles.enriched; the only writer of the index and the archive.

    `edited` makes of an event what is indexed of it, `unlinked` what is kept of it at all. `committed` learns
    of each commit: of its instant, and which articles can be found no more. Until `stored` has returned
    nothing is acknowledged: what was killed before is stored, and told to it, again.
    """

    def __init__(
        self,
        engine: SearchEngine,
        archive: Archive,
        metrics: Metrics,
        *,
        full_batch: int,
        commit_interval_s: float,
        edited: Callable[[IndexableEvent], IndexableEvent] = lambda event: event,
        unlinked: Callable[[IndexableEvent], IndexableEvent] = lambda event: event,
        committed: Callable[[datetime, Sequence[str]], None] = lambda at, retracted: None,
        stored: Stored | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._engine = engine
        self._archive = archive
        self._metrics = metrics
        self._full_batch = full_batch
        self._interval_s = commit_interval_s
        self._edited = edited
        self._unlinked = unlinked
        self._committed = committed
        self._stored = stored
        self._clock = clock
        self._lock = asyncio.Lock()
        self._began_at = 0.0
        self._last_at: datetime | None = None

    @property
    def lock(self) -> asyncio.Lock:
        """Held while writing; whoever exchanges the index takes it."""
        return self._lock

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Result]:
        self._began_at = time.monotonic()
        events = [_indexable(delivery) for delivery in deliveries]
        async with self._lock:
            indexed, outcomes = await asyncio.to_thread(self._store, events)
            self._announce(outcomes)
        self._count(events, outcomes)
        if self._stored is not None:
            await self._stored(indexed, outcomes)
        return [_result(event, outcome) for event, outcome in zip(events, outcomes, strict=True)]

    def _announce(self, outcomes: Sequence[UpsertOutcome]) -> None:
        written = [outcome for outcome in outcomes if outcome.outcome in _WRITTEN]
        if written and self._last_at is not None:
            gone = [outcome.article_id for outcome in written if outcome.outcome == "retracted"]
            self._committed(self._last_at, gone)

    async def pace(self, entries: int) -> None:
        """Let `commit_interval_s` pass from one commit to the next, twice that when much is coming in.

        A commit costs some 11 ms of processor however little is in it, so fewer and larger ones leave more
        for everything else, at the price of that much delay. Behind a full batch there is a backlog: no wait.
        """
        if entries >= self._full_batch:
            return
        interval_s = self._interval_s * (2 if entries >= BUSY_ENTRIES else 1)
        await asyncio.sleep(max(interval_s - (time.monotonic() - self._began_at), 0))

    def _store(self, events: Sequence[IndexableEvent]) -> tuple[list[IndexableEvent], list[UpsertOutcome]]:
        """Return the events as they were indexed, and what became of each."""
        with self._metrics.timed("wireroom_commit_seconds"):
            # One instant for both, so that an index made from the archive tells the same one.
            at = self._next_instant()
            events = [*map(self._unlinked, events)]
            # The archive gets them as they came: an edit of the operator's can be undone.
            indexed = [*map(self._edited, events)]
            outcomes = self._engine.upsert_many(indexed, at)
            written = [
                event for event, outcome in zip(events, outcomes, strict=True) if outcome.outcome in _WRITTEN
            ]
            if written:
                self._archive_first(written, at)
                self._engine.commit()
        return indexed, outcomes

    def _next_instant(self) -> datetime:
        """Return now, but never what is not later than before: the live wire is in the order of these.

        A clock may be set back, and then must not put what is new behind what its readers have seen.
        """
        if self._last_at is None:
            latest = self._engine.latest_arrival()
            self._last_at = EPOCH if latest is None else instant_of(latest.indexed_us)
        self._last_at = max(self._clock(), self._last_at + MICROSECOND)
        return self._last_at

    def _archive_first(self, events: Sequence[IndexableEvent], at: datetime) -> None:
        """Append before the commit, so that whatever is searchable can be rebuilt from the archive."""
        try:
            self._archive.append(events, at)
        except OSError as error:
            self._engine.rollback()
            raise TransientError(f"the archive cannot be written: {error}") from error
        except BaseException:
            self._engine.rollback()
            raise

    def _count(self, events: Sequence[IndexableEvent], outcomes: Sequence[UpsertOutcome]) -> None:
        now = self._clock()
        for event, outcome in zip(events, outcomes, strict=True):
            self._metrics.inc("wireroom_documents_indexed_total", outcome=outcome.outcome)
            if outcome.outcome == "indexed":
                # Ingest's clock may be ahead of ours.
                seconds = max((now - event.received_at).total_seconds(), 0.0)
                self._metrics.observe("wireroom_searchable_seconds", seconds)
        self._metrics.set("wireroom_index_last_commit_timestamp_seconds", now.timestamp())


def _indexable(delivery: Delivery) -> IndexableEvent:
    if not isinstance(delivery.event, ArticleEnriched | ArticleRetracted):
        raise TypeError(f"{type(delivery.event).__name__} does not travel on articles.enriched")
    return delivery.event


def _result(event: IndexableEvent, outcome: UpsertOutcome) -> Result:
    match outcome.outcome:
        case "unchanged" if isinstance(event, ArticleRetracted):
            # It came once more: nothing of it is in the index.
            return Done(None)
        case "indexed" | "unchanged":
            return Done("indexed")
        case "stale":
            return Done("superseded", detail=outcome.reason)
        case "retracted":
            # Ingest put the takedown on the receipt when it accepted it.
            return Done(None)
        case _:
            return UnprocessableArticle(outcome.reason or "the index cannot hold this article")
