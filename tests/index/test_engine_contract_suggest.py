"""Did you mean: what is suggested for a search that finds nothing does find something, and is near."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.engine.protocol import Filters, Query, SearchEngine
from services.index.query.nodes import Phrase, Term
from services.index.query.parser import parse
from services.index.query.writing import write
from tests.index.articles import NOW, enriched, entity, retracted
from tests.index.conftest import ENGINES

ARTICLES: dict[str, dict[str, Any]] = {
    "visit": {
        "title": "Blinken meets Xi Jinping in Beijing",
        "body": "The government said the minister was running late. Blinken and the president spoke.",
        "source": "Reuters", "entities": (entity("PERSON", "Antony Blinken"),),
    },
    "cup": {"title": "José Martínez scores", "body": "A match like no other.", "source": "AFP"},
    "york": {"title": "York Minster reopens", "body": "The tower is open."},
    **{f"m{n}": {"title": "Minister resigns", "body": "Yet another minister."} for n in range(6)},
    "more": {"title": "The minister resigns", "body": "The government thanked the minister."},
    "russian": {"title": "Правительство Москвы", "body": "Министр сказал правительству.", "language": "ru"},
    "chinese": {"title": "习近平会见布林肯", "body": "国家主席", "language": "zh"},
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def stocked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    opened = ENGINES[request.param](tmp_path_factory.mktemp("suggest"))
    opened.upsert_many([enriched(key, **fields) for key, fields in ARTICLES.items()], NOW)
    opened.commit()
    opened.upsert_many([enriched("gone", "Quetzalcoatl")], NOW)
    opened.commit()
    opened.upsert_many([retracted("gone", revision=2)], NOW)
    opened.commit()
    yield opened
    opened.close()


def meant(engine: SearchEngine, text: str, **filters: tuple[str, ...]) -> str | None:
    query = Query(parse(text, lenient=True).node, Filters(**filters))  # type: ignore[arg-type]
    assert engine.search(query).total == 0, "a search that finds something needs no other"
    suggestion = engine.suggest(query)
    if suggestion is None:
        return None
    found = engine.search(Query(suggestion.node, query.filters, count="exact"))
    assert found.total == suggestion.total > 0
    return write(suggestion.node)


MEANT = {
    "blinkin": "blinken",
    "Blinkin": "Blinken",
    "BLINKIN": "BLINKEN",
    "lbinken": "blinken",
    "goverment": "government",
    "the goverment ministr": "the government minister",
    "minsiter": "minister",
    "ministtter": "minister",
    "governmental blinkin": "government blinken",
    "goverment -blinken": "government -blinken",
    "goverment -ministr": "government -ministr",
    "title:blinkin": "title:blinken",
    "person:blinkin": "person:blinken",
    "person:minisetr": None,
    "body:(goverment presidnet)": "body:government body:president",
    '"xi jinpng"': '"xi jinping"',
    '"minister was runing late"': '"minister was running late"',
    "blinkin (goverment OR absent)": "blinken (government OR absent)",
    "martinex jose": "martinez jose",
    "министв": "министр",
    "правителство": "правительство",
    # Not to be changed, or nothing near
    "xqzvw": None,
    "qeutzalcoatl": None,
    "blinkin~1 absent": None,
    "blinkinn*": None,
    "source:reutres": None,
    "language:xx": None,
    "1234567": None,
    "xj": None,
    "习远平": None,
    "blinken published:1999": None,
    "!!!": None,
}


@pytest.mark.parametrize("text", MEANT)
def test_a_search_that_finds_nothing_is_corrected(stocked: SearchEngine, text: str) -> None:
    found = meant(stocked, text)
    expected = MEANT[text]
    if expected is None:
        assert found is None
    else:
        assert found is not None
        assert parse(found, lenient=False).node == parse(expected, lenient=False).node


def test_a_known_word_gives_way_to_a_far_more_frequent_one(stocked: SearchEngine) -> None:
    assert meant(stocked, "minster resigns") == "minister resigns"
    assert meant(stocked, "minster blinken") == "minister blinken"
    assert meant(stocked, "minister martinez") is None, "no rare word is suggested for a frequent one"


def test_only_what_the_filters_leave_is_suggested(stocked: SearchEngine) -> None:
    assert meant(stocked, "blinkin", source=("Reuters",)) == "blinken"
    assert meant(stocked, "blinkin", source=("AFP",)) is None


def test_the_nodes_of_a_suggestion_keep_their_boosts_and_slop(stocked: SearchEngine) -> None:
    suggestion = stocked.suggest(Query(parse('blinkin^3 "ministet late"~3', lenient=False).node))
    assert suggestion is not None
    assert Term("blinken", boost=3.0) in suggestion.node.must  # type: ignore[union-attr]
    assert Phrase("minister late", slop=3) in suggestion.node.must  # type: ignore[union-attr]


HOSTILE = [
    "a" * 25, "blinkin " * 90, '"' + "goverment " * 90 + '"', "e" * 300, "\ud800blinkin", "ſſſſ", "ß" * 25,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_any_query_is_answered_soon(stocked: SearchEngine, text: str) -> None:
    query = Query(parse(text, lenient=True).node)
    began = time.thread_time()
    stocked.suggest(query)
    assert time.thread_time() - began < 0.1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.text(st.characters(codec=None), max_size=60) | st.from_regex(r"[a-z \"()*~:-]{1,40}", fullmatch=True)
)
def test_what_is_suggested_finds_something(stocked: SearchEngine, text: str) -> None:
    query = Query(parse(text, lenient=True).node)
    suggestion = stocked.suggest(query)
    if suggestion is not None:
        assert stocked.search(Query(suggestion.node, count="exact")).total == suggestion.total > 0
