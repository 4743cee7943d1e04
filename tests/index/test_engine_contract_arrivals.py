"""The order in which articles became searchable: reading on after a place misses and repeats nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.index.engine.protocol import ArrivalKey, Filters, Query, SearchEngine
from services.index.query.nodes import Term
from tests.index.articles import NOW, article_id, enriched, minutes, retracted

ALL = Query(highlight=False)


def ids(
    engine: SearchEngine, query: Query = ALL, after: ArrivalKey | None = None, limit: int = 100
) -> list[str]:
    return [hit.id for hit in engine.arrivals(query, after, limit)]


def walked(engine: SearchEngine, limit: int, query: Query = ALL) -> list[str]:
    """Read all there is in steps of `limit`."""
    found: list[str] = []
    after = None
    while hits := engine.arrivals(query, after, limit):
        found += [hit.id for hit in hits]
        after = hits[-1].arrival
    return found


def add(engine: SearchEngine, *keys: str, after_minutes: float = 0, **fields: object) -> None:
    at = NOW + minutes(after_minutes)
    engine.upsert_many([enriched(key, "word", **fields) for key in keys], at)  # type: ignore[arg-type]
    engine.commit()


def test_arrivals_come_in_the_order_of_commits_whatever_their_dates(engine: SearchEngine) -> None:
    add(engine, "new", after_minutes=1, published_at=NOW - timedelta(days=1))
    add(engine, "old", after_minutes=2, published_at=NOW - timedelta(days=900))
    add(engine, "middle", after_minutes=3, published_at=NOW - timedelta(days=30))
    assert ids(engine) == [article_id(key) for key in ("new", "old", "middle")]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 25, 100])
def test_articles_of_one_commit_are_all_read_once(engine: SearchEngine, limit: int) -> None:
    for commit in range(3):
        add(engine, *(f"{commit}-{n}" for n in range(8)), after_minutes=commit)
    found = walked(engine, limit)
    assert found == [
        key for commit in range(3) for key in sorted(article_id(f"{commit}-{n}") for n in range(8))
    ]


def test_what_is_committed_later_stands_behind_what_was_read(engine: SearchEngine) -> None:
    add(engine, "a", "b")
    after = engine.arrivals(ALL, None, 10)[-1].arrival
    assert ids(engine, after=after) == []
    add(engine, "c", after_minutes=1, published_at=NOW - timedelta(days=500))
    assert ids(engine, after=after) == [article_id("c")]


def test_only_what_matches_arrives(engine: SearchEngine) -> None:
    add(engine, "a", source="Reuters")
    add(engine, "b", source="Le Monde", after_minutes=1)
    assert ids(engine, Query(filters=Filters(source=("Le Monde",)))) == [article_id("b")]
    assert ids(engine, Query(Term("absent"))) == []
    hit = engine.arrivals(Query(Term("word")), None, 1)[0]
    assert hit.highlights is not None and hit.highlights.title == "<mark>word</mark>"


def test_taken_down_articles_do_not_arrive(engine: SearchEngine) -> None:
    add(engine, "a", "b", "c")
    engine.upsert_many([retracted("b", revision=2)], NOW + minutes(1))
    engine.commit()
    assert set(ids(engine)) == {article_id("a"), article_id("c")}


def test_a_place_whose_article_has_gone_is_still_gone_on_after(engine: SearchEngine) -> None:
    add(engine, *(f"k{n}" for n in range(5)))
    order = ids(engine)
    hits = engine.arrivals(ALL, None, 3)
    gone = next(key for key in (f"k{n}" for n in range(5)) if article_id(key) == order[2])
    engine.upsert_many([retracted(gone, revision=2)], NOW + minutes(1))
    engine.commit()
    assert ids(engine, after=hits[-1].arrival) == order[3:]


def test_a_new_revision_arrives_again_at_its_new_place(engine: SearchEngine) -> None:
    add(engine, "a")
    add(engine, "b", after_minutes=1)
    after = engine.arrivals(ALL, None, 10)[-1].arrival
    add(engine, "a", revision=2, after_minutes=2)
    assert ids(engine, after=after) == [article_id("a")]
    assert ids(engine) == [article_id("b"), article_id("a")]


def test_the_order_is_that_of_the_instants_and_not_of_writing(engine: SearchEngine) -> None:
    """A reindex writes in the order of the archive and tells each article's own instant."""
    add(engine, "second", after_minutes=2)
    add(engine, "first", after_minutes=1)
    assert ids(engine) == [article_id("first"), article_id("second")]


def test_latest_arrival_stands_behind_everything(engine: SearchEngine) -> None:
    assert engine.latest_arrival() is None
    engine.upsert_many([retracted("gone")], NOW + minutes(9))
    engine.commit()
    assert engine.latest_arrival() is None
    add(engine, "a", "b", after_minutes=1)
    add(engine, "c", "d")
    latest = engine.latest_arrival()
    assert latest is not None and ids(engine, after=latest) == []
    add(engine, "e", after_minutes=2)
    assert ids(engine, after=latest) == [article_id("e")]


@pytest.mark.parametrize(
    "after", [ArrivalKey(-1, ""), ArrivalKey(0, "f" * 16), ArrivalKey(-(2**63), "x"), ArrivalKey(1, "\ud800")]
)
def test_any_early_place_is_before_everything(engine: SearchEngine, after: ArrivalKey) -> None:
    add(engine, "a")
    assert ids(engine, after=after) == [article_id("a")]


@pytest.mark.parametrize("after", [ArrivalKey(2**63 - 1, ""), ArrivalKey(2**70, "f")])
def test_nothing_is_behind_a_place_at_the_end_of_time(engine: SearchEngine, after: ArrivalKey) -> None:
    add(engine, "a")
    assert ids(engine, after=after) == []


def test_the_latest_retractions_are_those_that_hold(engine: SearchEngine) -> None:
    assert list(engine.latest_retractions(10)) == []
    for n, key in enumerate("abcd"):
        at = NOW + minutes(n)
        engine.upsert_many([enriched(key), retracted(key, received_at=at, withheld=key == "b")], at)
    engine.upsert_many([enriched("c", epoch=1), enriched("e")], NOW)
    engine.commit()
    held = [(article_id("a"), NOW), (article_id("b"), NOW + minutes(1)), (article_id("d"), NOW + minutes(3))]
    assert list(engine.latest_retractions(10)) == held
    assert list(engine.latest_retractions(2)) == held[1:]
