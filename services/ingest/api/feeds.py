"""Feeds: add, list, change, remove and poll them; lists of feeds as OPML."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.availability import reading
from services.ingest.feeds.assembly import Feeds
from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.opml import Outline, opml_from_records, outlines_from_opml
from services.ingest.feeds.poller import state_of
from services.ingest.feeds.record import FEED_ID_PATTERN, FeedConfig, FeedRecord, feed_id
from services.ingest.fields import MAX_NAME_CHARS
from services.ingest.service import Ingest
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.http.problems import FieldError, Problem

OPML = "text/x-opml"
MAX_FEEDS = 10_000
_LOOK_UP_S = 3.0

FeedPath = Annotated[
    str, Path(alias="id", pattern=FEED_ID_PATTERN, description="The feed's id: 16 hex digits.")
]
Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS)]


class FeedInput(BaseModel):
    """A feed to poll. Adding one that is there already changes what is given here."""

    model_config = ConfigDict(extra="ignore")

    url: str = Field(max_length=4096, description="Where the feed is: RSS, Atom, JSON Feed or a sitemap.")
    source: Source | None = Field(
        None, description="The outlet's name for its articles; the feed's own title without it."
    )
    interval: float | None = Field(
        None,
        ge=1,
        le=2_592_000,
        description="Seconds between polls; found by how often it changes without it.",
    )
    full_text: bool | None = Field(
        None,
        description="Fetch each entry's page for the whole text. Without it only sitemaps' are.",
    )


def feeds_router(ingest: Ingest, feeds: Feeds) -> APIRouter:
    async def authorized(request: Request) -> None:
        ingest.doors.by_operator_key(request.headers)

    router = APIRouter(
        tags=["feeds"],
        dependencies=[Depends(authorized)],
        responses=documented.problems(401, 403, 422, 503),
    )

    @router.get("/v1/feeds", summary="All feeds, and how polling them goes")
    async def list_feeds() -> dict[str, Any]:
        async with reading():
            records = await feeds.store.all()
        return {
            "feeds": [_shown(record) for record in records],
            "websub": {"public_url": ingest.settings.public_url, "enabled": feeds.subscriber.can_subscribe},
        }

    @router.post("/v1/feeds", status_code=201, summary="Poll a feed")
    async def add_feed(given: FeedInput, request: Request, response: Response) -> dict[str, Any]:
        """Add a feed; its first poll begins at once. One that is there already is answered 200."""
        submitter = ingest.doors.by_operator_key(request.headers).name
        id_, new = await _add(ingest, feeds, given, submitter)
        response.status_code = 201 if new else 200
        response.headers["location"] = f"/v1/feeds/{id_}"
        async with reading():
            record = await feeds.store.get(id_)
        return _shown(record) if record is not None else {"id": id_}

    @router.get("/v1/feeds/{id}", summary="One feed", responses=documented.problems(404))
    async def get_feed(id_: FeedPath) -> dict[str, Any]:
        async with reading():
            record = await feeds.store.get(id_)
        if record is None:
            raise _unknown()
        return _shown(record)

    @router.delete(
        "/v1/feeds/{id}", status_code=204, summary="Poll a feed no more", responses=documented.problems(404)
    )
    async def remove_feed(id_: FeedPath) -> Response:
        """Forget the feed, and end its subscription. Its articles stay."""
        async with reading():
            record = await feeds.store.get(id_)
            if record is None or not await feeds.store.remove(id_):
                raise _unknown()
        await feeds.subscriber.leave(record)
        return Response(status_code=204)

    @router.post("/v1/feeds/poll", status_code=202, summary="Poll all feeds now")
    async def poll_feeds() -> dict[str, Any]:
        """Make all feeds due. Each is polled once its `polls` in GET /v1/feeds has come to `polls` here."""
        async with reading():
            wanted = await feeds.store.poll_now(*(record.id for record in await feeds.store.all()))
        return {"feeds": [{"id": id_, "polls": polls} for id_, polls in wanted.items()]}

    @router.post(
        "/v1/feeds/{id}/poll", status_code=202, summary="Poll a feed now", responses=documented.problems(404)
    )
    async def poll_feed(id_: FeedPath) -> dict[str, Any]:
        async with reading():
            wanted = await feeds.store.poll_now(id_)
        if not wanted:
            raise _unknown()
        return {"feeds": [{"id": id_, "polls": wanted[id_]}]}

    _add_opml_routes(router, ingest, feeds)
    return router


def _add_opml_routes(router: APIRouter, ingest: Ingest, feeds: Feeds) -> None:
    @router.get("/v1/feeds.opml", summary="The list of feeds as OPML")
    async def export_opml() -> Response:
        async with reading():
            records = await feeds.store.all()
        headers = {"content-disposition": 'attachment; filename="feeds.opml"'}
        return Response(opml_from_records(records), media_type=OPML, headers=headers)

    @router.post(
        "/v1/feeds.opml", summary="Add the feeds of an OPML list", responses=documented.problems(400)
    )
    async def import_opml(request: Request) -> dict[str, Any]:
        """Add each feed of the list; those that cannot be taken are told and do not hold up the others."""
        submitter = ingest.doors.by_operator_key(request.headers).name
        body = await request.body()
        try:
            outlines = await asyncio.to_thread(outlines_from_opml, body, request.headers.get("content-type"))
        except MalformedFeed as error:
            raise Problem(400, "invalid-opml", f"The list cannot be read: {error}.") from error
        counts = {"added": 0, "known": 0}
        rejected = []
        for outline in outlines:
            try:
                _, new = await _add(ingest, feeds, _input(outline), submitter, look_up=False)
                counts["added" if new else "known"] += 1
            except (Problem, ValueError) as error:
                detail = error.detail if isinstance(error, Problem) else "the URL is too long"
                if isinstance(error, Problem) and error.status == 503:
                    raise
                rejected.append({"url": outline.url[:200], "error": detail})
        return {**counts, "rejected": len(rejected), "errors": rejected[:100]}


def _input(outline: Outline) -> FeedInput:
    return FeedInput(
        url=outline.url,
        source=outline.source,
        interval=outline.interval_s or None,
        full_text=outline.full_text,
    )


async def _add(
    ingest: Ingest, feeds: Feeds, given: FeedInput, submitter: str | None, *, look_up: bool = True
) -> tuple[str, bool]:
    """Keep a feed, and return its id and whether it is new. Raises a Problem for what may not be fetched."""
    guard = feeds.tools.fetcher.fetcher.guard
    try:
        target = guard.target(given.url.strip())
        if look_up:
            async with asyncio.timeout(_LOOK_UP_S):
                await guard.addresses(target.host, target.port)
    except FetchRefused as error:
        if error.reason in ("url", "scheme"):
            raise _invalid(str(error)) from error
        raise Problem(403, "fetch-refused", str(error), title="Not fetched from there") from error
    except (FetchFailed, TimeoutError):
        pass  # a name that is not found today may be tomorrow: polling will tell
    config = FeedConfig(
        url=target.url,
        source=given.source,
        interval_s=given.interval,
        full_text=given.full_text,
        added_at=ingest.now(),
        added_by=submitter,
    )
    async with reading():
        id_, new = await feeds.store.add(feed_id(target.url), config)
        if not new and given.model_fields_set - {"url"}:
            await _change(feeds, id_, given)
    return id_, new


async def _change(feeds: Feeds, id_: str, given: FeedInput) -> None:
    """Give a feed that is there what of `given` was said."""
    record = await feeds.store.get(id_)
    if record is None:
        return
    said = given.model_dump(include=given.model_fields_set - {"url"})
    if "interval" in said:
        said["interval_s"] = said.pop("interval")
    await feeds.store.configure(id_, record.config.model_copy(update=said))


def _shown(record: FeedRecord) -> dict[str, Any]:
    config, state, websub = record.config, record.state, record.websub
    return {
        "id": record.id,
        "url": state.url,
        "added_url": config.url,
        "title": state.title,
        "source": config.source or state.source,
        "interval": config.interval_s,
        "full_text": config.full_text,
        "format": state.format,
        "state": state_of(record),
        "polls": record.polls,
        "polling": record.polling,
        "last_poll_at": _instant(state.last_poll_at),
        "last_success_at": _instant(state.last_success_at),
        "next_poll_at": _instant(record.next_poll_at),
        "last_outcome": state.last_outcome,
        "last_status": state.last_status,
        "last_error": state.last_error,
        "errors_in_row": state.errors_in_row,
        "stopped": state.stopped,
        "moved_to": state.moved_to,
        "etag": state.etag,
        "last_modified": state.last_modified,
        "last_entries": state.last_entries.model_dump(),
        "entries": state.entries.model_dump(),
        "websub": websub
        and {
            "hub": websub.hub,
            "topic": websub.topic,
            "state": websub.state,
            "lease_until": _instant(websub.lease_until),
            "last_push_at": _instant(websub.last_push_at),
            "error": websub.error,
        },
    }


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid-request", detail, errors=[FieldError("/url", detail)])


def _unknown() -> Problem:
    return Problem(404, "feed-unknown", "There is no feed with this id.")
