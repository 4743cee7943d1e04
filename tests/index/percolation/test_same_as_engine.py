"""A saved search finds what the search finds: every query of the engine's contract, and random ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.engine.protocol import Filters, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.percolation.matching import matching
from services.index.percolation.percolator import NO_FILTERS, Percolator
from services.index.query.nodes import Node, Phrase
from services.index.query.parser import parse
from shared.events import ArticleEnriched
from tests.index.articles import NOW, article_id, enriched
from tests.index.contract_articles import ARTICLES, day
from tests.index.contract_queries import FOUND
from tests.index.percolation.generated import FILTERS, NODES, articles
from tests.index.test_engine_contract import FILTERED

EVENTS = [enriched(key, **fields) for key, fields in ARTICLES.items()]  # type: ignore[arg-type]
NAMES = {article_id(key): key for key in ARTICLES}


def found(text: str, filters: Filters = NO_FILTERS) -> set[str]:
    node = parse(text, lenient=True, now=day(16)).node
    return {NAMES[event.article_id] for event in matching(EVENTS, node, filters)}


@pytest.mark.parametrize("text", FOUND)
def test_saved_search_matches_what_the_engine_must_find(text: str) -> None:
    assert found(text) == set(FOUND[text])


@pytest.mark.parametrize("name", FILTERED)
def test_saved_search_keeps_what_its_filters_keep(name: str) -> None:
    text, filters, expected = FILTERED[name]
    assert found(text, Filters(**filters)) == expected


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    opened = TantivyEngine(tmp_path_factory.mktemp("same"))
    yield opened
    opened.close()


REVISIONS = count(1)


def indexed(engine: TantivyEngine, events: Sequence[ArticleEnriched]) -> list[ArticleEnriched]:
    """Return the events as revisions of which the engine then holds the latest, and nothing else."""
    latest = [event.model_copy(update={"revision": next(REVISIONS)}) for event in events]
    outcomes = engine.upsert_many(latest, NOW)
    assert {outcome.outcome for outcome in outcomes} == {"indexed"}
    engine.commit()
    return latest


def ids_found(engine: TantivyEngine, node: Node, filters: Filters = NO_FILTERS) -> set[str]:
    return {hit.id for hit in engine.search(Query(node, filters, size=100, highlight=False)).hits}


@settings(max_examples=50, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    events=st.tuples(articles("a"), articles("b"), articles("c")),
    searches=st.lists(st.tuples(NODES, FILTERS), min_size=5, max_size=12),
)
def test_any_saved_search_matches_what_the_engine_finds(
    engine: TantivyEngine,
    events: tuple[ArticleEnriched, ...],
    searches: list[tuple[Node, Filters]],
) -> None:
    latest = indexed(engine, events)
    percolator = Percolator()
    for number, (node, filters) in enumerate(searches):
        percolator.put(str(number), node, filters)
    matched: dict[str, set[str]] = {}
    for search_id, event in percolator.match(latest):
        matched.setdefault(search_id, set()).add(event.article_id)
    for number, (node, filters) in enumerate(searches):
        assert matched.get(str(number), set()) == ids_found(engine, node, filters), (node, filters)


LETTERS = st.sampled_from("abcde")
PHRASES = st.tuples(st.lists(LETTERS, min_size=2, max_size=5), st.integers(0, 6))


@settings(max_examples=50, deadline=None, suppress_health_check=[*HealthCheck])
@given(body=st.lists(LETTERS, min_size=3, max_size=40), phrases=st.lists(PHRASES, min_size=10, max_size=30))
def test_near_phrase_matches_what_the_engine_finds_by_relevance(
    alone: TantivyEngine, body: list[str], phrases: list[tuple[list[str], int]]
) -> None:
    """In an index of one article: of more, the rarest words come first, which with three words and more may
    change what is near enough."""
    latest = indexed(alone, [enriched("a", "Title", " ".join(body))])
    for words, slop in phrases:
        node = Phrase(" ".join(words), slop)
        assert {found.article_id for found in matching(latest, node)} == ids_found(alone, node), node


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    opened = TantivyEngine(tmp_path_factory.mktemp("alone"))
    yield opened
    opened.close()
