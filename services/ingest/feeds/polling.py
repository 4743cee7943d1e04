"""One poll of one feed: fetch, see what the answer means, take its entries, and say when to come again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from redis.exceptions import RedisError

from services.ingest.feeds.feed_fetcher import Answer, FeedFetcher, answer_from_fetched
from services.ingest.feeds.formats.model import Feed, MalformedFeed
from services.ingest.feeds.formats.sitemap import together
from services.ingest.feeds.parsing import FeedParser, ParserEnded
from services.ingest.feeds.record import EntryCounts, FeedRecord, FeedState, PollOutcome
from services.ingest.feeds.schedule import (
    FIRST_INTERVAL_S,
    PUSHED_FACTOR,
    jittered,
    max_age_s,
    next_interval_s,
    retry_delay_s,
)
from services.ingest.feeds.store import BEAT_S, Claim, FeedStore
from services.ingest.feeds.taking import EntryTaker, FetchPage, Taken
from services.ingest.service import Ingest
from shared.fetch.errors import FetchError, FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetched
from shared.http.problems import Problem

# A move for good is believed once two polls have met it: many a site has said 301 for an hour.
CONFIRMATIONS: Final = 2
MAX_MEMBERS: Final = 10
MAX_ERROR_CHARS: Final = 300
# After a poll that could not take everything.
SOON_S: Final = 30.0


class LeaseLost(Exception):
    """The feed is no longer ours: it was removed, or this poll took so long that another has begun."""


class PollResult(NamedTuple):
    """How a poll ended. `next_in_s` None stops polling; `counts` is False when it never began."""

    state: FeedState
    next_in_s: float | None
    feed: Feed | None = None
    fetched: Fetched | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Tools:
    """What polls work with, the same for all of them."""

    ingest: Ingest
    store: FeedStore
    fetcher: FeedFetcher
    parser: FeedParser
    fetch_page: FetchPage
    random: Random


class Poll:
    """One poll of the feed in `record`, which `claim` gives the right to."""

    def __init__(self, tools: Tools, record: FeedRecord, claim: Claim) -> None:
        self._tools = tools
        self._record = record
        self.claim = claim
        self._now = tools.ingest.now()
        self._renewing = asyncio.Lock()

    async def run(self) -> PollResult:
        """Poll. Raises LeaseLost, and redis's errors; whatever a feed or its host does is a result."""
        state = self._record.state
        try:
            self._tools.ingest.check_room()
            fetched = await self._tools.fetcher.fetch(state.url, state)
        except Problem as problem:
            return self._full(problem)
        except FetchError as error:
            return self._not_fetched(error)
        answer = answer_from_fetched(fetched, self._now)
        if answer.status == 304:
            return await self._unchanged("not_modified", answer, fetched)
        if answer.status == 410:
            return self._gone()
        if not 200 <= answer.status < 300:
            return self._bad_status(answer)
        if answer.body_digest == state.body_digest:
            return await self._unchanged("unchanged", answer, fetched)
        try:
            return await self._read(answer, fetched)
        except MalformedFeed as error:
            return self._failed("malformed", f"{error}.", status=answer.status)
        except ParserEnded as error:
            return self._failed("failed", f"It could not be read: {error}.", status=answer.status)
        except Problem as problem:
            return self._full(problem)

    async def _read(self, answer: Answer, fetched: Fetched) -> PollResult:
        feed = await self._tools.parser.parse(fetched.body, content_type=answer.content_type, url=answer.url)
        if feed.format == "sitemap-index":
            feed = await self._with_members(feed)
        record = self._record
        state = record.state
        if state.source is None and feed.title is not None:
            state = state.model_copy(update={"source": feed.title[:300]})
            record = record.model_copy(update={"state": state})
        taker = EntryTaker(
            self._tools.ingest,
            record,
            door="feed",
            keep_lease=self.keep_lease,
            fetch_page=self._tools.fetch_page,
        )
        taken = await taker.take(feed, answer.url)
        self._record = record
        return await self._done(answer, feed, taken, fetched)

    async def _with_members(self, index: Feed) -> Feed:
        """Return the entries of a sitemap index's newest members together."""
        members, missing = [], 0
        for url in index.sitemaps[:MAX_MEMBERS]:
            try:
                fetched = await self._tools.fetcher.fetch(url)
                content_type = fetched.headers.get("content-type")
                members.append(
                    await self._tools.parser.parse(fetched.body, content_type=content_type, url=fetched.url)
                )
            except (FetchError, MalformedFeed, ParserEnded):
                missing += 1
        return together(index, members, missing)

    async def keep_lease(self) -> None:
        """Raises LeaseLost when the feed is no longer ours."""
        async with self._renewing:
            claim = await self._tools.store.renew(self.claim)
            if claim is None:
                raise LeaseLost
            self.claim = claim

    async def beat(self) -> None:
        """Keep the lease until cancelled, however long a host takes."""
        with suppress(LeaseLost):  # whoever uses the claim next finds out
            while True:
                await asyncio.sleep(BEAT_S)
                with suppress(RedisError, OSError):
                    await self.keep_lease()

    async def _done(self, answer: Answer, feed: Feed, taken: Taken, fetched: Fetched) -> PollResult:
        changed = taken.new + taken.changed > 0
        state = self._succeeded("read", answer, changed=changed, asked_s=feed.interval_s, fetched=fetched)
        # What was not taken to its end must not look unchanged to the next poll.
        # Nor may an index: it stays as it is when its members change.
        keep = taken.complete and feed.format != "sitemap-index"
        state = state.model_copy(
            update={
                "title": feed.title and feed.title[:300],
                "format": feed.format,
                "etag": answer.etag if keep else None,
                "last_modified": answer.last_modified if keep else None,
                "body_digest": answer.body_digest if keep else None,
                "last_entries": taken.counts,
                "entries": added(self._record.state.entries, taken.counts),
            }
        )
        state = await self._followed(state, answer)
        if feed.expired:
            why = "Its publisher says that the feed has ended."
            state = state.model_copy(update={"stopped": why, "last_error": why})
        if state.stopped is not None:
            return PollResult(state, None)
        next_in_s = self._next_in_s(state) if taken.complete else min(SOON_S, self._next_in_s(state))
        return PollResult(state, next_in_s, feed, fetched)

    async def _followed(self, state: FeedState, answer: Answer) -> FeedState:
        """Note where the feed has moved to, and go there once that is confirmed."""
        moved_to = answer.moved_to
        if moved_to is None or moved_to == state.url:
            return state.model_copy(update={"moved_to": None, "moved_seen": 0})
        seen = state.moved_seen + 1 if moved_to == state.moved_to else 1
        if seen < CONFIRMATIONS:
            return state.model_copy(update={"moved_to": moved_to, "moved_seen": seen})
        owner = await self._tools.store.move(self._record.id, moved_to)
        if owner != self._record.id:
            why = f"It has moved to the address of another feed, {owner}."
            return state.model_copy(update={"stopped": why, "last_error": why})
        return state.model_copy(update={"url": moved_to, "moved_to": None, "moved_seen": 0})

    async def _unchanged(self, outcome: PollOutcome, answer: Answer, fetched: Fetched) -> PollResult:
        state = self._succeeded(outcome, answer, changed=False, asked_s=None, fetched=fetched)
        updates = {"last_entries": EntryCounts(), "etag": answer.etag or state.etag}
        state = await self._followed(state.model_copy(update=updates), answer)
        return PollResult(state, None if state.stopped else self._next_in_s(state), None, fetched)

    def _succeeded(
        self, outcome: PollOutcome, answer: Answer, *, changed: bool, asked_s: float | None, fetched: Fetched
    ) -> FeedState:
        settings, state = self._tools.ingest.settings, self._record.state
        asked = max(asked_s or 0.0, max_age_s(fetched.headers) or 0.0)
        interval_s = next_interval_s(
            state.interval_s,
            changed=changed,
            asked_s=asked,
            min_s=settings.feed_min_interval_s,
            max_s=settings.feed_max_interval_s,
        )
        return state.model_copy(
            update={
                "last_outcome": outcome,
                "last_poll_at": self._now,
                "last_success_at": self._now,
                "last_status": answer.status,
                "last_error": None,
                "errors_in_row": 0,
                "stopped": None,
                "interval_s": interval_s,
            }
        )

    def _next_in_s(self, state: FeedState) -> float:
        if self._record.config.interval_s is not None:
            return self._record.config.interval_s
        interval_s = state.interval_s or FIRST_INTERVAL_S
        websub = self._record.websub
        if websub is not None and websub.state == "active":
            interval_s = min(interval_s * PUSHED_FACTOR, self._tools.ingest.settings.feed_max_interval_s)
        return jittered(interval_s, self._tools.random)

    def broken(self, error: Exception) -> PollResult:
        """Return the result of a poll that a defect of ours has ended: it is told, and not repeated soon."""
        return self._failed(
            "failed", f"Something went wrong here ({type(error).__name__}), and has been logged."
        )

    def _not_fetched(self, error: FetchError) -> PollResult:
        if isinstance(error, FetchRefused):
            return self._failed("refused", str(error))
        if isinstance(error, FetchFailed) and error.reason == "busy":
            # Our own politeness: nothing is wrong with the feed.
            state = self._record.state.model_copy(update={"last_outcome": "busy"})
            next_in_s = jittered(error.retry_after_s or SOON_S, self._tools.random)
            return PollResult(state, next_in_s, counts=False)
        return self._failed("failed", str(error))

    def _gone(self) -> PollResult:
        why = "Its site answered 410: the feed is gone. It is polled no more."
        state = self._record.state.model_copy(
            update={
                "last_outcome": "gone", "last_poll_at": self._now, "last_status": 410, "last_error": why,
                "stopped": why, "last_entries": EntryCounts(),
            }
        )  # fmt: skip
        return PollResult(state, None)

    def _bad_status(self, answer: Answer) -> PollResult:
        limited = answer.status in (429, 503)
        if limited:
            self._tools.fetcher.rest(answer.url, answer.retry_after_s or SOON_S)
        return self._failed(
            "limited" if limited else "status",
            f"Its site answered {answer.status}.",
            status=answer.status,
            retry_after_s=answer.retry_after_s if limited else None,
        )

    def _full(self, problem: Problem) -> PollResult:
        """Nothing can be taken now, which is not the feed's doing: all of it is read again soon."""
        state = self._record.state.model_copy(update={"last_outcome": "full", "last_error": problem.detail})
        return PollResult(state, jittered(SOON_S, self._tools.random))

    def _failed(
        self, outcome: PollOutcome, why: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> PollResult:
        errors = self._record.state.errors_in_row + 1
        state = self._record.state.model_copy(
            update={
                "last_outcome": outcome,
                "last_poll_at": self._now,
                "last_status": status,
                "last_error": f"{why[:1].upper()}{why[1:]}"[:MAX_ERROR_CHARS],
                "errors_in_row": errors,
                "last_entries": EntryCounts(),
            }
        )
        interval_s = self._record.config.interval_s or state.interval_s or FIRST_INTERVAL_S
        delay_s = retry_delay_s(errors, interval_s=interval_s, retry_after_s=retry_after_s)
        return PollResult(state, jittered(delay_s, self._tools.random))


def added(total: EntryCounts, counts: EntryCounts) -> EntryCounts:
    """Return the sum of both."""
    skipped = dict(total.skipped)
    for reason, count in counts.skipped.items():
        skipped[reason] = skipped.get(reason, 0) + count
    return EntryCounts(
        new=total.new + counts.new,
        changed=total.changed + counts.changed,
        unchanged=total.unchanged + counts.unchanged,
        skipped=skipped,
    )
