"""The HTTP routes under /v1 that tell of many articles at once: timeline, stories, trends."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Query as Param
from starlette.responses import Response

from services.index.access import may_read
from services.index.api import json_response
from services.index.engine.aggregations import Aggregations
from services.index.intervals import TooManyBuckets
from services.index.search_params import SearchTerms, search_terms
from services.index.search_route import SearchRoute
from services.index.timeline import IntervalChoice, timeline_of
from shared.http.auth import ApiKeys
from shared.http.problems import FieldError, Problem
from shared.metrics import Metrics

Terms = Annotated[SearchTerms, Depends(search_terms)]


def overview_router(aggregations: Aggregations, metrics: Metrics, read_keys: ApiKeys | None) -> APIRouter:
    """Return the routes. Questions run in threads: the engine releases the GIL while it works."""

    async def check_reader(request: Request) -> None:
        may_read(read_keys, request.headers)

    router = APIRouter(
        prefix="/v1", tags=["overview"], dependencies=[Depends(check_reader)], route_class=SearchRoute
    )

    @router.get("/timeline", summary="Counts and mean sentiment per interval of time")
    async def timeline(
        terms: Terms,
        interval: Annotated[
            IntervalChoice,
            Param(description="In UTC; a week begins on Monday. `auto` suits the span of what matches."),
        ] = "auto",
    ) -> Response:
        with metrics.timed("wireroom_search_seconds", kind="timeline"):
            try:
                found = await asyncio.to_thread(
                    timeline_of, aggregations, terms.node, terms.filters, interval
                )
            except TooManyBuckets as error:
                raise _bad("interval", "too-many-buckets", error) from error
        return json_response({**found.document(), "warnings": terms.warnings})

    return router


def _bad(name: str, slug: str, error: Exception) -> Problem:
    return Problem(400, slug, f"{error}.", errors=[FieldError(f"query/{name}", str(error))])
