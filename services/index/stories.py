"""Stories in the shape of the HTTP contract: articles on one event, as enrichment has grouped them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.index.engine.aggregations import Aggregations, ClusteredHit, StoryQuery, Summary
from services.index.engine.protocol import FacetCount, Filters
from services.index.query.nodes import Field, In, Node
from services.index.story_text import (
    Card,
    distinct_articles,
    effective_published_at,
    story_timeline,
    story_title,
)
from services.index.timeline import timeline_of

MAX_TIMELINE = 300
"""The newest articles of a story that its timeline shows."""
# A story keeps the title of its beginning: it would else change under the reader with each article.
_TITLED_BY = 10
_SHOWN_ARTICLES = 3
_READ_ARTICLES = 10
_SHOWN_ENTITIES = 8


def story_page(aggregations: Aggregations, query: StoryQuery) -> dict[str, Any]:
    """Return one page of the stories among what matches. Raises InvalidCursor."""
    page = aggregations.stories(query)
    summaries = aggregations.story_summaries([story.id for story in page.stories])
    stories = []
    for story in page.stories:
        # One that was taken down since its list was begun is not told of.
        if (summary := summaries.get(story.id)) is None or summary.article_count < 2:
            continue
        oldest = aggregations.articles(_articles_of(story.id), _TITLED_BY, "oldest")
        newest = _newest(aggregations, story.id, oldest, summary.article_count)
        if oldest and newest:
            told = _story(story.id, summary, oldest, newest[0])
            articles = distinct_articles(newest, _SHOWN_ARTICLES)
            stories.append(told | {"matching_count": story.matching, "articles": articles})
    return {"stories": stories, "next_cursor": page.next_cursor}


def _newest(
    aggregations: Aggregations, story_id: str, oldest: Sequence[ClusteredHit], count: int
) -> Sequence[ClusteredHit]:
    if count <= len(oldest):
        return oldest[::-1]
    return aggregations.articles(_articles_of(story_id), _READ_ARTICLES, "newest")


def story_document(aggregations: Aggregations, story_id: str) -> dict[str, Any] | None:
    """Return everything about one story, of however few articles; None when there are none."""
    node = _articles_of(story_id)
    summary = aggregations.summary(node)
    oldest = aggregations.articles(node, _TITLED_BY, "oldest")
    newest = aggregations.articles(node, MAX_TIMELINE, "newest")
    if not oldest or not newest:
        return None
    shown = newest[::-1]
    return _story(story_id, summary, oldest, newest[0]) | {
        "articles": distinct_articles(newest[:_READ_ARTICLES], _SHOWN_ARTICLES),
        "timeline": story_timeline(shown),
        "earlier_count": max(0, summary.article_count - len(shown)),
        "histogram": timeline_of(aggregations, node, Filters(), "auto").document(),
    }


def _articles_of(story_id: str) -> Node:
    return In(Field.STORY, (story_id,))


def _story(
    story_id: str, summary: Summary, oldest: Sequence[ClusteredHit], newest: ClusteredHit
) -> dict[str, Any]:
    first_of_texts: dict[int, Card] = {}
    for one in oldest:
        first_of_texts.setdefault(one.cluster, one.hit.card)
    return {
        "id": story_id,
        "title": story_title(list(first_of_texts.values())),
        "article_count": summary.article_count,
        "sources": [{"name": source.value, "count": source.count} for source in summary.sources],
        "source_count": summary.source_count,
        "first_published_at": effective_published_at(oldest[0].hit.card),
        "last_published_at": effective_published_at(newest.hit.card),
        "entities": [entity_document(entity) for entity in summary.entities[:_SHOWN_ENTITIES]],
        "sentiment": summary.sentiment,
    }


def entity_document(entity: FacetCount) -> dict[str, Any]:
    label, _, canonical = entity.value.partition(":")
    return {"label": label, "canonical": canonical, "count": entity.count}
