"""The route `/articles/{id}`."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from fastapi import APIRouter
from pydantic_core import from_json
from starlette.responses import Response

from services.index.api import related_document, stored_article
from services.index.engine.protocol import Filters, Page, Query, SearchEngine
from services.index.web.article import article_view
from services.index.web.serving import Desk, page_response
from shared.http.problems import Problem

STORY_SIZE = 8
_ID = re.compile(r"[0-9a-f]{32}")


def add_article_page(router: APIRouter, desk: Desk) -> None:
    @router.api_route("/articles/{article_id}", methods=["GET", "HEAD"])
    async def article(article_id: str) -> Response:
        if not _ID.fullmatch(article_id):
            raise Problem(
                404, "not-found", "No article has such an id: it would be 32 characters, 0–9 and a–f."
            )
        document, related, story = await asyncio.to_thread(read_article, desk.engine, article_id)
        view = article_view(document, related, story, now=desk.now())
        return await page_response("article.html", here="search", view=view)


def read_article(engine: SearchEngine, article_id: str) -> tuple[dict[str, Any], list[dict[str, Any]], Page]:
    """Return the article, its related links and its story. Raises a 404 or 410 Problem."""
    document: dict[str, Any] = from_json(stored_article(engine, article_id).json)
    related = related_document(engine, article_id)["related"]
    story = Page(hits=())
    if story_id := document.get("story_id"):
        filters = Filters(story=(story_id,))
        story = engine.search(Query(filters=filters, size=STORY_SIZE, highlight=False, count="none"))
    return document, related, story
