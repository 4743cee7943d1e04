"""The route `/trends`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.index.query.nodes import all_of
from services.index.search_params import SearchTerms, lenient_terms
from services.index.trends import InvalidSpan, trend_query, trends_document
from services.index.web.address import Address
from services.index.web.serving import Desk, page_response
from services.index.web.trends import BASELINES, KINDS, trends_view
from shared.http.problems import Problem

TRENDS_ON_PAGE = 15


def add_trends_page(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/trends", methods=["GET", "HEAD"])
    async def trends(
        request: Request,
        terms: Annotated[SearchTerms, Depends(lenient_terms)],
        window: Literal["6h", "24h", "7d"] = "24h",
        kind: Literal["", "people", "organisations", "places"] = "",
    ) -> Response:
        now = desk.now()
        try:
            query = trend_query(
                terms.node,
                terms.filters,
                now,
                window=window,
                baseline=BASELINES[window],
                labels=KINDS.get(kind, ()),
                size=TRENDS_ON_PAGE,
            )
        except InvalidSpan as error:
            raise Problem(400, "invalid-request", f"{error}.") from error
        with desk.metrics.timed("wireroom_search_seconds", kind="trends"):
            told = await asyncio.to_thread(trends_document, desk.engine.aggregations, query)
        matching = all_of(terms.node, *terms.filters.nodes())
        spread = await asyncio.to_thread(desk.engine.aggregations.spread, matching)
        view = trends_view(
            told,
            Address.of(request.query_params.multi_items()),
            window=window,
            kind=kind,
            newest_at=spread.last_at,
            warnings=(*terms.warnings, *told["warnings"]),
            now=now,
        )
        return await page_response("trends.html", here="trends", q=terms.text.strip(), view=view)
