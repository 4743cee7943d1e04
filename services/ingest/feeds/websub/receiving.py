"""What hubs push: checked by its signature, read as a feed, and taken as a poll would take it."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.parsing import ParserEnded
from services.ingest.feeds.polling import LeaseLost, Tools, added
from services.ingest.feeds.record import FeedRecord
from services.ingest.feeds.store import Claim
from services.ingest.feeds.taking import EntryTaker
from services.ingest.feeds.websub.signature import is_signed
from shared.http.problems import Problem

PushOutcome = Literal["taken", "unsigned", "malformed", "unwanted"]
# Hubs wait some seconds for their answer, and a poll that is under way takes about as long.
WAIT_S: Final = 5.0
_LOOK_S: Final = 0.2


async def take_push(
    tools: Tools, record: FeedRecord, body: bytes, *, content_type: str | None, signature: str | None
) -> PushOutcome:
    """Submit what a hub has pushed. Raises a 503 Problem when it is to be pushed again later.

    What is not signed by the subscription's secret is left alone, as the recommendation has it (section 8).
    """
    websub = record.websub
    if websub is None:
        return "unwanted"
    if not await asyncio.to_thread(is_signed, signature, websub.secret, body):
        return "unsigned"
    try:
        feed = await tools.parser.parse(body, content_type=content_type, url=websub.topic)
    except MalformedFeed:
        # Some hubs push no more than that there is something new.
        await tools.store.poll_now(record.id)
        return "malformed"
    except ParserEnded:
        raise _later() from None
    lease = _Lease(tools, await _claimed(tools, record.id))
    try:
        # As it is now that nobody else works on it.
        current = await tools.store.get(record.id) or record
        taker = EntryTaker(
            tools.ingest, current, door="websub", keep_lease=lease.keep, fetch_page=tools.fetch_page
        )
        taken = await taker.take(feed, websub.topic)
    except LeaseLost:
        raise _later() from None
    except BaseException:
        await tools.store.give_back(lease.claim)
        raise
    state = current.state.model_copy(
        update={"last_entries": taken.counts, "entries": added(current.state.entries, taken.counts)}
    )
    await tools.store.give_back(lease.claim, state)
    if not taken.complete:
        await tools.store.poll_now(record.id)
    for outcome in ("new", "changed", "unchanged"):
        tools.ingest.metrics.inc("wireroom_feed_entries_total", getattr(taken, outcome), outcome=outcome)
    if current.websub is not None:
        pushed = current.websub.model_copy(update={"last_push_at": tools.ingest.now()})
        await tools.store.set_websub(record.id, pushed, instead_of=current.websub)
    return "taken"


class _Lease:
    """The claim of a push, renewed as it goes on."""

    def __init__(self, tools: Tools, claim: Claim) -> None:
        self._tools = tools
        self.claim = claim

    async def keep(self) -> None:
        claim = await self._tools.store.renew(self.claim)
        if claim is None:
            raise LeaseLost
        self.claim = claim


async def _claimed(tools: Tools, feed_id: str) -> Claim:
    """Return the claim of a feed, when whoever polls it is done. Raises a 503 Problem if that takes long."""
    deadline = asyncio.get_running_loop().time() + WAIT_S
    while (claim := await tools.store.claim_one(feed_id)) is None:
        if asyncio.get_running_loop().time() > deadline:
            raise _later()
        await asyncio.sleep(_LOOK_S)
    return claim


def _later() -> Problem:
    return Problem(
        503, "feed-busy", "The feed is being polled now. Push it again.", headers={"retry-after": "5"}
    )
