"""Lists of stories where the index has gone on without them: bounded, and still without loss or repeats."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.index.engine import story_listing
from services.index.engine.aggregations import StoryQuery, StorySort
from services.index.engine.snapshots import MAX_KEPT
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.nodes import MATCH_ALL
from tests.index.articles import NOW, enriched, minutes


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def stock(engine: TantivyEngine, *stories: str, age_min: float = 0) -> None:
    """Index an article of each of the stories, each a minute older than the one before."""
    engine.upsert_many(
        [
            enriched(
                f"{story} {age_min} {number}", story_id=story, published_at=NOW - minutes(age_min + number)
            )
            for number, story in enumerate(stories)
        ],
        NOW,
    )
    engine.commit()


def test_a_page_ends_where_too_many_articles_have_no_story_and_the_next_goes_on(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story_listing, "_LONGEST_WALK", 4)
    monkeypatch.setattr(story_listing, "_MAX_WALKS", 3)
    stock(engine, "a", "a", *(f"alone {number}" for number in range(40)), "b", "b")
    found: list[list[str]] = []
    cursor = None
    while True:
        page = engine.aggregations.stories(StoryQuery(MATCH_ALL, cursor=cursor))
        found.append([story.id for story in page.stories])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(found) > 2
    assert [story for page in found for story in page] == ["a", "b"]


def test_a_story_met_on_an_earlier_walk_is_not_listed_again(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story_listing, "_LONGEST_WALK", 2)
    stock(engine, "a", "b", "c", "a", "b", "c")
    page = engine.aggregations.stories(StoryQuery(MATCH_ALL))
    assert [story.id for story in page.stories] == ["a", "b", "c"]


def test_stories_that_no_cursor_can_part_stay_on_one_page(engine: TantivyEngine) -> None:
    """Their newest articles have the same second and the same first bits of their ids."""
    stock(engine, "first", "first", age_min=-10)
    stock(engine, "last", "last", age_min=10)
    events = [enriched(f"twin {number}", story_id=f"twin {number % 2}") for number in range(4)]
    engine.upsert_many(
        [
            event.model_copy(update={"article_id": f"{0:08x}{number:024x}"})
            for number, event in enumerate(events)
        ],
        NOW,
    )
    engine.commit()
    found, cursor = [], None
    for _ in range(3):
        page = engine.aggregations.stories(StoryQuery(MATCH_ALL, size=1, cursor=cursor))
        found.append({story.id for story in page.stories})
        cursor = page.next_cursor
    assert (found, cursor) == ([{"first"}, {"twin 0", "twin 1"}, {"last"}], None)


@pytest.mark.parametrize("sort", ["newest", "size"])
def test_pages_go_on_without_repeats_when_their_state_is_kept_no_more(
    engine: TantivyEngine, sort: StorySort
) -> None:
    stories = [f"s{number}" for number in range(9)]
    stock(engine, *stories, *stories, age_min=100)
    query = StoryQuery(MATCH_ALL, sort, 3)
    first = engine.aggregations.stories(query)
    for number in range(MAX_KEPT + 1):
        stock(engine, "s8", f"new {number}", f"new {number}", age_min=-number)
        other = engine.aggregations.stories(StoryQuery(MATCH_ALL, sort, 1))
        assert other.next_cursor is not None
    found, cursor = [story.id for story in first.stories], first.next_cursor
    while cursor is not None:
        page = engine.aggregations.stories(StoryQuery(MATCH_ALL, sort, 3, cursor))
        found += [story.id for story in page.stories]
        cursor = page.next_cursor
    assert found == stories
