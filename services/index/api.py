"""The HTTP routes of the index service under /v1."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic_core import from_json, to_json
from starlette.responses import Response

from services.index.access import readers_only
from services.index.did_you_mean import DidYouMean, did_you_mean
from services.index.engine.protocol import Hit, InvalidCursor, Page, SearchEngine, StoredArticle, Tombstone
from services.index.ninjs import ninjs_from_article
from services.index.related import related_links, still_there
from services.index.search_documented import ABOUT_SEARCH, FOUND
from services.index.search_params import SearchRequest, bad_parameter, search_request
from services.index.search_route import SearchRoute
from shared.http.auth import ApiKeys
from shared.http.problems import Problem, problem_response
from shared.metrics import Metrics

ArticlePath = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="Our id of the article.")]


def json_response(content: Any) -> Response:
    return Response(to_json(content), media_type="application/json")


def search_router(engine: SearchEngine, metrics: Metrics, read_keys: ApiKeys | None) -> APIRouter:
    """Return the reading routes. Searches run in threads: the engine releases the GIL while it works."""

    readers = readers_only(read_keys)
    router = APIRouter(
        prefix="/v1", tags=["search"], dependencies=[Depends(readers)], route_class=SearchRoute
    )

    @router.get("/search", summary="Search articles", description=ABOUT_SEARCH, responses=FOUND)
    async def search(request: Annotated[SearchRequest, Depends(search_request)]) -> Response:
        kind = "ranked" if request.query.ranks else "newest"
        with metrics.timed("wireroom_search_seconds", kind=kind):
            try:
                page, meant = await asyncio.to_thread(_found, engine, request)
            except InvalidCursor as error:
                raise bad_parameter("cursor", str(error), "invalid-cursor") from error
        return json_response(page_document(page, meant, request.warnings))

    @router.get("/articles/{article_id}", summary="One enriched article")
    async def article(
        article_id: ArticlePath,
        format_: Annotated[
            Literal["json", "ninjs"],
            Query(alias="format", description="`ninjs` for IPTC's news in JSON, version 3.1."),
        ] = "json",
    ) -> Response:
        stored = await asyncio.to_thread(stored_article, engine, article_id)
        content = await asyncio.to_thread(without_dead_links, engine, stored)
        if format_ == "ninjs":
            return json_response(ninjs_from_article(from_json(content)))
        return Response(content, media_type="application/json")

    @router.get("/articles/{article_id}/related", summary="Links to related articles, with why")
    async def related(article_id: ArticlePath) -> Response:
        return json_response(await asyncio.to_thread(related_document, engine, article_id))

    return router


def index_failed() -> Problem:
    """Return the answer to a request over which the index broke (`IndexFailed`)."""
    detail = (
        "The index broke over this request. Its files are being checked, and made anew if they are damaged."
    )
    return Problem(503, "index-failed", detail, headers={"retry-after": "30"})


async def answer_index_failed(_: Request, __: Exception) -> Response:
    return problem_response(index_failed())


def _found(engine: SearchEngine, request: SearchRequest) -> tuple[Page, DidYouMean | None]:
    page = engine.search(request.query)
    return page, did_you_mean(engine, request.query, page)


def page_document(page: Page, meant: DidYouMean | None, warnings: tuple[str, ...]) -> dict[str, Any]:
    """Return the page in the shape of the HTTP contract."""
    return {
        "total": page.total,
        "exact": page.exact,
        "hits": [hit_document(hit) for hit in page.hits],
        "facets": {
            name: [{"value": one.value, "count": one.count, "label": one.label} for one in counts]
            for name, counts in page.facets.items()
        },
        "next_cursor": page.next_cursor,
        "did_you_mean": None if meant is None else asdict(meant),
        "warnings": [*warnings, *page.warnings],
    }


def hit_document(hit: Hit) -> dict[str, Any]:
    document: dict[str, Any] = {**hit.card, "id": hit.id, "score": hit.score}
    if hit.highlights is not None:
        document["highlights"] = {"title": hit.highlights.title, "body": hit.highlights.body}
    if hit.duplicates is not None:
        document["duplicates"] = hit.duplicates.document()
    return document


def stored_article(engine: SearchEngine, article_id: str) -> StoredArticle:
    """Raises Problem: 404 for an article never seen, 410 for one taken down or withheld."""
    stored = engine.get(article_id)
    if stored is None:
        raise Problem(404, "not-found", f"No article {article_id} is indexed here.")
    if isinstance(stored, Tombstone):
        what = "withheld by its publisher" if stored.withheld else "taken down"
        why = f": {stored.reason}" if stored.reason else ""
        raise Problem(
            410, "retracted", f"Article {article_id} was {what} on {stored.retracted_at:%Y-%m-%d}{why}."
        )
    return stored


def without_dead_links(engine: SearchEngine, stored: StoredArticle) -> bytes:
    """Return the article as JSON without links to articles that were taken down or withheld since."""
    if b'"related":[' not in stored.json:
        return stored.json
    article = stored.article
    links = article.get("related") or []
    there = [link for link in links if still_there(engine, link)]
    return stored.json if len(there) == len(links) else to_json(article | {"related": there})


def related_document(engine: SearchEngine, article_id: str) -> dict[str, Any]:
    """Raises Problem as `stored_article` does."""
    article = stored_article(engine, article_id).article
    return {
        "id": article_id,
        "story_id": article.get("story_id"),
        "related": related_links(engine, article),
    }
