"""Age takes from the score, by how much and how consistently over pages: every engine passes this."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench.ranking import NOW as JUDGED_NOW
from bench.ranking import judged, measure, stocked
from services.index.engine.protocol import Query, SearchEngine
from services.index.query.nodes import Term
from services.index.query.parser import parse
from shared.events import ArticleEnriched
from tests.index.articles import NOW, article_id, enriched

WORD = Term("word")


def aged(key: str, days: float, title: str = "A title", body: str = "with a word in it") -> ArticleEnriched:
    at = NOW - timedelta(days=days)
    return enriched(key, title, body, published_at=at, received_at=max(at, datetime(1990, 1, 1, tzinfo=UTC)))


def store(engine: SearchEngine, *events: ArticleEnriched) -> None:
    engine.upsert_many(events, NOW)
    engine.commit()


def found(engine: SearchEngine, query: Query) -> list[str]:
    """Walk over all pages of the search."""
    ids: list[str] = []
    while True:
        page = engine.search(query)
        ids += [hit.id for hit in page.hits]
        if page.next_cursor is None:
            return ids
        query = replace(query, cursor=page.next_cursor)


def test_of_equal_matches_the_newer_comes_first(engine: SearchEngine) -> None:
    days = (300, 0, 2, 30, 0.1)
    store(engine, *(aged(f"{n}", n) for n in days))
    assert found(engine, Query(WORD, as_of=NOW)) == [article_id(f"{n}") for n in sorted(days)]


def test_what_is_about_it_comes_before_a_mention_of_the_same_day(engine: SearchEngine) -> None:
    store(engine, aged("mention", 0.1), aged("about", 0.4, "Word is out", "More of the word."))
    assert found(engine, Query(WORD, as_of=NOW))[0] == article_id("about")


def test_an_old_report_comes_before_a_mention_of_last_week(engine: SearchEngine) -> None:
    store(engine, aged("mention", 9), aged("about", 700, "Word is out", "More of the word."))
    assert found(engine, Query(WORD, as_of=NOW))[0] == article_id("about")


def test_without_an_instant_age_takes_nothing(engine: SearchEngine) -> None:
    store(engine, aged("new", 0), aged("old", 700, "Word", "word word"))
    old, new = engine.search(Query(WORD)).hits
    assert (old.id, new.id) == (article_id("old"), article_id("new"))
    weighed = {hit.id: hit.score for hit in engine.search(Query(WORD, as_of=NOW)).hits}
    assert old.score is not None and new.score is not None
    assert weighed[new.id] == pytest.approx(new.score)
    assert weighed[old.id] == pytest.approx(0.25 * old.score, rel=0.01)


def test_what_is_dated_after_the_instant_is_as_good_as_new(engine: SearchEngine) -> None:
    store(engine, aged("new", 0), aged("old", 5))
    early = NOW - timedelta(days=900)
    plain, weighed = engine.search(Query(WORD)).hits, engine.search(Query(WORD, as_of=early)).hits
    assert {hit.id: hit.score for hit in plain} == pytest.approx({hit.id: hit.score for hit in weighed})


def test_the_newest_of_a_frequent_word_are_found_among_better_old_matches(
    engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a word in every title, the candidates by score alone may all be years old."""
    monkeypatch.setattr("services.index.engine.paging.CANDIDATES", 20)
    store(engine, *(aged(f"old {n}", 100 + n, "word word", "word " * 9) for n in range(60)))
    store(engine, aged("new", 0, "a word or two and some more of another kind in this long title"))
    ids = found(engine, Query(WORD, size=7, as_of=NOW))
    assert ids[0] == article_id("new")
    assert len(ids) == len(set(ids)) == 61


@pytest.mark.parametrize("collapse", [False, True])
@pytest.mark.parametrize("candidates", [5, 400])
def test_pages_keep_the_order_of_the_first_while_time_and_articles_go_on(
    engine: SearchEngine, monkeypatch: pytest.MonkeyPatch, candidates: int, collapse: bool
) -> None:
    monkeypatch.setattr("services.index.engine.paging.CANDIDATES", candidates)
    store(engine, *(aged(f"k{n}", (n * 37) % 50, body="word " * (1 + n % 5)) for n in range(60)))
    query = Query(WORD, size=100, collapse=collapse, as_of=NOW)
    expected = [hit.id for hit in engine.search(query).hits]
    ids: list[str] = []
    query = replace(query, size=7)
    for step in range(100):
        page = engine.search(query)
        ids += [hit.id for hit in page.hits]
        if page.next_cursor is None:
            break
        store(engine, aged(f"new {step}", 0, "word word word"))
        query = replace(query, cursor=page.next_cursor, as_of=NOW + timedelta(days=step))
    assert ids == expected and len(ids) == 60


def test_a_cursor_is_bound_to_whether_age_counts(engine: SearchEngine) -> None:
    store(engine, *(aged(f"k{n}", n) for n in range(5)))
    cursor = engine.search(Query(WORD, size=2, as_of=NOW)).next_cursor
    with pytest.raises(Exception, match="another search"):
        engine.search(Query(WORD, size=2, cursor=cursor))


@pytest.mark.parametrize("as_of", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_any_instant_is_answered(engine: SearchEngine, as_of: datetime) -> None:
    store(engine, *(aged(f"k{n}", n * 5_000) for n in range(5)))
    assert len(found(engine, Query(WORD, size=2, as_of=as_of))) == 5


def test_newsrooms_find_what_they_want_among_the_first() -> None:
    """The judged set: most of all what is going on, and past events hardly worse than by words alone."""
    with stocked() as engine:
        plain, weighed = measure(engine, None), measure(engine, JUDGED_NOW)
    assert weighed["all"][0] > 0.94 > 0.75 > plain["all"][0]
    assert weighed["all"][1] > plain["all"][1] + 0.25
    assert weighed["past event"][0] > 0.94
    assert all(weighed[kind][0] > 0.92 for kind in weighed)


def test_every_judged_article_matches_its_search() -> None:
    with stocked() as engine:
        for each in judged():
            hits = engine.search(Query(parse(each["q"], lenient=False).node, size=100)).hits
            titles = {hit.card["title"] for hit in hits}
            assert {article["title"] for article in each["articles"]} <= titles, each["q"]
