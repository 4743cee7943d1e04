"""The route `/live`: the newest articles, which a script of ours adds to as they become searchable."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.index.engine.protocol import Query
from services.index.live.events import event_id
from services.index.search_params import SearchTerms, lenient_terms
from services.index.web.address import Address
from services.index.web.live import live_view
from services.index.web.serving import Desk, page_response

SHOWN = 30


def add_live_page(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/live", methods=["GET", "HEAD"])
    async def live(request: Request, terms: Annotated[SearchTerms, Depends(lenient_terms)]) -> Response:
        # Asked for first: what comes in meanwhile is shown by both, once, rather than by neither.
        place = await asyncio.to_thread(desk.engine.latest_arrival)
        newest = Query(terms.node, terms.filters, sort="newest", size=SHOWN, count="none", highlight=False)
        page = await asyncio.to_thread(desk.engine.search, newest)
        view = live_view(
            page,
            Address.of(request.query_params.multi_items()),
            after=event_id(place) if place else "0-0000000000000000",
            warnings=terms.warnings,
            now=desk.now(),
        )
        return await page_response("live.html", here="live", q=terms.text.strip(), view=view)
