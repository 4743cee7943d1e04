"""The routes of the web page: `/`, `/articles/{id}` and the static files.

Every answer under them is a page, errors included: whoever follows a link gets no JSON.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.responses import Response

from services.index.access import may_read
from services.index.api import index_failed, related_document, stored_article
from services.index.engine.protocol import (
    FacetCount,
    Filters,
    IndexFailed,
    InvalidCursor,
    Page,
    Query,
    SearchEngine,
)
from services.index.search_params import SearchRequest, lenient_request
from services.index.search_route import problem_from_parameters
from services.index.web.address import Address
from services.index.web.article import article_view
from services.index.web.assets import assets, render
from services.index.web.facets import merged_counts
from services.index.web.labels import FACETS
from services.index.web.texts import capitalized, clip
from services.index.web.views import search_view
from shared.clock import utc_now
from shared.http.auth import ApiKeys
from shared.http.problems import Problem
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# A page repeats its address in some hundred links.
MAX_ADDRESS_CHARS = 10_000
STORY_SIZE = 8
_PAGE_HEADERS = {"content-security-policy": CSP, "cache-control": "private, no-cache"}
_CHALLENGE = {"www-authenticate": 'Basic realm="wireroom: any name, your key as the password"'}
_FOREVER = {"cache-control": "public, max-age=31536000, immutable"}
_ID = re.compile(r"[0-9a-f]{32}")
_HEADINGS = {
    400: "This search cannot be read",
    401: "A key is needed to read here",
    404: "There is nothing here",
    410: "This article is gone",
    414: "This address is too long",
    422: "This search cannot be read",
    500: "Something went wrong",
    503: "This cannot be answered now",
}


class PageRoute(APIRoute):
    """A route whose failures are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return problem_page(request, problem)
            except RequestValidationError as error:
                return problem_page(request, problem_from_parameters(error))
            except IndexFailed:
                return problem_page(request, index_failed())
            except Exception as error:
                # The outermost middleware would answer this too, but with JSON.
                log.exception("page failed", route=self.path, error=type(error).__name__)
                return problem_page(
                    request, Problem(500, "internal", "It has been logged. Try again in a moment.")
                )

        return handle


def web_router(
    engine: SearchEngine,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    now: Callable[[], datetime] = utc_now,
) -> APIRouter:
    """Return the pages. Searching and rendering run in threads, off the event loop."""

    async def check_reader(request: Request) -> None:
        may_read(read_keys, request.headers)

    router = APIRouter(route_class=PageRoute, include_in_schema=False)
    reading = [Depends(check_reader), Depends(_check_address)]

    @router.api_route("/", methods=["GET", "HEAD"], dependencies=reading)
    async def search(request: Request, asked: Annotated[SearchRequest, Depends(lenient_request)]) -> Response:
        address = Address.of(request.query_params.multi_items())
        with metrics.timed("wireroom_search_seconds", kind="ranked" if asked.query.ranks else "newest"):
            page, facets = await asyncio.to_thread(found, engine, asked.query)
        empty = not page.hits and (await asyncio.to_thread(engine.stats)).articles == 0
        view = search_view(
            address,
            page,
            facets,
            warnings=(*asked.warnings, *page.warnings),
            ranked=asked.query.ranks,
            has_text=replace(asked.query, sort="relevance").ranks,
            continued=asked.query.cursor is not None,
            index_is_empty=empty,
            now=now(),
        )
        return await page_response("search.html", view=view, q=view.q)

    @router.api_route("/articles/{article_id}", methods=["GET", "HEAD"], dependencies=reading)
    async def article(article_id: str) -> Response:
        if not _ID.fullmatch(article_id):
            raise Problem(
                404, "not-found", "No article has such an id: it would be 32 characters, 0–9 and a–f."
            )
        document, related, story = await asyncio.to_thread(read_article, engine, article_id)
        view = article_view(document, related, story, now=now())
        return await page_response("article.html", view=view, q="")

    @router.api_route("/static/{name}", methods=["GET", "HEAD"])
    async def static(name: str) -> Response:
        asset = assets().get(name)
        if asset is None:
            raise Problem(404, "not-found", "No such file.")
        return Response(asset.content, media_type=asset.media_type, headers=_FOREVER)

    return router


async def _check_address(request: Request) -> None:
    if len(request.url.query) > MAX_ADDRESS_CHARS:
        raise Problem(
            414, "address-too-long", f"A search may have {MAX_ADDRESS_CHARS:,} characters in its address."
        )


def found(engine: SearchEngine, query: Query) -> tuple[Page, dict[str, tuple[FacetCount, ...]]]:
    """Return the hits, and for each facet the counts under all filters but its own.

    Raises a 400 Problem for a cursor that is not of this search.
    """
    try:
        page = engine.search(replace(query, facets=tuple(FACETS)))
    except InvalidCursor as error:
        raise Problem(
            400, "invalid-cursor", "This page of results is no longer there. Start again from the first."
        ) from error
    facets = dict(page.facets)
    for name, (parameter, _) in FACETS.items():
        chosen = getattr(query.filters, parameter)
        if chosen:
            nothing: dict[str, Any] = {parameter: ()}
            others = replace(query.filters, **nothing)
            count_only = Query(query.node, others, size=1, count="none", facets=(name,), highlight=False)
            counts = engine.search(count_only).facets.get(name, ())
            facets[name] = merged_counts(counts, facets.get(name, ()), chosen)
    return page, facets


def read_article(engine: SearchEngine, article_id: str) -> tuple[dict[str, Any], list[dict[str, Any]], Page]:
    """Return the article, its related links and its story. Raises a 404 or 410 Problem."""
    document: dict[str, Any] = from_json(stored_article(engine, article_id).json)
    related = related_document(engine, article_id)["related"]
    story = Page(hits=())
    if story_id := document.get("story_id"):
        filters = Filters(story=(story_id,))
        story = engine.search(Query(filters=filters, size=STORY_SIZE, highlight=False, count="none"))
    return document, related, story


async def page_response(template: str, *, status: int = 200, **values: object) -> Response:
    content = await asyncio.to_thread(render, template, **values)
    return Response(content, status, headers=_PAGE_HEADERS, media_type="text/html; charset=utf-8")


def problem_page(request: Request, problem: Problem) -> Response:
    """Return the page that says what is wrong, with the search kept so that it can be mended."""
    q = request.query_params.get("q", "") if request.url.path == "/" else ""
    content = render(
        "problem.html",
        q=clip(q, 1_000),
        status=problem.status,
        heading=_HEADINGS.get(problem.status, problem.title),
        # A caret under the fault, if there is one, stands on the lines after the first.
        detail=capitalized(clip(problem.detail.partition("\n")[0].removeprefix("query/"), 400)),
        excerpt=problem.detail.partition("\n")[2][:400],
    )
    headers = {**problem.headers, **_PAGE_HEADERS, **(_CHALLENGE if problem.status == 401 else {})}
    return Response(content, problem.status, headers=headers, media_type="text/html; charset=utf-8")
