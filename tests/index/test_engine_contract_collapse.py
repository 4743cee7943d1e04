"""Near-duplicates under one hit: the first of each in the order is shown, once, over all pages."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.engine.protocol import Filters, Hit, Query, SearchEngine, Sort
from services.index.query.nodes import Term
from shared.events import ArticleEnriched, Related
from tests.index.articles import NOW, article_id, enriched, minutes, retracted
from tests.index.conftest import ENGINES

WORD = Term("word")
SORTS: tuple[Sort, ...] = ("newest", "relevance")


def copy_of(original: str, key: str, title: str = "word", **fields: Any) -> ArticleEnriched:
    link = Related(kind="duplicate", id=article_id(original), score=0.9, why="same text")
    return enriched(key, title, related=(link,), **fields)


def store(engine: SearchEngine, *events: ArticleEnriched) -> None:
    engine.upsert_many(events, NOW)
    engine.commit()


def at(count: float) -> datetime:
    """Return the instant so many minutes before now: the larger, the older."""
    return NOW - minutes(count)


def asking(sort: Sort, size: int = 100, **more: Any) -> Query:
    return Query(WORD, sort=sort, size=size, collapse=True, highlight=False, **more)


def walk(engine: SearchEngine, query: Query, between: Callable[[], None] = lambda: None) -> list[Hit]:
    hits: list[Hit] = []
    while True:
        page = engine.search(query)
        hits += page.hits
        if page.next_cursor is None:
            return hits
        query = replace(query, cursor=page.next_cursor)
        between()


def ids(hits: list[Hit] | tuple[Hit, ...]) -> list[str]:
    return [hit.id for hit in hits]


@pytest.mark.parametrize("sort", SORTS)
def test_of_copies_one_is_shown_and_tells_of_the_others(engine: SearchEngine, sort: Sort) -> None:
    store(
        engine,
        enriched("first", "word", source="Reuters", url="https://a.example/1", published_at=at(30)),
        copy_of("first", "second", source="Le Monde", published_at=at(20)),
        copy_of("first", "third", source="Le Monde", published_at=at(10)),
        enriched("other", "word of another", published_at=at(15)),
    )
    page = engine.search(asking(sort))
    hits = {hit.id: hit for hit in page.hits}
    assert len(hits) == 2 and page.total == 4
    assert hits.pop(article_id("other")).duplicates is None
    [hit] = hits.values()
    assert hit.duplicates is not None and hit.duplicates.count == 2
    shown = [hit.id, *(one["id"] for one in hit.duplicates.articles)]
    assert sorted(shown) == sorted(article_id(key) for key in ("first", "second", "third"))
    # Two articles of Le Monde are one outlet, and that of the hit does not count.
    assert hit.duplicates.sources == 1
    first = [one for one in (*hit.duplicates.articles, hit.card) if one["id"] == article_id("first")]
    assert first[0]["title"] == "word" and first[0]["url"] == "https://a.example/1"
    assert first[0]["published_at"] == "2026-11-20T11:30:00Z"


def test_the_newest_copy_is_shown_and_its_copies_newest_first(engine: SearchEngine) -> None:
    store(engine, enriched("k0", "word", published_at=at(0)))
    store(engine, *(copy_of("k0", f"k{n}", published_at=at(n), source=f"S{n}") for n in range(1, 9)))
    [hit] = engine.search(asking("newest")).hits
    assert hit.id == article_id("k0") and hit.duplicates is not None
    assert (hit.duplicates.count, hit.duplicates.sources) == (8, 8)
    assert [one["id"] for one in hit.duplicates.articles] == [article_id(f"k{n}") for n in range(1, 6)]


def test_the_best_copy_is_shown_when_ranked(engine: SearchEngine) -> None:
    store(
        engine,
        enriched("weak", "Another title", "word in a body", published_at=at(1)),
        copy_of("weak", "strong", "word", published_at=at(99)),
    )
    [hit] = engine.search(asking("relevance")).hits
    assert hit.id == article_id("strong")


def test_copies_that_do_not_match_are_not_counted(engine: SearchEngine) -> None:
    store(
        engine,
        enriched("a", "word", language="en"),
        copy_of("a", "b", "other title"),
        copy_of("a", "c", language="fr"),
    )
    [hit] = engine.search(asking("newest", filters=Filters(language=("en",)))).hits
    assert hit.id == article_id("a") and hit.duplicates is None


def test_every_copy_is_a_hit_unless_collapsed(engine: SearchEngine) -> None:
    store(engine, enriched("a", "word"), copy_of("a", "b"), copy_of("a", "c"))
    page = engine.search(Query(WORD))
    assert len(page.hits) == 3 and all(hit.duplicates is None for hit in page.hits)


def test_a_copy_that_was_taken_down_is_not_told_of(engine: SearchEngine) -> None:
    store(engine, enriched("a", "word", published_at=at(1)), copy_of("a", "b", published_at=at(2)))
    engine.upsert_many([retracted("b", revision=2)], NOW)
    engine.commit()
    [hit] = engine.search(asking("newest")).hits
    assert (hit.id, hit.duplicates) == (article_id("a"), None)
    engine.upsert_many([retracted("a", revision=2)], NOW)
    engine.commit()
    assert engine.search(asking("newest")).hits == ()


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("sort", SORTS)
def test_pages_go_on_past_hundreds_of_copies(engine: SearchEngine, sort: Sort, size: int) -> None:
    """A wire report that everybody prints must not use up the page, nor end the list."""
    store(engine, enriched("w0", "word", published_at=at(0)))
    store(engine, *(copy_of("w0", f"w{n}", published_at=at(n)) for n in range(1, 700)))
    store(engine, *(enriched(f"o{n}", "some word or other", published_at=at(1000 + n)) for n in range(7)))
    found = ids(walk(engine, asking(sort, size)))
    assert len(found) == len(set(found)) == 8
    assert {article_id(f"o{n}") for n in range(7)} < set(found)
    if sort == "newest":
        assert found == [article_id(key) for key in ("w0", *(f"o{n}" for n in range(7)))]


def test_copies_of_what_earlier_pages_showed_are_passed_over(engine: SearchEngine) -> None:
    """Every page after the first of these has to look past all that its predecessors showed."""
    for n in range(40):
        store(engine, enriched(f"k{n}", "word", published_at=at(n)))
    store(engine, *(copy_of(f"k{n}", f"c{n}", published_at=at(100 + n)) for n in range(40)))
    store(engine, enriched("last", "word", published_at=at(200)))
    found = ids(walk(engine, asking("newest", 10)))
    assert found == [article_id(key) for key in (*(f"k{n}" for n in range(40)), "last")]


@pytest.mark.parametrize("sort", SORTS)
def test_copies_that_arrive_meanwhile_neither_hide_nor_repeat_hits(engine: SearchEngine, sort: Sort) -> None:
    for n in range(30):
        store(engine, enriched(f"k{n}", "word " * (1 + n % 3), published_at=at(n)))
    arrived = 0

    def arrive() -> None:
        nonlocal arrived
        arrived += 1
        # Copies on top of what is still to come, and copies of what was shown further down.
        store(
            engine,
            *(copy_of(f"k{n}", f"top{n}-{arrived}", "word word word") for n in range(30)),
            *(copy_of(f"k{n}", f"end{n}-{arrived}", published_at=at(50 + n)) for n in range(30)),
        )

    found = ids(walk(engine, asking(sort, 4), arrive))
    assert sorted(found) == sorted(article_id(f"k{n}") for n in range(30))


def test_what_is_taken_down_meanwhile_is_not_shown_on_a_later_page(engine: SearchEngine) -> None:
    store(engine, *(enriched(f"k{n}", "word", published_at=at(n)) for n in range(8)))
    store(engine, copy_of("k7", "c7", published_at=at(99)))
    for sort, gone in zip(SORTS, ("k5", "k6"), strict=True):
        query = asking(sort, 3)
        first = engine.search(query)
        engine.upsert_many([retracted(gone, revision=2)], NOW)
        engine.commit()
        rest = ids(walk(engine, replace(query, cursor=first.next_cursor)))
        assert rest and article_id(gone) not in rest


@pytest.fixture(scope="module", params=ENGINES)
def mixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    """500 articles of 120 clusters, some of them large, with dates and words by chance."""
    opened = ENGINES[request.param](tmp_path_factory.mktemp("mixed"))
    rng = random.Random(5)
    for low in range(0, 500, 50):
        events = []
        for n in range(low, low + 50):
            fields: dict[str, Any] = {
                "published_at": at(rng.randint(0, 3000)),
                "source": f"S{rng.randint(0, 4)}",
                "body": "word " * rng.randint(0, 6) + "more text " * rng.randint(1, 5),
            }
            title = rng.choice(["word", "a title", "word title"])
            original = min(rng.randint(0, 119), rng.randint(0, 119))
            if n < 120:
                events.append(enriched(f"m{n}", title, **fields))
            else:
                events.append(copy_of(f"m{original}", f"m{n}", title, **fields))
        store(opened, *events)
    yield opened
    opened.close()


def cluster_names(engine: SearchEngine) -> dict[str, str]:
    """Return the original of each article, from the links of the articles themselves.

    What is of the same outlet as its original is one itself.
    """
    hits = {hit.id: hit for hit in walk(engine, Query(size=100, highlight=False))}
    names: dict[str, str] = {}
    for hit in hits.values():
        stored: Any = engine.get(hit.id)
        links = stored.article.get("related") or []
        copied = links and hits[links[0]["id"]].card["source"] != hit.card["source"]
        names[hit.id] = links[0]["id"] if copied else hit.id
    return names


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sort=st.sampled_from(SORTS),
    size=st.integers(1, 40),
    source=st.sampled_from([(), ("S1",), ("S2", "S3")]),
    as_of=st.sampled_from([None, NOW]),
)
def test_collapsed_pages_are_the_firsts_of_the_plain_ones(
    mixed: SearchEngine, sort: Sort, size: int, source: tuple[str, ...], as_of: datetime | None
) -> None:
    names = cluster_names(mixed)
    query = Query(WORD, Filters(source=source), sort, size, as_of=as_of, highlight=False)
    plain = ids(walk(mixed, replace(query, size=100)))
    expected: dict[str, list[str]] = {}
    for key in plain:
        expected.setdefault(names[key], []).append(key)
    found = walk(mixed, replace(query, collapse=True))
    assert ids(found) == [members[0] for members in expected.values()]
    for hit, members in zip(found, expected.values(), strict=True):
        others = set(members[1:])
        assert (hit.duplicates.count if hit.duplicates else 0) == len(others)
        if hit.duplicates:
            assert {one["id"] for one in hit.duplicates.articles} <= others
            # Long pages tell of fewer, but of one at least.
            least = min(5, len(others)) if size <= 12 else 1
            assert least <= len(hit.duplicates.articles) <= 5
            outlets = {mixed.get(key).article["source"] for key in others}  # type: ignore[union-attr]
            assert hit.duplicates.sources == len(outlets - {hit.card["source"]})


def test_counts_and_facets_are_of_all_that_match(mixed: SearchEngine) -> None:
    plain = mixed.search(Query(WORD, facets=("sources",), count="exact"))
    collapsed = mixed.search(Query(WORD, facets=("sources",), count="exact", collapse=True))
    assert (plain.total, plain.facets) == (collapsed.total, collapsed.facets)


def test_a_cursor_is_bound_to_whether_copies_are_collapsed(mixed: SearchEngine) -> None:
    cursor = mixed.search(Query(WORD, size=2, sort="newest", collapse=True)).next_cursor
    assert cursor is not None
    with pytest.raises(Exception, match="another search"):
        mixed.search(Query(WORD, size=2, sort="newest", cursor=cursor))


def test_pages_are_whole_after_their_snapshot_has_gone(
    engine: SearchEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.index.engine.snapshots.MAX_KEPT", 0)
    for n in range(20):
        store(
            engine,
            enriched(f"k{n}", "word", published_at=at(n)),
            copy_of(f"k{n}", f"c{n}", published_at=at(40 + n)),
        )

    def arrive() -> None:
        store(
            engine, enriched("later", "word", published_at=at(15)), copy_of("k19", "top", published_at=at(0))
        )

    for sort in SORTS:
        found = ids(walk(engine, asking(sort, 6), arrive))
        assert set(found) >= {article_id(f"k{n}") for n in range(19)}
        assert len(found) == len(set(found))
