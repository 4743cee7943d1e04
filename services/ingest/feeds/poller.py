"""The background task of feeds: polls what is due, renews subscriptions, and counts. One in each process."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from typing import Final

from redis.exceptions import RedisError

from services.ingest.feeds.polling import LeaseLost, Poll, PollResult, Tools
from services.ingest.feeds.record import FeedRecord
from services.ingest.feeds.store import Claim
from services.ingest.feeds.websub.discovery import discover
from services.ingest.feeds.websub.subscriber import Subscriber
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.tasks import end_tasks
from shared.urls import shown_url

log = get_logger(__name__)

LOOK_S: Final = 0.25
SURVEY_S: Final = 15.0
STATES: Final = ("active", "failing", "stopped")


class FeedPoller:
    """Polls up to `at_once` feeds at a time, of those that no other process polls."""

    def __init__(self, tools: Tools, subscriber: Subscriber, *, metrics: Metrics, at_once: int) -> None:
        self._tools = tools
        self._subscriber = subscriber
        self._metrics = metrics
        self._at_once = at_once
        self._polls: dict[asyncio.Task[None], Claim] = {}

    async def run(self) -> None:
        """Poll until cancelled; then what is being polled is left to others at once."""
        survey = asyncio.create_task(self._survey_for_ever(), name="feed-survey")
        try:
            while True:
                try:
                    await self._begin_polls()
                except (RedisError, OSError) as error:
                    log.debug("feeds not looked at", error=str(error))
                waiting = asyncio.create_task(asyncio.sleep(LOOK_S))
                # The next one begins as soon as one has ended.
                await asyncio.wait({waiting, *self._polls}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
        finally:
            await end_tasks([survey, *self._polls])

    async def _begin_polls(self) -> None:
        free = self._at_once - len(self._polls)
        if free == 0:
            return
        for claim in await self._tools.store.claim(free):
            task = asyncio.create_task(self._poll(claim), name="feed-poll")
            self._polls[task] = claim
            task.add_done_callback(lambda done: self._polls.pop(done, None))

    async def _poll(self, claim: Claim) -> None:
        store = self._tools.store
        record = await self._record(claim)
        if record is None:
            return
        poll = Poll(self._tools, record, claim)
        with self._metrics.timed("wireroom_feed_poll_seconds"):
            try:
                result = await self._result(poll)
                if not await store.save(poll.claim, result.state, result.next_in_s, counts=result.counts):
                    raise LeaseLost
            except LeaseLost:
                log.info("feed was taken over or removed while it was polled", feed_id=record.id)
                return
            except (RedisError, OSError) as error:
                # The lease ends by itself, and what was not remembered is submitted again.
                log.warning("feed poll not saved", feed_id=record.id, error=str(error))
                return
            except asyncio.CancelledError:
                await self._give_back(poll.claim)
                raise
        self._count(record, result)
        await self._follow_hub(record, result)

    async def _result(self, poll: Poll) -> PollResult:
        beating = asyncio.create_task(poll.beat(), name="feed-lease")
        try:
            return await poll.run()
        except (RedisError, OSError, LeaseLost):
            raise
        except Exception as error:
            log.exception("feed poll failed", feed_id=poll.claim.feed_id, error=type(error).__name__)
            return poll.broken(error)
        finally:
            await end_tasks([beating])

    async def _record(self, claim: Claim) -> FeedRecord | None:
        try:
            return await self._tools.store.get(claim.feed_id)
        except (RedisError, OSError) as error:
            log.warning("feed not read", feed_id=claim.feed_id, error=str(error))
            return None

    async def _give_back(self, claim: Claim) -> None:
        """Let another process poll the feed now, instead of when the lease ends."""
        try:
            await asyncio.wait_for(self._tools.store.hand_over(claim), 1.0)
        except (RedisError, OSError, TimeoutError) as error:
            log.info("feed not given back", feed_id=claim.feed_id, error=str(error))

    def _count(self, record: FeedRecord, result: PollResult) -> None:
        state = result.state
        self._metrics.inc("wireroom_feed_polls_total", outcome=state.last_outcome or "error")
        counts = state.last_entries
        if state.last_outcome == "read":
            for outcome in ("new", "changed", "unchanged"):
                self._metrics.inc("wireroom_feed_entries_total", getattr(counts, outcome), outcome=outcome)
            self._metrics.inc("wireroom_feed_entries_total", sum(counts.skipped.values()), outcome="skipped")
        found = {"new": counts.new, "changed": counts.changed, "skipped": counts.skipped}
        fields = {"feed_id": record.id, "url": shown_url(state.url), "outcome": state.last_outcome}
        if state.stopped is not None and record.state.stopped is None:
            log.warning("feed is polled no more", **fields, why=state.stopped)
        elif state.errors_in_row > record.state.errors_in_row:
            log.warning(
                "feed not polled", **fields, error=state.last_error, errors_in_row=state.errors_in_row
            )
        else:
            log.info("feed polled", **fields, **found)

    async def _follow_hub(self, record: FeedRecord, result: PollResult) -> None:
        """Subscribe where the feed that was read names a hub; an unchanged one names what it did before."""
        if result.feed is None or result.fetched is None or not self._subscriber.can_subscribe:
            return
        offer = discover(result.fetched.headers.get_list("link"), result.feed, result.fetched.url)
        try:
            latest = await self._tools.store.get(record.id)
            if latest is not None and not result.feed.format.startswith("sitemap"):
                await self._subscriber.follow(latest, offer)
        except (RedisError, OSError) as error:
            log.warning("subscription not looked after", feed_id=record.id, error=str(error))

    async def _survey_for_ever(self) -> None:
        while True:
            try:
                await self.survey()
            except (RedisError, OSError) as error:
                log.debug("feeds not surveyed", error=str(error))
            await asyncio.sleep(SURVEY_S)

    async def survey(self) -> None:
        """Set the gauges, and renew the subscriptions that are about to end."""
        records = await self._tools.store.all()
        now = self._tools.ingest.now()
        states = Counter(state_of(record) for record in records)
        for state in STATES:
            self._metrics.set("wireroom_feeds", states[state], state=state)
        overdue = [overdue_s(record, now) for record in records]
        self._metrics.set("wireroom_feed_overdue_seconds", max(overdue, default=0.0))
        subscribed = sum(
            1 for record in records if record.websub is not None and record.websub.state == "active"
        )
        self._metrics.set("wireroom_websub_subscriptions", subscribed)
        for record in records:
            await self._subscriber.renew(record)


def state_of(record: FeedRecord) -> str:
    """Return active, failing (its last poll was an error) or stopped (polled no more)."""
    if record.state.stopped is not None:
        return "stopped"
    return "failing" if record.state.errors_in_row else "active"


def overdue_s(record: FeedRecord, now: datetime) -> float:
    """Return for how many seconds a feed has been waiting for its turn."""
    due = record.next_poll_at
    return 0.0 if due is None or record.polling else max(0.0, (now - due).total_seconds())
