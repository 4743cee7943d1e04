"""Pages: nothing is lost or shown twice, while articles keep coming, and no cursor can do harm."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tantivy import DocAddress

from services.index.engine.protocol import Filters, InvalidCursor, Query, SearchEngine, Sort
from services.index.engine.rows import Row, whole_keys
from services.index.query.nodes import Term
from tests.index.articles import NOW, article_id, enriched, minutes, retracted

WORD = Term("word")


def fill(engine: SearchEngine, count: int, *, start: int = 0) -> None:
    """Add articles, each a minute older than the one before, several commits long."""
    for low in range(start, start + count, 7):
        engine.upsert_many(
            [
                enriched(f"k{n}", "word " * (1 + n % 3), received_at=NOW - minutes(n))
                for n in range(low, min(low + 7, start + count))
            ],
            NOW,
        )
        engine.commit()


def pages(engine: SearchEngine, query_sort: Sort, size: int, between: object = None) -> list[str]:
    found: list[str] = []
    cursor = None
    while True:
        page = engine.search(Query(WORD, sort=query_sort, size=size, cursor=cursor, highlight=False))
        found += [hit.id for hit in page.hits]
        cursor = page.next_cursor
        if cursor is None:
            return found
        if callable(between):
            between()


@pytest.mark.parametrize("size", [1, 3, 7, 100])
@pytest.mark.parametrize("sort", ["newest", "relevance"])
def test_pages_hold_every_hit_once(engine: SearchEngine, sort: Sort, size: int) -> None:
    fill(engine, 40)
    found = pages(engine, sort, size)
    assert sorted(found) == sorted(article_id(f"k{n}") for n in range(40))


def test_newest_pages_are_in_order(engine: SearchEngine) -> None:
    fill(engine, 20)
    assert pages(engine, "newest", 6) == [article_id(f"k{n}") for n in range(20)]


@pytest.mark.parametrize("sort", ["newest", "relevance"])
def test_articles_that_arrive_meanwhile_neither_hide_nor_repeat_hits(
    engine: SearchEngine, sort: Sort
) -> None:
    fill(engine, 30)
    arrived = 0

    def arrive() -> None:
        nonlocal arrived
        arrived += 1
        engine.upsert_many(
            [
                enriched(f"new {arrived}", "word word word", received_at=NOW + minutes(arrived)),
                enriched(f"late {arrived}", "word", received_at=NOW - timedelta(days=9) + minutes(arrived)),
            ],
            NOW,
        )
        engine.commit()

    found = pages(engine, sort, 4, between=arrive)
    assert len(found) == len(set(found))
    assert {article_id(f"k{n}") for n in range(30)} <= set(found)


def test_articles_that_go_meanwhile_leave_the_rest_whole(engine: SearchEngine) -> None:
    fill(engine, 20)
    first = engine.search(Query(WORD, sort="newest", size=5))
    engine.upsert_many([retracted("k2"), retracted("k7")], NOW)
    engine.commit()
    second = engine.search(Query(WORD, sort="newest", size=5, cursor=first.next_cursor))
    assert [hit.id for hit in second.hits] == [article_id(f"k{n}") for n in (5, 6, 8, 9, 10)]


def test_articles_of_one_second_are_all_shown(engine: SearchEngine) -> None:
    engine.upsert_many([enriched(f"k{n}", "word") for n in range(50)], NOW)
    engine.commit()
    assert len(set(pages(engine, "newest", 7))) == 50


def test_articles_that_share_a_sort_key_are_not_torn_apart(engine: SearchEngine) -> None:
    events = []
    for n in range(8):
        # Same second, same first 32 bits of the id: four pairs of twins.
        twin = f"{n // 2:08x}{n:024x}"
        events.append(enriched("x", f"word {n}").model_copy(update={"article_id": twin}))
    engine.upsert_many(events, NOW)
    engine.commit()
    for size in (1, 2, 3, 5):
        found = pages(engine, "newest", size)
        assert len(found) == len(set(found)) == 8


def test_page_ends_before_twins_or_holds_both() -> None:
    rows = [Row(key, DocAddress(0, n), n) for n, key in enumerate((9, 8, 8))]
    assert whole_keys(rows, 2) == rows[:1]
    assert whole_keys(rows[1:], 1) == rows[1:]


def test_total_is_of_the_whole_query_on_every_page(engine: SearchEngine) -> None:
    fill(engine, 12)
    for sort in ("newest", "relevance"):
        first = engine.search(Query(WORD, sort=sort, size=5))  # type: ignore[arg-type]
        second = engine.search(Query(WORD, sort=sort, size=5, cursor=first.next_cursor))  # type: ignore[arg-type]
        assert first.total == second.total == 12


def test_last_page_has_no_cursor(engine: SearchEngine) -> None:
    fill(engine, 5)
    assert engine.search(Query(WORD, size=5)).next_cursor is None
    assert engine.search(Query(WORD, size=5, sort="newest")).next_cursor is None
    assert engine.search(Query(Term("absent"))).next_cursor is None


def test_cursor_of_another_search_is_refused(engine: SearchEngine) -> None:
    fill(engine, 5)
    cursor = engine.search(Query(WORD, size=2)).next_cursor
    for other in (
        Query(Term("other"), size=2, cursor=cursor),
        Query(WORD, Filters(source=("x",)), size=2, cursor=cursor),
        Query(WORD, size=2, sort="newest", cursor=cursor),
    ):
        with pytest.raises(InvalidCursor):
            engine.search(other)
    assert engine.search(Query(WORD, size=3, facets=("sources",), cursor=cursor)).hits


def test_cursor_is_refused_when_any_bit_of_it_changes(engine: SearchEngine) -> None:
    fill(engine, 3)
    for sort in ("newest", "relevance"):
        cursor = engine.search(Query(WORD, size=1, sort=sort)).next_cursor  # type: ignore[arg-type]
        assert cursor is not None
        raw = base64.urlsafe_b64decode(cursor + "==")
        for bit in range(len(raw) * 8):
            changed = bytearray(raw)
            changed[bit // 8] ^= 1 << bit % 8
            text = base64.urlsafe_b64encode(bytes(changed)).decode().rstrip("=")
            with pytest.raises(InvalidCursor):
                engine.search(Query(WORD, size=1, sort=sort, cursor=text))  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec=None), min_size=1, max_size=80))
def test_text_that_is_no_cursor_is_refused(engine: SearchEngine, text: str) -> None:
    with pytest.raises(InvalidCursor):
        engine.search(Query(WORD, cursor=text))


def test_relevance_pages_end_at_the_offset_cap(engine: SearchEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.index.engine.paging.MAX_OFFSET", 10)
    fill(engine, 30)
    assert len(pages(engine, "relevance", 4)) == 12
