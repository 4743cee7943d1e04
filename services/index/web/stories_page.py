"""The routes `/stories` and `/stories/{id}`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi import Query as Param
from starlette.responses import Response

from services.index.engine.aggregations import StoryQuery, StorySort
from services.index.engine.protocol import InvalidCursor
from services.index.query.nodes import all_of
from services.index.search_params import SearchTerms, lenient_terms
from services.index.stories import story_document, story_page
from services.index.web.address import Address
from services.index.web.serving import Desk, page_response
from services.index.web.stories import stories_view, story_view
from shared.http.problems import Problem

STORIES_ON_PAGE = 12
MAX_ID_CHARS = 256


def add_story_pages(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/stories", methods=["GET", "HEAD"])
    async def stories(
        request: Request,
        terms: Annotated[SearchTerms, Depends(lenient_terms)],
        sort: StorySort = "newest",
        cursor: Annotated[str | None, Param(max_length=500)] = None,
    ) -> Response:
        node = all_of(terms.node, *terms.filters.nodes())
        query = StoryQuery(node, sort, STORIES_ON_PAGE, cursor or None)
        with desk.metrics.timed("wireroom_search_seconds", kind="stories"):
            try:
                page = await asyncio.to_thread(story_page, desk.engine.aggregations, query)
            except InvalidCursor as error:
                raise Problem(
                    400,
                    "invalid-cursor",
                    "This page is no longer there. Start again from the first.",
                ) from error
        view = stories_view(
            page,
            Address.of(request.query_params.multi_items()),
            sort=sort,
            continued=bool(cursor),
            warnings=terms.warnings,
            now=desk.now(),
        )
        return await page_response("stories.html", here="stories", q=terms.text.strip(), view=view)

    @router.api_route("/stories/{story_id}", methods=["GET", "HEAD"])
    async def story(story_id: str) -> Response:
        told = None
        if len(story_id) <= MAX_ID_CHARS:
            with desk.metrics.timed("wireroom_search_seconds", kind="story"):
                told = await asyncio.to_thread(story_document, desk.engine.aggregations, story_id)
        if told is None:
            raise Problem(
                404, "not-found", "No article of such a story is here. It may have been taken down."
            )
        return await page_response("story.html", here="stories", view=story_view(told, desk.now()))
