"""The route `/`: what is found, with facets, and what the page needs to show beside it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.index.did_you_mean import did_you_mean
from services.index.engine.protocol import FacetName, InvalidCursor, Page, Query, SearchEngine
from services.index.entity_overview import entity_overview
from services.index.query.nodes import MATCH_ALL
from services.index.search_params import SearchRequest, lenient_request
from services.index.timeline import timeline_of
from services.index.web.address import Address
from services.index.web.entity_card import EntityCard, entity_card, may_be_name, the_entity
from services.index.web.facets import FACET_VALUES_IN_ALL
from services.index.web.labels import FACETS
from services.index.web.serving import Desk, page_response
from services.index.web.timeline import Timeline, timeline_view
from services.index.web.views import search_view
from shared.http.problems import Problem


def add_search_page(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/", methods=["GET", "HEAD"])
    async def search(request: Request, asked: Annotated[SearchRequest, Depends(lenient_request)]) -> Response:
        address = Address.of(request.query_params.multi_items())
        kind = "ranked" if asked.query.ranks else "newest"
        with desk.metrics.timed("wireroom_search_seconds", kind=kind):
            page = await asyncio.to_thread(found, desk.engine, asked.query, address)
        chart, entity = await asyncio.to_thread(around, desk, asked.query, page, address)
        meant = await asyncio.to_thread(did_you_mean, desk.engine, asked.query, page)
        empty = not page.hits and (await asyncio.to_thread(desk.engine.stats)).articles == 0
        view = search_view(
            address,
            page,
            meant=meant,
            timeline=chart,
            entity=entity,
            warnings=(*asked.warnings, *page.warnings),
            ranked=asked.query.ranks,
            has_text=replace(asked.query, sort="relevance").ranks,
            continued=asked.query.cursor is not None,
            index_is_empty=empty,
            now=desk.now(),
        )
        return await page_response("search.html", here="search", view=view, q=view.q)


def found(engine: SearchEngine, query: Query, address: Address) -> Page:
    """Return the hits with their facets. Raises a 400 Problem for a cursor that is not of this search."""
    facets: tuple[FacetName, ...] = tuple(FACETS)
    if may_be_name(address):
        facets = (*facets, "entities")
    try:
        return engine.search(replace(query, facets=facets, facet_size=FACET_VALUES_IN_ALL))
    except InvalidCursor as error:
        raise Problem(
            400, "invalid-cursor", "This page of results is no longer there. Start again from the first."
        ) from error


def around(
    desk: Desk,
    query: Query,
    page: Page,
    address: Address,
) -> tuple[Timeline | None, EntityCard | None]:
    """Return what stands above the results of a first page: the timeline, and the entity it is about."""
    if not page.hits or query.cursor is not None:
        return None, None
    told = timeline_of(desk.engine.aggregations, query.node, query.filters)
    rows = [(bucket.start, bucket.count, bucket.sentiment) for bucket in told.buckets]
    one = the_entity(address, page.facets)
    card = None
    if one is not None:
        others = replace(query.filters, entity=())
        overview = entity_overview(desk.engine, one.value, MATCH_ALL, others)
        card = entity_card(overview, one.value, address, page.total, desk.now()) if overview else None
    return timeline_view(told.interval, rows, address, earlier=told.earlier), card
