"""Whatever the parser makes of a text, an engine answers it; and what it finds is what the nodes say."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.engine.protocol import Query, SearchEngine
from services.index.query.nodes import MATCH_ALL, Bool, Node
from services.index.query.parser import parse
from services.index.query.writing import write
from tests.index.articles import NOW, enriched
from tests.index.conftest import ENGINES
from tests.index.contract_articles import ARTICLES, day
from tests.index.contract_queries import FOUND
from tests.index.query_texts import GRAMMAR_IN_DISORDER, QUERIES, TEXTS

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", params=ENGINES)
def stocked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    opened = ENGINES[request.param](tmp_path_factory.mktemp("any-query"))
    opened.upsert_many([enriched(key, **fields) for key, fields in ARTICLES.items()], NOW)  # type: ignore[arg-type]
    opened.commit()
    yield opened
    opened.close()


def found(engine: SearchEngine, node: Node) -> set[str]:
    return {hit.id for hit in engine.search(Query(node, size=100)).hits}


@MANY
@given(text=QUERIES | GRAMMAR_IN_DISORDER | TEXTS)
def test_any_text_is_answered(stocked: SearchEngine, text: str) -> None:
    node = parse(text, lenient=True, now=day(16)).node
    assert found(stocked, node) <= found(stocked, MATCH_ALL)


_SOUND = st.sampled_from([text for text, ids in FOUND.items() if ids and text not in ("xi ?",)])


@MANY
@given(one=_SOUND, other=_SOUND)
def test_and_or_and_not_of_two_queries_are_those_of_what_they_find(
    stocked: SearchEngine, one: str, other: str
) -> None:
    first, second = (parse(text, lenient=False, now=day(16)).node for text in (one, other))
    a, b = found(stocked, first), found(stocked, second)
    everything = found(stocked, MATCH_ALL)
    assert found(stocked, Bool(must=(first, second))) == a & b
    assert found(stocked, Bool(should=(first, second))) == a | b
    assert found(stocked, Bool(must=(first,), must_not=(second,))) == a - b
    assert found(stocked, Bool(must_not=(first, second))) == everything - a - b
    assert found(stocked, Bool(must=(first,), should=(second,))) == a


@MANY
@given(text=_SOUND)
def test_a_query_written_anew_finds_the_same(stocked: SearchEngine, text: str) -> None:
    node = parse(text, lenient=False, now=day(16)).node
    again = parse(write(node), lenient=False).node
    assert found(stocked, again) == found(stocked, node)
