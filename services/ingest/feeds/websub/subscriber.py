"""Subscribing at hubs: asking, confirming what they ask back, renewing before a lease ends, and leaving."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from redis.asyncio import Redis

from services.ingest.feeds.record import FeedRecord, WebSub
from services.ingest.feeds.store import PREFIX, FeedStore
from services.ingest.feeds.websub.discovery import Offer
from shared.fetch.errors import FetchError
from shared.fetch.fetcher import Fetcher
from shared.logging import get_logger
from shared.urls import shown_url

log = get_logger(__name__)

# What has not been confirmed by then is asked for again. Most hubs need a second.
CONFIRM_WITHIN: Final = timedelta(minutes=30)
# After a hub's refusal.
ASK_AGAIN_AFTER: Final = timedelta(hours=24)
MIN_LEASE_S: Final = 60
MAX_LEASE_S: Final = 31_536_000
MAX_REASON_CHARS: Final = 200
_LEAVING_S: Final = 86_400


class Subscriber:
    """Keeps the subscriptions of feeds. Does nothing without a public address that hubs can call."""

    def __init__(
        self,
        redis: Redis,
        store: FeedStore,
        fetcher: Fetcher,
        *,
        public_url: str | None,
        lease_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self._redis = redis
        self._store = store
        self._fetcher = fetcher
        self._public_url = public_url.rstrip("/") if public_url else None
        self._lease_s = int(lease_s)
        self._now = now

    @property
    def can_subscribe(self) -> bool:
        return self._public_url is not None

    def callback(self, feed_id: str) -> str:
        return f"{self._public_url}/v1/websub/{feed_id}"

    async def follow(self, record: FeedRecord, offer: Offer | None) -> None:
        """Do what the hub that the feed names now calls for: subscribe, change hubs, or nothing."""
        held = record.websub
        if not self.can_subscribe:
            return
        if offer is None:
            if held is not None:
                await self._store.set_websub(record.id, None, instead_of=held)
            return
        if held is None or (held.hub, held.topic) != offer or self.is_due(held):
            await self.subscribe(record, offer)

    def is_due(self, websub: WebSub) -> bool:
        """Whether it is time to ask the hub: for a renewal, or again."""
        since = self._now() - websub.asked_at
        if websub.awaiting:
            return since > CONFIRM_WITHIN
        if websub.state in ("denied", "failed"):
            return since > ASK_AGAIN_AFTER
        if websub.lease_until is None:
            return False
        # In the last tenth of the lease, and not again until the hub has had its time to confirm.
        lease = websub.lease_until - websub.asked_at
        return websub.lease_until - self._now() < lease / 10

    async def renew(self, record: FeedRecord) -> None:
        """Ask again for the subscription that the feed has, if that is due."""
        held = record.websub
        if self.can_subscribe and held is not None and self.is_due(held):
            await self.subscribe(record, Offer(held.hub, held.topic))

    async def subscribe(self, record: FeedRecord, offer: Offer) -> None:
        """Ask the hub for the feed. It answers only that it heard, and will ask us back (`confirm`)."""
        held = record.websub
        same = held is not None and (held.hub, held.topic) == offer
        asked = WebSub(
            hub=offer.hub,
            topic=offer.topic,
            # The same secret for a renewal: what the hub pushes meanwhile is signed by it.
            secret=held.secret if held is not None and same else secrets.token_urlsafe(32),
            state="active" if held is not None and same and self._lasts(held) else "pending",
            asked_at=self._now(),
            awaiting=True,
            lease_until=held.lease_until if held is not None and same else None,
            last_push_at=held.last_push_at if held is not None and same else None,
        )
        # Kept before it is asked: some hubs ask back before they answer. And nobody else asks, too.
        if not await self._store.set_websub(record.id, asked, instead_of=held):
            return
        error = await self._post(asked, record.id, "subscribe")
        if error is not None:
            log.warning("hub did not take the subscription", feed_id=record.id, error=error)
            state = "active" if asked.state == "active" else "failed"
            failed = asked.model_copy(update={"state": state, "awaiting": False, "error": error})
            await self._store.set_websub(record.id, failed, instead_of=asked)

    def _lasts(self, websub: WebSub) -> bool:
        ends = websub.lease_until
        return websub.state == "active" and ends is not None and ends > self._now()

    async def leave(self, record: FeedRecord) -> None:
        """Tell the hub that a feed which was removed is wanted no more."""
        held = record.websub
        if held is None or not self.can_subscribe or not self._lasts(held):
            return
        await self._redis.set(_leaving_key(record.id), held.topic, ex=_LEAVING_S)
        error = await self._post(held, record.id, "unsubscribe")
        if error is not None:
            log.info("hub did not take the end of a subscription", feed_id=record.id, error=error)

    async def _post(self, websub: WebSub, feed_id: str, mode: str) -> str | None:
        """Send a request to the hub; return why it was not taken, None if it was."""
        form = {"hub.mode": mode, "hub.topic": websub.topic, "hub.callback": self.callback(feed_id)}
        if mode == "subscribe":
            form |= {"hub.lease_seconds": str(self._lease_s), "hub.secret": websub.secret}
        headers = {"content-type": "application/x-www-form-urlencoded"}
        try:
            answer = await self._fetcher.post(websub.hub, urlencode(form).encode(), headers)
        except FetchError as error:
            return str(error)[:MAX_REASON_CHARS]
        if 200 <= answer.status < 300:
            return None
        return f"{shown_url(websub.hub)} answered {answer.status}."[:MAX_REASON_CHARS]

    async def confirm(
        self, record: FeedRecord | None, feed_id: str, mode: str, topic: str, lease: str
    ) -> bool:
        """Whether we meant what the hub asks about. A subscription that we did mean is active from now on."""
        if mode == "unsubscribe":
            held = record.websub if record is not None else None
            leaving = await self._redis.get(_leaving_key(feed_id))
            return (held is None or held.topic != topic) and leaving == topic.encode()
        held = record.websub if record is not None else None
        if mode != "subscribe" or record is None or held is None or held.topic != topic or not held.awaiting:
            return False
        seconds = int(lease) if lease.isascii() and lease.isdigit() and len(lease) < 12 else self._lease_s
        lease_s = min(max(seconds, MIN_LEASE_S), MAX_LEASE_S)
        now = self._now()
        active = held.model_copy(
            update={
                "state": "active",
                "awaiting": False,
                "error": None,
                "asked_at": now,
                "lease_until": now + timedelta(seconds=lease_s),
            }
        )
        return await self._store.set_websub(record.id, active, instead_of=held)

    async def denied(self, record: FeedRecord, topic: str, reason: str) -> None:
        """The hub will not push this feed, or pushes it no more: it is polled as if there was no hub."""
        held = record.websub
        if held is None or held.topic != topic:
            return
        why = f"The hub refused: {reason or 'it gave no reason'}"[:MAX_REASON_CHARS]
        log.warning("hub denied a subscription", feed_id=record.id, reason=reason[:MAX_REASON_CHARS])
        updates = {
            "state": "denied",
            "awaiting": False,
            "error": why,
            "lease_until": None,
            "asked_at": self._now(),
        }
        await self._store.set_websub(record.id, held.model_copy(update=updates), instead_of=held)


def _leaving_key(feed_id: str) -> str:
    return f"{PREFIX}{feed_id}:leaving"
