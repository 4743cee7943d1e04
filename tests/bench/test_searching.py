"""The corpus of `bench search`, the peer that is asked beside our engine, and what their figures mean."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.searching import rows, showing
from bench.searching.building import Built, build, engine_dir, peer_file
from bench.searching.fts5 import Fts5, fts_text
from bench.searching.language import WORD_TYPES, LanguageModel, make_language
from bench.searching.loading import UnderLoad, copy_index
from bench.searching.measuring import Measured, Times, measure
from bench.searching.news import NOW, Newsroom
from bench.searching.questions import Asked, Kind, kinds
from services.index.engine.protocol import Filters, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import parse
from services.index.timeline import timeline_of
from shared.events import ArticleEnriched

COUNT = 600


@pytest.fixture(scope="module")
def language() -> LanguageModel:
    return make_language()


@pytest.fixture(scope="module")
def news(language: LanguageModel) -> list[ArticleEnriched]:
    return list(Newsroom(language).articles(COUNT))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Built]:
    directory = tmp_path_factory.mktemp("bench") / "documents"
    return directory, build(directory, COUNT, lambda _: None)


@pytest.fixture(scope="module")
def both(built: tuple[Path, Built]) -> Iterator[tuple[TantivyEngine, Fts5]]:
    directory, _ = built
    engine, peer = TantivyEngine(engine_dir(directory)), Fts5.open(peer_file(directory))
    yield engine, peer
    peer.connection.close()
    engine.close()


def test_words_are_as_frequent_as_in_a_language(news: list[ArticleEnriched], language: LanguageModel) -> None:
    assert len(set(language.words)) == WORD_TYPES
    words = Counter(word.lower() for event in news for word in re.findall(r"\w+", event.article.body))
    total = sum(words.values())
    ranked = [count / total for _, count in words.most_common()]
    assert 0.03 < ranked[0] < 0.08, "the commonest word of English is some 6 % of all"
    # Heaps: most types of a text are rare.
    assert sum(count <= 2 for count in words.values()) > len(words) / 2
    assert len(words) > 10_000


def test_articles_are_the_same_each_time_and_in_order(
    news: list[ArticleEnriched], language: LanguageModel
) -> None:
    assert [event.article_id for event in Newsroom(language).articles(COUNT)] == [
        event.article_id for event in news
    ]
    received = [event.received_at for event in news]
    assert received == sorted(received) and NOW - received[0] > timedelta(days=700) and received[-1] <= NOW
    assert len({event.article_id for event in news}) == COUNT


def test_a_tenth_are_near_duplicates_of_what_came_before(news: list[ArticleEnriched]) -> None:
    by_id = {event.article_id: number for number, event in enumerate(news)}
    copies = [(number, event) for number, event in enumerate(news) if event.article.related]
    assert 0.06 < len(copies) / COUNT < 0.14
    for number, event in copies:
        original = news[by_id[str(event.article.related[0].id)]]
        assert by_id[original.article_id] < number
        ours, theirs = (set(re.findall(r"\w+", one.article.body.lower())) for one in (event, original))
        assert len(ours & theirs) / len(ours | theirs) > 0.85


def test_what_an_article_is_about_stands_in_its_text(news: list[ArticleEnriched]) -> None:
    named = [entity.canonical in event.article.body for event in news for entity in event.article.entities]
    # A name may be written over by another.
    assert sum(named) / len(named) > 0.7


def test_both_find_the_same_articles(
    both: tuple[TantivyEngine, Fts5], news: list[ArticleEnriched], language: LanguageModel
) -> None:
    engine, peer = both
    alike: list[bool] = []
    for kind in kinds(language, COUNT, 30)[2:5]:
        for asked in kind.asked:
            ours = engine.search(Query(parse(asked.text, lenient=False).node, size=100, count="exact"))
            if ours.total is None or not 0 < ours.total <= 10:
                continue
            alike.append({row[0] for row in peer.ten_hits(asked.text)} == {hit.id for hit in ours.hits})
    # Their stemmers, Porter's first and second, differ over a few endings.
    assert len(alike) > 30 and sum(alike) >= 0.9 * len(alike)


def test_both_count_the_same(both: tuple[TantivyEngine, Fts5], language: LanguageModel) -> None:
    engine, peer = both
    for text in ("", language.words[200]):
        node = parse(text, lenient=False).node
        ours = engine.search(Query(node, facets=("entities",), facet_size=20)).facets["entities"]
        theirs = peer.top_entities(text)
        # Each of our segments hands over its 200 most frequent, so those in front are counted in full.
        assert [count.count for count in ours[:5]] == [count for _, count in theirs[:5]]
        timeline = timeline_of(engine.aggregations, node, Filters())
        assert timeline.total == sum(count for _, count, _ in peer.histogram(text))


def test_both_list_the_same_of_an_entity_by_date(
    both: tuple[TantivyEngine, Fts5], news: list[ArticleEnriched]
) -> None:
    engine, peer = both
    entity = Counter(
        f"{one.label}:{one.canonical}" for event in news for one in event.article.entities
    ).most_common(1)[0][0]
    word, start, end = "fio", NOW - timedelta(days=500), NOW
    filters = Filters(entity=(entity,), from_at=start, to_at=end)
    ours = engine.search(Query(parse(word, lenient=False).node, filters, sort="newest"))
    assert len(ours.hits) > 3
    assert [row[0] for row in peer.newest_of_entity(word, entity, start, end)] == [
        hit.id for hit in ours.hits
    ]


def test_a_deep_page_of_both_goes_on_where_the_one_before_ended(
    both: tuple[TantivyEngine, Fts5], language: LanguageModel
) -> None:
    engine, peer = both
    [deep] = [kind for kind in kinds(language, COUNT, 1) if kind.prepare is not None]
    assert deep.prepare is not None and deep.peer is not None
    asked = deep.prepare(engine, Asked("fio"))
    page: Any = deep.ours(engine, asked)
    assert [row[0] for row in deep.peer(peer, asked)] == [hit.id for hit in page.hits]  # type: ignore[attr-defined]


def test_texts_are_quoted_for_the_peer() -> None:
    assert fts_text('tax "xi jinping" o\'brien') == '"tax" "xi jinping" "o brien"'


def test_what_was_built_is_not_built_again(built: tuple[Path, Built]) -> None:
    directory, first = built
    assert build(directory, COUNT, lambda _: None) == replace(first, earlier=True)
    assert first.documents == COUNT and not first.earlier


def test_what_was_not_built_to_its_end_is_built_again(tmp_path: Path) -> None:
    peer = Fts5.open(peer_file(tmp_path))
    peer.add(list(Newsroom(make_language()).articles(3)))
    peer.connection.close()
    assert build(tmp_path, 20, lambda _: None).documents == 20
    peer = Fts5.open(peer_file(tmp_path))
    assert peer.count() == 20
    peer.connection.close()


def test_a_copy_of_the_index_leaves_the_first_as_it_was(built: tuple[Path, Built], tmp_path: Path) -> None:
    copy_index(engine_dir(built[0]), tmp_path / "copy")
    before = sorted(path.name for path in engine_dir(built[0]).rglob("*"))
    engine = TantivyEngine(tmp_path / "copy")
    engine.upsert_many(list(Newsroom(make_language(), 3).articles(5)), NOW)
    engine.commit()
    assert engine.stats().articles == COUNT + 5
    engine.close()
    assert sorted(path.name for path in engine_dir(built[0]).rglob("*")) == before


def test_each_question_is_asked_by_empty_and_by_filled_caches(
    built: tuple[Path, Built], language: LanguageModel, tmp_path: Path
) -> None:
    directory = tmp_path / "bench"
    copy_index(built[0], directory)
    common, rare, *_ = kinds(language, COUNT, 25)
    peer = Fts5.open(peer_file(directory))
    found = measure(common, rare, engine_dir(directory), peer)
    peer.connection.close()
    assert len(found.first.cpu) == 25 and len(found.again.cpu) == 50 and found.peer is not None


def _measured(first: list[float], peer: list[float] | None, *, whole: bool = False) -> Measured:
    kind = Kind("common term", [Asked("x")], lambda *_: None, None, whole)
    return Measured(kind, Times(first, first), Times([1.0], [1.0]), Times(peer, peer) if peer else None)


@pytest.mark.parametrize(
    ("first", "whole", "met"), [([9.9] * 100, False, True), ([9.0] * 90 + [11.0] * 10, False, False),
                                ([29.0], True, True), ([31.0], True, False)]
)  # fmt: skip
def test_the_slowest_hundredth_decides(first: list[float], whole: bool, met: bool) -> None:
    found = _measured(first, None, whole=whole)
    assert [row.met for row in rows.search_rows(found) if row.target is not None] == [met]


def test_the_table_says_what_was_missed() -> None:
    measured = [_measured([2.0], [50.0])]
    others = [
        *rows.ratio_rows(measured),
        *rows.building_rows(Built(1_000, 1.0, 2.0, 1_000_000, 0.5, 1.0, 1_000_000)),
        *rows.load_rows(UnderLoad([10.0, 20.0], 100, 100, 1.0, 0.5, 0.1)),
    ]
    machine = {"cores": 2, "cpu": "x", "python": "3", "redis": "7", "revision": "r", "load_average": 0.1}
    document = {"machine": machine, "command": "bench", "seconds": 1.0, "met": False}
    console = Console(record=True, width=140, file=io.StringIO())
    showing.show(console, measured, others, document)
    text = console.export_text()
    assert "25.0×" in text and "a target was MISSED" in text
    assert [row.met for row in others if row.target is not None] == [False, False, True]
