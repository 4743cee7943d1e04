"""Query nodes as text: it reads well, and it means the same nodes again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.index.query.nodes import (
    MATCH_ALL,
    MATCH_NOTHING,
    Bool,
    Field,
    Fuzzy,
    In,
    MatchAll,
    Node,
    Phrase,
    Prefix,
    Range,
    Term,
)
from services.index.query.parser import MAX_CHARS, MAX_DEPTH, parse
from services.index.query.writing import write
from tests.index.query_texts import GRAMMAR_IN_DISORDER, NOW, QUERIES, TEXTS

WRITTEN = {
    "  xi   AND blinken ": "xi blinken",
    "a OR b c": "(a OR b) c",
    "a AND b OR c": "(a b) OR c",
    "a OR -b": "a OR -b",
    "+a b -c": "+a b -c",
    "+a OR -b": "+a OR -b",
    "NOT a": "-a",
    "-(a b)": "-(a b)",
    "title:(a b)^2": "(title:a title:b)^2",
    "“xi jinping”~2": '"xi jinping"~2',
    "word~0.8^1.50": "word~1^1.5",
    "lang:FR": "language:FR",
    "published:2026-11": "published:[2026-11-01 TO 2026-12-01}",
    "published:>2026-11-05": "published:>=2026-11-06",
    "published:<=2026-11-05T10:30": "published:<2026-11-05T10:31Z",
    "published:>=yesterday": "published:>=2026-11-24",
    "sentiment:>.5": "sentiment:>0.5",
    "sentiment:{-1 TO *}": "sentiment:{-1 TO *}",
    "sentiment:0.5": "sentiment:[0.5 TO 0.5]",
    r"title\:a \AND \-x": r"title\:a \AND \-x",
    "10:30 http://a.example/?b=c Breaking: storm": "10:30 http://a.example/?b=c Breaking: storm",
    "": "*",
    "-*": "-*",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_query_is_written_as(text: str) -> None:
    assert write(parse(text, lenient=False, now=NOW).node) == WRITTEN[text]


def _comes_back(node: Node, *, lenient: bool = False) -> None:
    text = write(node)
    if len(text) > MAX_CHARS:
        return
    assert parse(text, lenient=lenient).node == node, text


@settings(max_examples=200, deadline=None)
@given(QUERIES)
def test_what_a_query_means_can_be_written(text: str) -> None:
    _comes_back(parse(text, lenient=False, now=NOW).node)


@settings(max_examples=200, deadline=None)
@given(GRAMMAR_IN_DISORDER | TEXTS)
def test_what_is_made_of_any_text_can_be_written(text: str) -> None:
    _comes_back(parse(text, lenient=True, now=NOW).node, lenient=True)


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=8
)
_TEXTS = _WORDS.filter(lambda text: any(map(str.isalnum, text)))
_FREE = st.sampled_from([None, Field.TITLE, Field.SOURCE, Field.TOPIC])
_BOOSTS = st.sampled_from([1.0, 2.0, 0.5, 0.000001, 1.210001, 50.0])
_LEAVES: st.SearchStrategy[Node] = st.one_of(
    st.builds(Term, _TEXTS, _FREE, _BOOSTS),
    st.builds(Prefix, _TEXTS, _FREE, _BOOSTS),
    st.builds(Phrase, _TEXTS, st.integers(0, 50), _FREE, _BOOSTS),
    st.builds(Fuzzy, _TEXTS, st.integers(1, 2), _FREE, _BOOSTS),
    st.builds(MatchAll, _BOOSTS),
)


def _pairs(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[tuple[Node, ...]]:
    return st.lists(inner, min_size=2, max_size=3).map(tuple)


def _bools(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    some = st.lists(inner, min_size=1, max_size=2).map(tuple)
    return st.one_of(
        st.builds(Bool, must=_pairs(inner), boost=_BOOSTS),
        st.builds(Bool, should=_pairs(inner), boost=_BOOSTS),
        st.builds(Bool, must=some, must_not=some, boost=_BOOSTS),
        st.builds(Bool, must=some, should=some, boost=_BOOSTS),
        st.builds(Bool, must=some, should=some, must_not=some, boost=_BOOSTS),
        st.builds(Bool, must_not=_pairs(inner), boost=_BOOSTS),
    )


@settings(max_examples=200, deadline=None)
@given(st.recursive(_LEAVES, _bools, max_leaves=12))
def test_nodes_and_text_go_round(node: Node) -> None:
    _comes_back(node)


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(st.none(), st.floats(-1, 1).map(lambda x: round(x, 15))),
    st.one_of(st.none(), st.floats(-1, 1).map(lambda x: round(x, 15))),
    st.booleans(),
    st.booleans(),
    _BOOSTS,
)
def test_ranges_of_tone_go_round(
    lower: float | None, upper: float | None, with_lower: bool, with_upper: bool, boost: float
) -> None:
    assume(lower is None or upper is None or lower <= upper)
    _comes_back(Range(Field.SENTIMENT, lower, upper, with_lower, with_upper, boost))


_INSTANTS = st.integers(-62_135_500_000, 253_402_200_000).map(
    lambda seconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@settings(max_examples=100, deadline=None)
@given(st.none() | _INSTANTS, st.none() | _INSTANTS, _BOOSTS)
def test_ranges_of_time_go_round(lower: datetime | None, upper: datetime | None, boost: float) -> None:
    assume(lower is None or upper is None or lower <= upper)
    _comes_back(Range(Field.PUBLISHED, lower, upper, include_upper=False, boost=boost))


def test_the_deepest_query_can_be_written() -> None:
    text = "a OR b AND " + "(c OR d AND " * MAX_DEPTH + "e" + ")" * MAX_DEPTH
    node = parse(text, lenient=False).node
    assert parse(write(node), lenient=False).node == node


def test_nothing_and_everything_have_texts() -> None:
    for node in (MATCH_ALL, MATCH_NOTHING, Bool(boost=2.0), Bool(must_not=(MATCH_NOTHING,))):
        _comes_back(node)


def test_one_of_several_beside_an_exclusion_is_written_as_it_matches() -> None:
    a, b, c = Term("a"), Term("b"), Term("c")
    assert write(Bool(should=(a, b), must_not=(c,))) == "(a OR b) -c"
    assert write(Bool(should=(a,), must_not=(c,))) == "a -c"


def test_exact_filters_have_no_text() -> None:
    with pytest.raises(ValueError, match="In"):
        write(Bool(must=(Term("a"), In(Field.SOURCE, ("b",)))))
