"""`GET /v1/export`: everything that a search finds, as one download."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.index.access import readers_only
from services.index.engine.protocol import Query as EngineQuery
from services.index.engine.protocol import SearchEngine
from services.index.export.compression import Gzip, Uncompressed, accepts_gzip
from services.index.export.streaming import Export, Format, pieces
from services.index.saved_terms import NamedTerms, SavedLookup, terms_for
from services.index.search_params import bad_parameter
from services.index.search_route import SearchRoute
from services.index.slots import Slots, SlottedResponse
from shared.clock import utc_now
from shared.http.auth import ApiKeys
from shared.http.problems import Problem
from shared.metrics import Metrics

# An export keeps files of the index that merging would remove, and readers may be slow.
MAX_EXPORTS = 16
_MEDIA_TYPES: dict[Format, str] = {
    "ndjson": "application/x-ndjson; charset=utf-8",
    "csv": "text/csv; charset=utf-8; header=present",
}


def export_router(
    engine: SearchEngine,
    saved_searches: SavedLookup,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    now: Callable[[], datetime] = utc_now,
) -> APIRouter:
    """Return the route. All exports share one thread of their own, so that searches find theirs free."""
    threads = ThreadPoolExecutor(1, "export")
    slots = Slots(MAX_EXPORTS, _busy)

    readers = readers_only(read_keys, with_password=True)
    router = APIRouter(
        prefix="/v1", tags=["search"], dependencies=[Depends(readers)], route_class=SearchRoute
    )

    wanted = Depends(terms_for(saved_searches))

    @router.get("/export", summary="All articles of a search, as NDJSON or CSV", response_class=Response)
    async def export(
        request: Request,
        named: NamedTerms = wanted,
        format_: Annotated[Format, Query(alias="format", description="What to write.")] = "ndjson",
        bom: Annotated[
            bool, Query(description="Begin CSV with a byte order mark: Excel needs it to see UTF-8.")
        ] = False,
    ) -> Response:
        if bom and format_ != "csv":
            raise bad_parameter("bom", "only CSV has a byte order mark")
        gzip = accepts_gzip(",".join(request.headers.getlist("accept-encoding")))
        query = EngineQuery(named.terms.node, named.terms.filters, sort="newest")
        work = Export(engine, query, format_, Gzip() if gzip else Uncompressed(), bom=bom)
        # Whoever is refused must not wait in line for the one thread, nor let others wait.
        slots.check()
        # Made before the answer begins, so that what fails at once is told by its status.
        first = await asyncio.get_running_loop().run_in_executor(threads, work.step)

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for piece in pieces(work, first, threads):
                    yield piece
            finally:
                metrics.inc("wireroom_exported_articles_total", work.articles, format=format_)

        headers = {
            "content-disposition": f'attachment; filename="wireroom-{now():%Y-%m-%d}.{format_}"',
            "vary": "Accept-Encoding",
        }
        if gzip:
            headers["content-encoding"] = "gzip"
        return SlottedResponse(slots, counted(), media_type=_MEDIA_TYPES[format_], headers=headers)

    return router


def _busy() -> Problem:
    detail = f"{MAX_EXPORTS} exports are being made, which is as many as can be. Try again in a moment."
    return Problem(503, "exports-busy", detail, headers={"retry-after": "30"})
