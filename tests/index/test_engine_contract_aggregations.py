"""What a search engine tells of many articles at once: every engine passes this suite."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from services.index.engine.aggregations import Aggregations, StoryQuery, StorySort
from services.index.engine.protocol import FacetCount, InvalidCursor, SearchEngine
from services.index.query.nodes import MATCH_ALL, MATCH_NOTHING, Field, In, Term
from shared.events import ArticleEnriched, Entity, Related
from tests.index.articles import NOW, article_id, enriched, entity, minutes, retracted

XI, BLINKEN, PARIS = (
    entity("PERSON", "Xi Jinping"),
    entity("PERSON", "Antony Blinken"),
    entity("GPE", "Paris"),
)


def stocked(engine: SearchEngine, *events: ArticleEnriched) -> Aggregations:
    engine.upsert_many(events, NOW)
    engine.commit()
    return engine.aggregations


def told(key: str, story: str | None, age_min: float, **fields: object) -> ArticleEnriched:
    at = NOW - minutes(age_min)
    return enriched(key, published_at=at, story_id=story, **fields)  # type: ignore[arg-type]


def copies(count: int, *entities: Entity, name: str = "copy") -> list[ArticleEnriched]:
    """Return near-duplicates of one text, each linked to the first."""
    link = (Related(kind="duplicate", id=article_id(f"{name}0"), title="", score=0.9, why=""),)
    return [
        enriched(f"{name}{number}", entities=entities, related=link if number else ())
        for number in range(count)
    ]


def pages(
    aggregations: Aggregations, sort: StorySort, size: int, node: object = MATCH_ALL
) -> list[list[str]]:
    found, cursor = [], None
    while True:
        page = aggregations.stories(StoryQuery(node, sort, size, cursor))  # type: ignore[arg-type]
        found.append([story.id for story in page.stories])
        cursor = page.next_cursor
        if cursor is None:
            return found


def flat(lists: Iterable[list[str]]) -> list[str]:
    return [story for one in lists for story in one]


# Spread and histogram


def test_a_spread_tells_of_nothing_where_nothing_matches(engine: SearchEngine) -> None:
    spread = engine.aggregations.spread(MATCH_ALL)
    assert (spread.total, spread.first_at, spread.last_at, spread.months) == (0, None, None, ())
    stocked(engine, enriched("a"))
    assert engine.aggregations.spread(MATCH_NOTHING).total == 0


def test_a_histogram_counts_what_lies_outside_of_its_edges(engine: SearchEngine) -> None:
    aggregations = stocked(engine, *(told(f"a{n}", None, 60 * n, sentiment=0.1 * n) for n in range(6)))
    edges = [NOW - minutes(240), NOW - minutes(120), NOW]
    found = aggregations.histogram(MATCH_ALL, edges)
    assert (found.before, found.after) == (1, 1)
    assert [(bucket.start, bucket.count) for bucket in found.buckets] == [(edges[0], 2), (edges[1], 2)]
    assert [bucket.sentiment for bucket in found.buckets] == pytest.approx([0.35, 0.15])


def test_a_histogram_of_nothing_has_empty_buckets(engine: SearchEngine) -> None:
    found = stocked(engine, enriched("a")).histogram(MATCH_NOTHING, [NOW, NOW + minutes(1)])
    assert [(bucket.count, bucket.sentiment) for bucket in found.buckets] == [(0, None)]


def test_too_many_edges_are_refused(engine: SearchEngine) -> None:
    with pytest.raises(ValueError, match="edges"):
        engine.aggregations.histogram(MATCH_ALL, [NOW + minutes(n) for n in range(2_000)])
    with pytest.raises(ValueError, match="edges"):
        engine.aggregations.histogram(MATCH_ALL, [NOW])


def test_an_article_that_was_taken_down_counts_no_more(engine: SearchEngine) -> None:
    aggregations = stocked(engine, enriched("a", story_id="s"), enriched("b", story_id="s"))
    assert aggregations.spread(MATCH_ALL).total == 2
    engine.upsert_many([retracted("a", revision=2)], NOW)
    engine.commit()
    assert aggregations.spread(MATCH_ALL).total == aggregations.summary(MATCH_ALL).article_count == 1
    assert aggregations.stories(StoryQuery(MATCH_ALL)).stories == ()


# Stories


@pytest.mark.parametrize("sort", ["newest", "size"])
def test_a_story_is_listed_from_two_articles_on(engine: SearchEngine, sort: StorySort) -> None:
    aggregations = stocked(
        engine, told("a", "two", 1), told("b", "two", 2), told("c", "one", 0), told("d", None, 0)
    )
    page = aggregations.stories(StoryQuery(MATCH_ALL, sort))
    assert [(story.id, story.matching) for story in page.stories] == [("two", 2)]
    assert page.next_cursor is None


@pytest.mark.parametrize("sort", ["newest", "size"])
def test_a_story_is_listed_if_one_of_its_articles_matches(engine: SearchEngine, sort: StorySort) -> None:
    aggregations = stocked(
        engine,
        told("a", "x", 1, source="Reuters"), told("b", "x", 2, source="AP"),
        told("c", "y", 3, source="AP"), told("d", "y", 4, source="AP"),
        told("e", "z", 5, source="Reuters"),
    )  # fmt: skip
    found = aggregations.stories(StoryQuery(In(Field.SOURCE, ("Reuters",)), sort)).stories
    assert [(story.id, story.matching) for story in found] == [("x", 1)]


def test_stories_are_sorted_by_their_latest_match_or_by_their_matches(engine: SearchEngine) -> None:
    aggregations = stocked(
        engine,
        told("a1", "large", 10, title="storm"), told("a2", "large", 11, title="storm"),
        told("a3", "large", 12, title="storm"), told("b1", "late", 5, title="storm"), told("b2", "late", 30),
        told("c1", "middle", 1), told("c2", "middle", 7, title="storm"),
        told("c3", "middle", 8, title="storm"),
    )  # fmt: skip
    assert pages(aggregations, "newest", 10, Term("storm")) == [["late", "middle", "large"]]
    assert pages(aggregations, "size", 10, Term("storm")) == [["large", "middle", "late"]]


@pytest.mark.parametrize("sort", ["newest", "size"])
def test_pages_of_stories_lose_and_repeat_nothing(engine: SearchEngine, sort: StorySort) -> None:
    # Interleaved, so that a story's older articles lie below the newest of the next ones.
    events = [told(f"a{n}", f"s{n % 23:02}", n) for n in range(400)]
    aggregations = stocked(engine, *events)
    found = pages(aggregations, sort, 4)
    assert sorted(flat(found)) == sorted({f"s{n:02}" for n in range(23)})
    assert [len(page) for page in found] == [4, 4, 4, 4, 4, 3]
    assert flat(found) == flat(pages(aggregations, sort, 7))


@pytest.mark.parametrize("sort", ["newest", "size"])
def test_stories_that_come_or_go_on_meanwhile_disturb_no_page(engine: SearchEngine, sort: StorySort) -> None:
    aggregations = stocked(engine, *(told(f"a{n}", f"s{n % 9}", n + 100) for n in range(90)))
    expected = flat(pages(aggregations, sort, 3))
    first = aggregations.stories(StoryQuery(MATCH_ALL, sort, 3))
    for number in range(12):
        stocked(engine, *(told(f"new{number}{n}", f"s{8 - number % 9}", 50 - number) for n in range(20)))
        stocked(engine, *(told(f"other{number}{n}", f"new{number}", 10) for n in range(2)))
    found, cursor = [story.id for story in first.stories], first.next_cursor
    while cursor is not None:
        page = aggregations.stories(StoryQuery(MATCH_ALL, sort, 3, cursor))
        found += [story.id for story in page.stories]
        cursor = page.next_cursor
    assert found == expected


def test_articles_without_a_second_one_between_stories_end_no_list(engine: SearchEngine) -> None:
    alone = [told(f"alone{n}", f"alone{n}", n) for n in range(700)]
    aggregations = stocked(engine, *alone, told("a", "s", 900), told("b", "s", 901))
    assert flat(pages(aggregations, "newest", 10)) == ["s"]


def test_a_cursor_of_another_list_or_a_forged_one_is_refused(engine: SearchEngine) -> None:
    aggregations = stocked(engine, *(told(f"a{n}", f"s{n % 9}", n) for n in range(30)))
    cursor = aggregations.stories(StoryQuery(MATCH_ALL, "newest", 3)).next_cursor
    assert cursor is not None
    for query in (
        StoryQuery(MATCH_ALL, "size", 3, cursor),
        StoryQuery(Term("storm"), "newest", 3, cursor),
        StoryQuery(MATCH_ALL, "newest", 3, cursor[:-2] + "AA"),
        StoryQuery(MATCH_ALL, "newest", 3, "\ud800"),
        StoryQuery(MATCH_ALL, "newest", 3, "A" * 40),
    ):
        with pytest.raises(InvalidCursor):
            aggregations.stories(query)


def test_the_summary_of_a_story_is_of_all_its_articles(engine: SearchEngine) -> None:
    aggregations = stocked(
        engine,
        told("a", "s", 1, source="Reuters", entities=(XI, BLINKEN), sentiment=0.6),
        told("b", "s", 2, source="Reuters", entities=(XI,), sentiment=-0.2),
        told("c", "s", 3, source="AP", entities=(XI, PARIS), unsupported=("sentiment",)),
        told("d", "t", 3),
    )
    summaries = aggregations.story_summaries(["s", "t", "unknown"])
    assert set(summaries) == {"s", "t"}
    summary = summaries["s"]
    assert (summary.article_count, summary.source_count) == (3, 2)
    assert summary.sources == (FacetCount("Reuters", 2, "Reuters"), FacetCount("AP", 1, "AP"))
    assert summary.entities[0] == FacetCount("PERSON:Xi Jinping", 3, "Xi Jinping")
    assert summary.sentiment == pytest.approx(0.2)
    assert aggregations.summary(In(Field.STORY, ("s",))) == summary


# Articles and entities


def test_articles_come_in_order_of_publication_with_their_cluster(engine: SearchEngine) -> None:
    aggregations = stocked(engine, told("old", None, 90), *copies(2), told("new", None, -5))
    found = aggregations.articles(MATCH_ALL, 10, "oldest")
    assert found[0].hit.id == article_id("old")
    assert [one.hit.id for one in aggregations.articles(MATCH_ALL, 10, "newest")] == [
        one.hit.id for one in reversed(found)
    ]
    cluster = {one.hit.id: one.cluster for one in found}
    assert cluster[article_id("copy0")] == cluster[article_id("copy1")] != cluster[article_id("old")]
    assert len(aggregations.articles(MATCH_ALL, 2, "newest")) == 2
    assert aggregations.articles(MATCH_NOTHING, 2, "newest") == ()


def test_near_duplicates_are_one_text_and_count_once_for_each_entity(engine: SearchEngine) -> None:
    for event in copies(50, XI, PARIS):  # each in a segment of its own
        stocked(engine, event)
    aggregations = stocked(engine, *copies(3, XI, name="other"), enriched("a", entities=(XI, BLINKEN)))
    counts = aggregations.entity_counts(MATCH_ALL)
    assert counts.texts == 3
    assert counts.by_entity == {"PERSON:Xi Jinping": 3, "GPE:Paris": 1, "PERSON:Antony Blinken": 1}
    assert aggregations.entity_counts(MATCH_ALL, at_least=2).by_entity == {"PERSON:Xi Jinping": 3}


def test_only_the_entities_asked_for_are_counted(engine: SearchEngine) -> None:
    odd = entity("ORG", "A.*|B[c] (d)\\")
    aggregations = stocked(engine, enriched("a", entities=(XI, odd)), enriched("b", entities=(XI, PARIS)))
    among = ["PERSON:Xi Jinping", "ORG:A.*|B[c] (d)\\", "PERSON:Nobody"]
    counts = aggregations.entity_counts(MATCH_ALL, among=among)
    assert (counts.texts, counts.by_entity) == (2, {"PERSON:Xi Jinping": 2, "ORG:A.*|B[c] (d)\\": 1})
    assert aggregations.entity_counts(MATCH_ALL, among=[]).by_entity == {}
    assert aggregations.entity_counts(MATCH_NOTHING).texts == 0
