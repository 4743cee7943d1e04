"""The routes under `/saved`: making, watching, testing, pausing and deleting saved searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from services.index.engine.protocol import VALUE_FILTERS
from services.index.saved_searches.documents import SavedSearchChange, SavedSearchInput
from services.index.saved_searches.records import SavedSearch
from services.index.saved_searches.service import SavedSearchService, threaded
from services.index.web.address import Address
from services.index.web.forms import read_form
from services.index.web.saved import (
    SaveForm,
    form_of,
    save_form,
    saved_view,
    search_row,
)
from services.index.web.saved_actions import ACTIONS, Asked, known, told_by
from services.index.web.serving import Desk, page_response
from services.index.web.texts import capitalized, clip
from shared.http.problems import Problem

SEARCHES_ON_PAGE = 50
MATCHES_ON_PAGE = 20
DELIVERIES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class SavedDesk:
    """`loopback_only`: who changes something has to call this machine by one of its own names."""

    service: SavedSearchService
    loopback_only: bool


def add_saved_pages(router: APIRouter, desk: Desk, saved: SavedDesk) -> None:
    service = saved.service

    @router.api_route("/saved", methods=["GET", "HEAD"])
    async def listed(request: Request) -> Response:
        after = _number(request, "after") or 0
        page = await threaded(service.page, after, SEARCHES_ON_PAGE)
        rows = [search_row(search, statistics, desk.now()) for search, statistics in page.searches]
        return await page_response(
            "saved.html",
            here="saved",
            rows=rows,
            total=page.total,
            more_href=f"/saved?after={page.next_cursor}" if page.next_cursor else None,
            first_href="/saved" if after else None,
            deleted=request.query_params.get("deleted") == "1",
        )

    @router.api_route("/saved/new", methods=["GET", "HEAD"])
    async def new(request: Request) -> Response:
        form = save_form(Address.of(request.query_params.multi_items()))
        return await page_response("saved_new.html", here="saved", q=form.q, form=form)

    @router.post("/saved")
    async def create(request: Request) -> Response:
        fields = await read_form(request, loopback_only=saved.loopback_only)
        try:
            search = await threaded(service.create, SavedSearchInput.model_validate(_given(fields)))
        except (ValidationError, Problem) as error:
            given = Address.of((name, value) for name, values in fields.items() for value in values)
            return await refused_form(_typed(save_form(given), fields), error)
        return await shown(desk, saved, search, secret=search.secret or "", told="Saved.", status=201)

    @router.api_route("/saved/{search_id}", methods=["GET", "HEAD"])
    async def one(search_id: str, request: Request) -> Response:
        search = known(service.searches.get(search_id))
        return await shown(
            desk, saved, search, told=told_by(request.query_params), before=_number(request, "before")
        )

    @router.api_route("/saved/{search_id}/change", methods=["GET", "HEAD"])
    async def change_form(search_id: str) -> Response:
        return await page_response(
            "saved_new.html", here="saved", form=form_of(known(service.searches.get(search_id)))
        )

    @router.post("/saved/{search_id}/{action}")
    async def act(search_id: str, action: str, request: Request) -> Response:
        fields = await read_form(request, loopback_only=saved.loopback_only)
        search = known(service.searches.get(search_id))
        if action == "change":
            return await change(desk, saved, search, fields)
        if action == "rotate":
            changed = known(await threaded(service.change, search_id, SavedSearchChange(rotate_secret=True)))
            return await shown(
                desk, saved, changed, secret=changed.secret or "", told="The secret was changed."
            )
        if action not in ACTIONS:
            raise Problem(404, "not-found", "A saved search has no such button.")
        href = await ACTIONS[action](Asked(service, search, fields, desk.now()))
        return RedirectResponse(href, 303)


async def shown(
    desk: Desk,
    saved: SavedDesk,
    search: SavedSearch,
    *,
    secret: str = "",
    told: str = "",
    before: int | None = None,
    status: int = 200,
) -> Response:
    service = saved.service
    matches, cards = await threaded(service.matches, search, before, MATCHES_ON_PAGE)
    view = saved_view(
        search,
        await threaded(service.statistics, search),
        matches,
        cards,
        await threaded(service.history.deliveries, search.key, None, DELIVERIES_SHOWN),
        full_page=MATCHES_ON_PAGE,
        secret=secret,
        told=told,
        now=desk.now(),
    )
    return await page_response("saved_search.html", here="saved", view=view, status=status)


async def change(
    desk: Desk, saved: SavedDesk, search: SavedSearch, fields: Mapping[str, list[str]]
) -> Response:
    service = saved.service
    try:
        given = SavedSearchChange.model_validate(_given(fields))
        changed = known(await threaded(service.change, search.id, given))
    except (ValidationError, Problem) as error:
        return await refused_form(_typed(form_of(search), fields), error)
    service.deliverer.forget_failures(search.key)
    if changed.secret != search.secret:
        return await shown(desk, saved, changed, secret=changed.secret or "", told="Changed.")
    return RedirectResponse(f"/saved/{search.id}?done=changed", 303)


async def refused_form(form: SaveForm, error: ValidationError | Problem) -> Response:
    """Return the form as it was sent, with what is wrong in it."""
    if isinstance(error, Problem):
        if error.status not in (400, 409):
            raise error
        fault, _, excerpt = error.detail.partition("\n")
        status = error.status
    else:
        first = error.errors(include_url=False, include_input=False)[0]
        fault, excerpt, status = f"{first['loc'][0] if first['loc'] else 'form'}: {first['msg']}", "", 400
    mended = replace(form, fault=capitalized(clip(fault, 300)), excerpt=excerpt[:1_000])
    return await page_response("saved_new.html", here="saved", q="", form=mended, status=status)


def _given(fields: Mapping[str, list[str]]) -> dict[str, object]:
    """Return the form as the API takes it: an empty webhook is none."""
    texts = {name: fields[name][0].strip() for name in ("name", "q", "webhook_url") if name in fields}
    filters = {name: [value for value in fields.get(name, ()) if value.strip()] for name in VALUE_FILTERS}
    return {**filters, **texts, "webhook_url": texts.get("webhook_url") or None}


def _typed(form: SaveForm, fields: Mapping[str, list[str]]) -> SaveForm:
    def first(name: str) -> str:
        return (fields.get(name) or [""])[0][:5_000]

    return replace(form, name=first("name"), q=first("q"), webhook_url=first("webhook_url"))


def _number(request: Request, name: str) -> int | None:
    value = request.query_params.get(name, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 18 else None
