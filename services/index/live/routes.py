"""`GET /v1/stream`: articles as they become searchable, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from fastapi import Query as Param
from starlette.responses import Response

from services.index.access import readers_only
from services.index.engine.protocol import ArrivalKey, IndexFailed, Query
from services.index.live.events import HEARTBEAT, HELLO, key_of, retracted_events
from services.index.live.wire import Wire
from services.index.saved_terms import NamedTerms, SavedLookup, terms_for
from services.index.search_route import SearchRoute
from services.index.slots import Slots, SlottedResponse
from shared.http.auth import ApiKeys
from shared.http.problems import FieldError, Problem
from shared.metrics import Metrics

HEARTBEAT_S = 15.0
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events, without end.", "content": {"text/event-stream": {}}}
}


def stream_router(
    wire: Wire,
    saved_searches: SavedLookup,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    *,
    max_streams: int,
) -> APIRouter:
    def busy() -> Problem:
        detail = f"{max_streams} streams are open, which is as many as may be. Try again in a moment."
        return Problem(503, "streams-busy", detail, headers={"retry-after": "10"})

    slots = Slots(max_streams, busy, lambda taken: metrics.set("wireroom_streams_open", taken))

    readers = readers_only(read_keys, with_password=True)
    router = APIRouter(
        prefix="/v1", tags=["search"], dependencies=[Depends(readers)], route_class=SearchRoute
    )

    wanted = Depends(terms_for(saved_searches))

    @router.get(
        "/stream",
        summary="Articles as they become searchable",
        response_class=Response,
        responses=_ANSWERS,
    )
    async def stream(
        named: NamedTerms = wanted,
        last_event_id: Annotated[
            str | None, Param(description="Go on behind this event, as with the header Last-Event-ID.")
        ] = None,
        resumed: Annotated[
            str | None, Header(alias="last-event-id", description="What a browser sends when it reconnects.")
        ] = None,
    ) -> Response:
        place = _place("header/last-event-id", resumed) or _place("query/last_event_id", last_event_id)
        if wire.ended:
            raise Problem(
                503, "stopping", "The service is being stopped. Connect again.", headers={"retry-after": "2"}
            )
        query = Query(named.terms.node, named.terms.filters, sort="newest", count="none", highlight=False)
        events = stream_events(wire, metrics, query, place or wire.position)
        return SlottedResponse(slots, events, media_type="text/event-stream", headers=_HEADERS)

    return router


def _place(pointer: str, text: str | None) -> ArrivalKey | None:
    if not text:
        return None
    place = key_of(text)
    if place is None:
        detail = "no id of an event of this stream, which are <microseconds>-<16 hexadecimal digits>"
        raise Problem(400, "invalid-request", f"{pointer}: {detail}.", errors=[FieldError(pointer, detail)])
    return place


async def stream_events(
    wire: Wire, metrics: Metrics, query: Query, place: ArrivalKey, *, heartbeat_s: float = HEARTBEAT_S
) -> AsyncIterator[bytes]:
    """Yield what comes behind `place`, each piece when the client has taken the one before.

    It ends when the wire does, or when the index fails; the client connects again, with its last event's id.
    """
    yield HELLO
    told = place
    while not wire.ended:
        commits, position = wire.commits, wire.position
        # First those, so that an article which was restored at once stays.
        if gone := wire.retracted_since(told):
            yield retracted_events(gone)
            metrics.inc("wireroom_stream_events_total", len(gone), event="retracted")
        told = max(told, position)
        try:
            batch = await wire.after(query, place)
        except IndexFailed:
            return
        if batch.events:
            yield batch.events
            metrics.inc("wireroom_stream_events_total", batch.count, event="article")
        place = max(place, batch.last or place)
        if batch.more:
            continue
        # All up to `position` could be found when it was asked; so streams of one search stand at one place.
        place = max(place, position)
        while not await wire.wait(commits, heartbeat_s):
            yield HEARTBEAT
