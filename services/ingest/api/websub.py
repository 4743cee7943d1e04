"""`/v1/websub/{feed_id}`: what hubs call, to ask whether we meant a subscription and to push what is new."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.availability import reading
from services.ingest.feeds.assembly import Feeds
from services.ingest.feeds.record import FEED_ID_PATTERN
from services.ingest.feeds.websub.receiving import take_push
from services.ingest.service import Ingest
from shared.http.problems import Problem

MAX_CHALLENGE_CHARS = 2_000
FeedPath = Annotated[str, Path(pattern=FEED_ID_PATTERN)]
Parameter = Annotated[str, Query(max_length=4096)]


def websub_router(ingest: Ingest, feeds: Feeds) -> APIRouter:
    """Return the routes. They need no key: hubs have none, and prove themselves by topic and signature."""
    router = APIRouter(tags=["websub"], responses=documented.problems(404, 422, 503))

    @router.get("/v1/websub/{feed_id}", summary="A hub asks whether we meant a subscription")
    async def verify_intent(
        feed_id: FeedPath,
        mode: Annotated[str, Query(alias="hub.mode", max_length=20)],
        topic: Annotated[str, Query(alias="hub.topic", max_length=4096)],
        challenge: Annotated[str, Query(alias="hub.challenge", max_length=MAX_CHALLENGE_CHARS)] = "",
        lease_seconds: Annotated[str, Query(alias="hub.lease_seconds", max_length=20)] = "",
        reason: Annotated[str, Query(alias="hub.reason", max_length=4096)] = "",
    ) -> Response:
        """Echo the challenge if we did ask for this topic, 404 if not (WebSub, section 5.3)."""
        async with reading():
            record = await feeds.store.get(feed_id)
            if mode == "denied":
                if record is not None:
                    await feeds.subscriber.denied(record, topic, reason)
                return Response("noted", media_type="text/plain")
            if challenge and await feeds.subscriber.confirm(record, feed_id, mode, topic, lease_seconds):
                ingest.metrics.inc("wireroom_websub_verifications_total", outcome="confirmed")
                return Response(challenge, media_type="text/plain")
        ingest.metrics.inc("wireroom_websub_verifications_total", outcome="refused")
        raise Problem(404, "subscription-unknown", "Nothing was asked for under this topic.")

    @router.post("/v1/websub/{feed_id}", status_code=202, summary="A hub pushes what is new")
    async def receive_push(feed_id: FeedPath, request: Request) -> Response:
        """Take what is pushed. Without a right signature it is answered 202 all the same, and left alone."""
        async with reading():
            record = await feeds.store.get(feed_id)
        if record is None:
            # Hubs end a subscription whose callback is gone (section 7).
            raise Problem(410, "feed-unknown", "There is no feed with this id any more.")
        ingest.check_room()
        outcome = await take_push(
            feeds.tools,
            record,
            await request.body(),
            content_type=request.headers.get("content-type"),
            signature=request.headers.get("x-hub-signature"),
        )
        ingest.metrics.inc("wireroom_websub_pushes_total", outcome=outcome)
        if outcome == "unwanted":
            raise Problem(410, "subscription-unknown", "This feed is not subscribed to.")
        return Response(status_code=202)

    return router
