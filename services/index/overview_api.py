"""The HTTP routes under /v1 that tell of many articles at once: timeline, stories, trends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi import Query as Param
from starlette.responses import Response

from services.index.access import readers_only
from services.index.api import json_response
from services.index.engine.aggregations import MAX_STORY_PAGE, Aggregations, StoryQuery, StorySort
from services.index.engine.protocol import InvalidCursor, SearchEngine
from services.index.entity_overview import entity_overview
from services.index.intervals import TooManyBuckets
from services.index.overview_documented import (
    EntityAnswer,
    StoryList,
    TimelineAnswer,
    TrendsAnswer,
    WholeStory,
    answered,
)
from services.index.query.nodes import all_of
from services.index.search_params import SearchTerms, bad_parameter, search_terms
from services.index.search_route import SearchRoute
from services.index.stories import story_document, story_page
from services.index.timeline import IntervalChoice, timeline_of
from services.index.trends import InvalidSpan, TrendLabel, trend_query, trends_document
from shared.http.auth import ApiKeys
from shared.http.problems import Problem
from shared.metrics import Metrics

Terms = Annotated[SearchTerms, Depends(search_terms)]


def overview_router(
    engine: SearchEngine,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    now: Callable[[], datetime],
) -> APIRouter:
    """Return the routes. Questions run in threads: the engine releases the GIL while it works."""

    readers = readers_only(read_keys)
    router = APIRouter(
        prefix="/v1", tags=["overview"], dependencies=[Depends(readers)], route_class=SearchRoute
    )

    aggregations = engine.aggregations
    _add_timeline(router, aggregations, metrics)
    _add_stories(router, aggregations, metrics)
    _add_trends(router, aggregations, metrics, now)
    _add_entities(router, engine, metrics)
    return router


def _add_timeline(router: APIRouter, aggregations: Aggregations, metrics: Metrics) -> None:
    @router.get(
        "/timeline",
        summary="Counts and mean sentiment per interval of time",
        responses=answered(TimelineAnswer, "Intervals of the span of what matches."),
    )
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
                raise bad_parameter("interval", str(error), "too-many-buckets") from error
        return json_response({**found.document(), "warnings": terms.warnings})


def _add_stories(router: APIRouter, aggregations: Aggregations, metrics: Metrics) -> None:
    @router.get(
        "/stories",
        summary="Events that several articles report on",
        responses=answered(StoryList, "One page of stories of two articles or more."),
    )
    async def stories(
        terms: Terms,
        sort: Annotated[
            StorySort,
            Param(description="By the latest article that matches, or by how many match."),
        ] = "newest",
        size: Annotated[int, Param(ge=1, le=MAX_STORY_PAGE, description="Stories on a page.")] = 10,
        cursor: Annotated[
            str | None, Param(max_length=500, description="`next_cursor` of the page before.")
        ] = None,
    ) -> Response:
        query = StoryQuery(all_of(terms.node, *terms.filters.nodes()), sort, size, cursor or None)
        with metrics.timed("wireroom_search_seconds", kind="stories"):
            try:
                page = await asyncio.to_thread(story_page, aggregations, query)
            except InvalidCursor as error:
                raise bad_parameter("cursor", str(error), "invalid-cursor") from error
        return json_response({**page, "warnings": terms.warnings})

    @router.get(
        "/stories/{story_id}",
        summary="One story: its articles in time, who is in it, its tone",
        responses=answered(WholeStory, "The story, of however few articles."),
    )
    async def story(
        story_id: Annotated[str, Path(min_length=1, max_length=256, description="`story_id` of an article.")],
    ) -> Response:
        with metrics.timed("wireroom_search_seconds", kind="story"):
            found = await asyncio.to_thread(story_document, aggregations, story_id)
        if found is None:
            raise Problem(404, "not-found", f"No article of a story {story_id[:64]} is indexed here.")
        return json_response(found)


def _add_trends(
    router: APIRouter, aggregations: Aggregations, metrics: Metrics, now: Callable[[], datetime]
) -> None:
    @router.get(
        "/trends",
        summary="Entities rising now against their own past",
        responses=answered(TrendsAnswer, "The surest rises first."),
    )
    async def trends(
        terms: Terms,
        window: Annotated[str, Param(max_length=20, description="What counts as now: 1h … 7d.")] = "24h",
        baseline: Annotated[
            str, Param(max_length=20, description="The past before it: as long at least, and up to 90d.")
        ] = "14d",
        label: Annotated[
            list[TrendLabel] | None, Param(description="Kinds of entities; repeat for any of several.")
        ] = None,
        size: Annotated[int, Param(ge=1, le=100, description="How many, the surest first.")] = 10,
    ) -> Response:
        try:
            query = trend_query(
                terms.node,
                terms.filters,
                now(),
                window=window,
                baseline=baseline,
                labels=label or (),
                size=size,
            )
        except InvalidSpan as error:
            raise bad_parameter(error.parameter, str(error)) from error
        with metrics.timed("wireroom_search_seconds", kind="trends"):
            found = await asyncio.to_thread(trends_document, aggregations, query)
        spans = {"window": window, "baseline": baseline}
        return json_response(spans | found | {"warnings": [*terms.warnings, *found["warnings"]]})


def _add_entities(router: APIRouter, engine: SearchEngine, metrics: Metrics) -> None:
    # A name may hold a slash.
    @router.get(
        "/entities/{name:path}",
        summary="One entity: when, with whom, by whom and in which tone",
        responses=answered(EntityAnswer, "What the matching articles tell of it."),
    )
    async def entity(
        terms: Terms,
        name: Annotated[
            str, Path(min_length=1, max_length=300, description="`Xi Jinping` or `PERSON:Xi Jinping`.")
        ],
    ) -> Response:
        with metrics.timed("wireroom_search_seconds", kind="entity"):
            found = await asyncio.to_thread(entity_overview, engine, name, terms.node, terms.filters)
        if found is None:
            raise Problem(404, "not-found", f"No article that matches names {name[:64]}.")
        return json_response(found | {"warnings": terms.warnings})
