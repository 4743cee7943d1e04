"""The routes of the web page: its sections, each from its own module, and the static files."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.index.engine.protocol import SearchEngine
from services.index.web.article_page import add_article_page
from services.index.web.assets import assets
from services.index.web.live_page import add_live_page
from services.index.web.operator_page import OperatorDesk, operator_router
from services.index.web.saved_page import SavedDesk, add_saved_pages
from services.index.web.search_page import add_search_page
from services.index.web.serving import Desk, PageRoute, check_address
from services.index.web.stories_page import add_story_pages
from services.index.web.trends_page import add_trends_page
from shared.clock import utc_now
from shared.http.auth import ApiKeys
from shared.http.problems import Problem
from shared.metrics import Metrics

_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


def web_router(
    engine: SearchEngine,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    now: Callable[[], datetime] = utc_now,
    operator: OperatorDesk | None = None,
    saved: SavedDesk | None = None,
) -> APIRouter:
    """Return the pages, those of `operator` and `saved` only if given. What takes time runs in threads."""
    desk = Desk(engine, metrics, read_keys, now)
    reading = APIRouter(
        route_class=PageRoute,
        include_in_schema=False,
        dependencies=[Depends(desk.check_reader), Depends(check_address)],
    )
    add_search_page(reading, desk)
    add_article_page(reading, desk)
    add_story_pages(reading, desk)
    add_trends_page(reading, desk)
    add_live_page(reading, desk)
    if saved is not None:
        add_saved_pages(reading, desk, saved)

    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    router.include_router(reading)
    if operator is not None:
        router.include_router(operator_router(desk, operator))

    @router.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def static(name: str) -> Response:
        asset = assets().get(name)
        if asset is None:
            raise Problem(404, "not-found", "No such file.")
        return Response(asset.content, media_type=asset.media_type, headers=_FOREVER)

    return router
