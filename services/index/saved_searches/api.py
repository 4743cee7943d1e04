"""`/v1/saved-searches`: making, changing and reading saved searches, and sending their messages again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from services.index.access import readers_only
from services.index.api import json_response
from services.index.saved_searches.documents import (
    ReplayInput,
    SavedSearchChange,
    SavedSearchInput,
    delivery_document,
    match_document,
    search_document,
)
from services.index.saved_searches.records import SavedSearch
from services.index.saved_searches.service import SavedSearchService, threaded
from services.index.search_route import SearchRoute
from shared.http.auth import ApiKeys
from shared.http.own_site import own_site, require_json
from shared.http.problems import FieldError, Problem

SearchId = Annotated[str, Path(alias="id", pattern=r"^[0-9a-f]{16}$", description="Id of the saved search.")]
Cursor = Annotated[
    str | None,
    Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of the page before."),
]


def saved_searches_router(
    service: SavedSearchService, read_keys: ApiKeys | None, *, loopback_only: bool
) -> APIRouter:
    """Return the routes. With `loopback_only` those that change something want a Host that is loopback."""

    writing = [Depends(own_site(loopback_only=loopback_only))]
    sending = [*writing, Depends(require_json)]
    readers = readers_only(read_keys)
    router = APIRouter(
        prefix="/v1/saved-searches",
        tags=["saved searches"],
        dependencies=[Depends(readers)],
        route_class=SearchRoute,
    )

    @router.post("", status_code=201, summary="Save a search", dependencies=sending)
    async def create(given: SavedSearchInput) -> Response:
        """The secret of the webhook is in this answer and in no other."""
        search = await threaded(service.create, given)
        document = search_document(search, None) | {"webhook_secret": search.secret}
        response = json_response(document)
        response.status_code = 201
        response.headers["location"] = f"/v1/saved-searches/{search.id}"
        return response

    @router.get("", summary="All saved searches, in the order in which they were made")
    async def list_all(size: Annotated[int, Query(ge=1, le=1000)] = 100, cursor: Cursor = None) -> Response:
        page = await threaded(service.page, int(cursor or 0), size)
        shown = [search_document(search, statistics) for search, statistics in page.searches]
        return json_response({"saved_searches": shown, "total": page.total, "next_cursor": page.next_cursor})

    @router.get("/{id}", summary="One saved search, and how its webhook does")
    async def one(search_id: SearchId) -> Response:
        search = _known(service.searches.get(search_id))
        return json_response(search_document(search, await threaded(service.statistics, search)))

    @router.patch(
        "/{id}", summary="Change, pause or enable a saved search, or its secret", dependencies=sending
    )
    async def change(search_id: SearchId, given: SavedSearchChange) -> Response:
        """A secret that is made or given here is in the answer, as `webhook_secret`."""
        before = _known(service.searches.get(search_id))
        search = _known(await threaded(service.change, search_id, given))
        if search.webhook_url is not None:
            service.deliverer.forget_failures(search.key)
        document = search_document(search, await threaded(service.statistics, search))
        shown = {"webhook_secret": search.secret} if search.secret != before.secret else {}
        return json_response(document | shown)

    @router.delete("/{id}", status_code=204, summary="Forget a saved search", dependencies=writing)
    async def remove(search_id: SearchId) -> Response:
        _known(await threaded(service.searches.remove, search_id))
        return Response(status_code=204)

    _add_history(router, service)
    _add_sending(router, service, sending=sending, writing=writing)
    return router


def _add_history(router: APIRouter, service: SavedSearchService) -> None:
    @router.get("/{id}/matches", summary="What has matched, the newest first")
    async def matches(
        search_id: SearchId, size: Annotated[int, Query(ge=1, le=100)] = 20, cursor: Cursor = None
    ) -> Response:
        search = _known(service.searches.get(search_id))
        found, cards = await threaded(service.matches, search, _number(cursor), size)
        following = str(found[-1].seq) if len(found) == size else None
        shown = [match_document(match, cards.get(match.article_id)) for match in found]
        return json_response({"matches": shown, "next_cursor": following})

    @router.get("/{id}/deliveries", summary="The delivery log of the webhook, the newest first")
    async def deliveries(
        search_id: SearchId, size: Annotated[int, Query(ge=1, le=1000)] = 50, cursor: Cursor = None
    ) -> Response:
        search = _known(service.searches.get(search_id))
        found = await threaded(service.history.deliveries, search.key, _number(cursor), size)
        following = str(found[-1].seq) if len(found) == size else None
        return json_response(
            {"deliveries": [delivery_document(one) for one in found], "next_cursor": following}
        )


def _add_sending(
    router: APIRouter, service: SavedSearchService, *, sending: list[Any], writing: list[Any]
) -> None:
    @router.post(
        "/{id}/replay", status_code=202, summary="Send messages of the webhook again", dependencies=sending
    )
    async def replay(search_id: SearchId, given: ReplayInput) -> dict[str, Any]:
        """Each is sent under the `webhook-id` that it had, so that whoever has it already can tell."""
        search = _with_webhook(_known(service.searches.get(search_id)))
        replayed = await threaded(service.replay, search, given)
        if given.webhook_id is not None and not replayed:
            raise Problem(404, "not-found", "There is no such message that was sent, or it is long ago.")
        service.deliverer.wake([search.key])
        return {"replayed": replayed}

    @router.post(
        "/{id}/test", summary="Send a message of type `test` to the webhook, now", dependencies=writing
    )
    async def test(search_id: SearchId) -> Response:
        search = _with_webhook(_known(service.searches.get(search_id)))
        webhook_id, attempt = await service.send_test(search)
        return json_response(
            {
                "webhook_id": webhook_id,
                "outcome": attempt.outcome,
                "status": attempt.status,
                "duration_ms": attempt.duration_ms,
            }
        )


def _known(search: SavedSearch | None) -> SavedSearch:
    if search is None:
        raise Problem(404, "not-found", "There is no such saved search.")
    return search


def _with_webhook(search: SavedSearch) -> SavedSearch:
    if search.webhook_url is None:
        detail = "This saved search has no webhook: set its webhook_url first."
        raise Problem(409, "no-webhook", detail, errors=[FieldError("/webhook_url", detail)])
    return search


def _number(cursor: str | None) -> int | None:
    return None if cursor is None else int(cursor)
