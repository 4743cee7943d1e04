"""No text whatever gets the better of the parser: it answers, in time, and says where the fault is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.index.query.parser import MAX_WARNINGS, ParsedQuery, QuerySyntaxError, parse
from tests.index.query_texts import GRAMMAR_IN_DISORDER, NOW, QUERIES, TEXTS

LONGEST_WARNING_CHARS = 300
# On the machine of the tests; the most costly text of all takes a tenth of it.
MAX_CPU_S = 0.05

HOSTILE = {
    "5,000 open": "(" * 5_000,
    "5,000 nested": "(" * 5_000 + "a" + ")" * 5_000,
    "10k terms": "a " * 10_000,
    "NULs": "\0" * 100,
    "NUL in word": "a\0b",
    "operators only": "AND OR NOT && || ! + - ~ ^ : * ? [ ] { } ( )",
    "quotes": '"' * 101,
    "carets": "a" + "^" * 900,
    "tildes": "~" * 900,
    "colons": "title:" * 160,
    "backslashes": "\\" * 999,
    "surrogate": "a \ud800 b",
    "nots": "NOT " * 240 + "a",
    "minuses": "-" * 999,
    "bidi": "\u202e\u2066a",
    "ranges": "published:[" * 80,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_read_somehow(text: str) -> None:
    parse(text, lenient=True)
    try:
        parse(text, lenient=False)
    except QuerySyntaxError as error:
        assert error.caret


def _in_bounds(parsed: ParsedQuery) -> None:
    assert len(parsed.warnings) <= MAX_WARNINGS
    assert all(len(warning) <= LONGEST_WARNING_CHARS for warning in parsed.warnings)


def _answers(text: str) -> ParsedQuery:
    """Read `text` in both ways; return what the lenient one makes of it."""
    lenient = parse(text, lenient=True, now=NOW)
    _in_bounds(lenient)
    try:
        strict = parse(text, lenient=False, now=NOW)
    except QuerySyntaxError as error:
        assert 0 <= error.position <= len(text)
        assert error.message and len(error.message) <= LONGEST_WARNING_CHARS
        line, caret = error.caret.split("\n")
        assert len(line) <= 80 and caret.endswith("^") and len(caret) <= len(line) + 1
        assert lenient.warnings, "what strict reading refuses, lenient reading warns of"
    else:
        assert strict == lenient
    return lenient


def _is_answered_in_time(text: str) -> bool:
    """Tell whether one of a few tries stays below the limit: the others may have met a garbage collection."""

    def cpu_s() -> float:
        started = time.process_time()
        _answers(text)
        return time.process_time() - started

    return any(cpu_s() < MAX_CPU_S for _ in range(3))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_answered_in_time(text: str) -> None:
    assert _is_answered_in_time(text)


@settings(max_examples=300, deadline=None)
@given(GRAMMAR_IN_DISORDER)
def test_grammar_in_disorder_is_answered(text: str) -> None:
    _answers(text)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_any_text_is_answered(text: str) -> None:
    _answers(text)


@settings(max_examples=200, deadline=None)
@given(QUERIES)
def test_a_sound_query_needs_no_warning(text: str) -> None:
    assert _answers(text).warnings == ()


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from('a( )"~^*:\\[{<>-+!?'), min_size=900, max_size=1_200))
def test_a_long_text_of_marks_is_answered_in_time(text: str) -> None:
    assert _is_answered_in_time(text)
