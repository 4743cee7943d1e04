"""What query text means, fault by fault, and that no text whatever gets the better of the parser."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luqum import tree
from luqum.parser import parser as luqum_parser

from services.index.query.nodes import (
    MATCH_ALL,
    MATCH_NOTHING,
    Bool,
    Field,
    Fuzzy,
    Node,
    Phrase,
    Prefix,
    Range,
    Term,
)
from services.index.query.parser import (
    MAX_CHARS,
    MAX_CLAUSES,
    MAX_DEPTH,
    QuerySyntaxError,
    parse,
)

A, B, C = Term("a"), Term("b"), Term("c")


def at(*date: int) -> datetime:
    return datetime(*date, tzinfo=UTC)  # type: ignore[misc, arg-type]


def published(lower: datetime | None = None, upper: datetime | None = None) -> Range:
    return Range(Field.PUBLISHED, lower, upper, include_lower=True, include_upper=False)


MEANINGS: dict[str, Node] = {
    "": MATCH_ALL,
    "   ": MATCH_ALL,
    "*": MATCH_ALL,
    "*:*": MATCH_ALL,
    "a": A,
    "a b": Bool(must=(A, B)),
    "a AND b": Bool(must=(A, B)),
    "a && b": Bool(must=(A, B)),
    "a OR b": Bool(should=(A, B)),
    "a || b": Bool(should=(A, B)),
    "a and b": Bool(must=(A, Term("and"), B)),
    "a b OR c": Bool(must=(A, Bool(should=(B, C)))),
    "a OR b c": Bool(must=(Bool(should=(A, B)), C)),
    "a AND b OR c": Bool(should=(Bool(must=(A, B)), C)),
    "a OR b AND c": Bool(should=(A, Bool(must=(B, C)))),
    "a AND (b OR c)": Bool(must=(A, Bool(should=(B, C)))),
    "(a b) OR c": Bool(should=(Bool(must=(A, B)), C)),
    "a -b": Bool(must=(A,), must_not=(B,)),
    "a !b": Bool(must=(A,), must_not=(B,)),
    "a NOT b": Bool(must=(A,), must_not=(B,)),
    "a AND NOT b": Bool(must=(A,), must_not=(B,)),
    "-a": Bool(must_not=(A,)),
    "NOT a": Bool(must_not=(A,)),
    "NOT NOT a": A,
    "-a -b": Bool(must_not=(A, B)),
    "-(a b)": Bool(must_not=(Bool(must=(A, B)),)),
    "a OR -b": Bool(should=(A, Bool(must_not=(B,)))),
    "+a b": Bool(must=(A,), should=(B,)),
    "+a b -c": Bool(must=(A,), should=(B,), must_not=(C,)),
    "+a OR b": Bool(must=(A,), should=(B,)),
    "+a AND b": Bool(must=(A, B)),
    "al-Jazeera": Term("al-Jazeera"),
    "U.S.": Term("U.S."),
    "12:30": Term("12:30"),
    "http://a.example/b": Term("http://a.example/b"),
    '"a b"': Phrase("a b"),
    "“a b”": Phrase("a b"),
    "«a b»": Phrase("a b"),
    '"a b"~3': Phrase("a b", slop=3),
    r'"a \"b\" c"': Phrase('a "b" c'),
    '"a b"^2': Phrase("a b", boost=2.0),
    "pre*": Prefix("pre"),
    "title:pre*": Prefix("pre", Field.TITLE),
    r"pre\*": Term("pre*"),
    "word~": Fuzzy("word", 1),
    "word~1": Fuzzy("word", 1),
    "word~2": Fuzzy("word", 2),
    "word~0.8": Fuzzy("word", 1),
    "word~2^3": Fuzzy("word", 2, boost=3.0),
    "a^2": Term("a", boost=2.0),
    "(a^2)^3": Term("a", boost=6.0),
    "(a b)^1.5": Bool(must=(A, B), boost=1.5),
    "title:a": Term("a", Field.TITLE),
    "TITLE:a": Term("a", Field.TITLE),
    "title: a": Term("a", Field.TITLE),
    "lang:fr": Term("fr", Field.LANGUAGE),
    "title:(a b)": Bool(must=(Term("a", Field.TITLE), Term("b", Field.TITLE))),
    "title:(a body:b)": Bool(must=(Term("a", Field.TITLE), Term("b", Field.BODY))),
    'person:"Xi Jinping"': Phrase("Xi Jinping", field=Field.PERSON),
    r"title\:a": Term("title:a"),
    r"pre\\*": Prefix("pre\\"),
    r"a\~1": Term("a~1"),
    r"a\ b": Term("a b"),
    r"\AND": Term("AND"),
    "Why?": Term("Why?"),
    "http://a.example/b?c=d": Term("http://a.example/b?c=d"),
    "Breaking: a": Bool(must=(Term("Breaking:"), A)),
    "(Breaking:)": Term("Breaking:"),
    'Breaking: "a b"': Bool(must=(Term("Breaking:"), Phrase("a b"))),
    "word~0": Fuzzy("word", 1),
    "-*": MATCH_NOTHING,
    "a -*": Bool(must=(A,), must_not=(MATCH_ALL,)),
    "(a^0.001)^0.0001": Term("a", boost=0.000001),
    "(a^1.1)^1.1": Term("a", boost=1.21),
    'story:"s-1"': Term("s-1", Field.STORY),
    'language:" fr "': Term("fr", Field.LANGUAGE),
    "sentiment:>0.5^2": Range(Field.SENTIMENT, 0.5, None, include_lower=False, boost=2.0),
    "sentiment:0.5": Range(Field.SENTIMENT, 0.5, 0.5),
    "sentiment:-.5": Range(Field.SENTIMENT, -0.5, -0.5),
    "sentiment:neg*": Prefix("neg", Field.SENTIMENT),
    "sentiment:negative": Term("negative", Field.SENTIMENT),
    "sentiment:>0.5": Range(Field.SENTIMENT, 0.5, None, include_lower=False),
    "sentiment:<=-0.5": Range(Field.SENTIMENT, None, -0.5, include_upper=True),
    "sentiment:[-1 TO 0}": Range(Field.SENTIMENT, -1.0, 0.0, include_upper=False),
    "published:2026": published(at(2026, 1, 1), at(2027, 1, 1)),
    "published:2026-11": published(at(2026, 11, 1), at(2026, 12, 1)),
    "published:2026-12": published(at(2026, 12, 1), at(2027, 1, 1)),
    "published:2026-11-05": published(at(2026, 11, 5), at(2026, 11, 6)),
    'published:"2026-11-05"': published(at(2026, 11, 5), at(2026, 11, 6)),
    "published:>2026-11-05": published(at(2026, 11, 6)),
    "published:>=2026-11-05": published(at(2026, 11, 5)),
    "published:<2026-11-05": published(None, at(2026, 11, 5)),
    "published:<=2026-11-05": published(None, at(2026, 11, 6)),
    "published:[2026-11-01 TO 2026-11-05]": published(at(2026, 11, 1), at(2026, 11, 6)),
    "published:{2026-11-01 TO 2026-11-05}": published(at(2026, 11, 2), at(2026, 11, 5)),
    "published:[* TO 2026]": published(None, at(2027, 1, 1)),
    "published:[2026 TO *]": published(at(2026, 1, 1)),
    "published:2026-11-05T10:30": published(at(2026, 11, 5, 10, 30), at(2026, 11, 5, 10, 31)),
    "published:>=2026-11-05T10:30:00+02:00": published(at(2026, 11, 5, 8, 30)),
}


@pytest.mark.parametrize("text", MEANINGS)
def test_query_text_means(text: str) -> None:
    strict = parse(text, lenient=False)
    assert strict.node == MEANINGS[text]
    assert strict == parse(text, lenient=True)
    assert strict.warnings == ()


FAULTS: dict[str, tuple[str, int, Node]] = {
    "(a": ("'(' has no ')'", 0, A),
    "a)": ("no '('", 1, A),
    "a (": ("'(' has no ')'", 2, A),
    "a ()": ("hold nothing", 2, A),
    '"a b': ("never closed", 0, Phrase("a b")),
    "a OR": ("nothing follows OR", 2, A),
    "OR a": ("nothing comes before OR", 0, A),
    "a AND AND b": ("nothing comes before AND", 6, Bool(must=(A, B))),
    "a OR OR b": ("nothing comes before OR", 5, Bool(should=(A, B))),
    "NOT": ("nothing follows NOT", 0, MATCH_NOTHING),
    "title:": ("needs a value", 0, MATCH_NOTHING),
    "a title:": ("needs a value", 2, A),
    "a~9": ("more than 2", 0, Fuzzy("a", 2)),
    "pre*~1": ("not both", 0, Prefix("pre")),
    "w*rd": ("end of a word", 0, Term("w*rd")),
    "*rd*": ("end of a word", 0, Prefix("*rd")),
    "wom?n": ("no wildcard", 0, Term("wom?n")),
    "a colour:red": (
        "there is no field 'colour'; there are title, body",
        2,
        Bool(must=(A, Term("colour:red"))),
    ),
    "titel:a": ("did you mean title:?", 0, Term("titel:a")),
    'foo:"a b"': ("no field 'foo'", 0, Bool(must=(Term("foo:"), Phrase("a b")))),
    "foo:(a)": ("no field 'foo'", 0, Bool(must=(Term("foo:"), A))),
    "x1-y.z:a": ("no field 'x1-y.z'", 0, Term("x1-y.z:a")),
    "title:*": ("nothing to search for in '*'", 6, MATCH_NOTHING),
    "title:-": ("nothing to search for in '-'", 6, MATCH_NOTHING),
    "sentiment:angry": ("is no sentiment", 10, Term("angry", Field.SENTIMENT)),
    "sentiment:5": ("between -1 and 1", 10, Range(Field.SENTIMENT, 5.0, 5.0)),
    "sentiment:[5 TO 9]": ("between -1 and 1", 10, Range(Field.SENTIMENT, 5.0, 9.0)),
    "sentiment:[1 TO 0}": (
        "ends before it begins",
        10,
        Range(Field.SENTIMENT, 0.0, 1.0, include_lower=False),
    ),
    "a sentiment:>1_0": ("is no number", 12, A),
    "a sentiment:>٣": ("is no number", 12, A),
    "a sentiment:>1e3": ("is no number", 12, A),
    "language:french": ("no code of a language", 9, Term("french", Field.LANGUAGE)),
    "published:[2026-11 TO 2026-10]": (
        "ends before it begins",
        10,
        published(at(2026, 10, 1), at(2026, 12, 1)),
    ),
    "a published:2026*": ("not with dates", 12, A),
    "a published:2026~1": ("not with dates", 12, A),
    "a published:today": ("moves with the clock", 12, A),
    '"a b"~99': ("more than 50", 0, Phrase("a b", slop=50)),
    "a^0": ("^0", 0, A),
    "a^9999": ("^9999", 0, A),
    "(a b)~2": ("needs a word", 5, Bool(must=(A, B))),
    "a published:soon": ("is no date", 12, A),
    "a published:[2026": ("never closed", 12, A),
    "a published:[2026 2027]": ("[a TO b]", 12, A),
    "a sentiment:>much": ("is no number", 12, A),
    "a sentiment:>nan": ("is no number", 12, A),
    "a source:[b TO c]": ("published and sentiment", 9, A),
    "published:>9999": ("year 9999", 10, MATCH_NOTHING),
    "AND": ("nothing comes before AND", 0, MATCH_NOTHING),
    '"': ("never closed", 0, MATCH_NOTHING),
    "?!": ("nothing to search for", 0, MATCH_NOTHING),
}


@pytest.mark.parametrize("text", FAULTS)
def test_fault_is_shown_where_it_is_or_read_around(text: str) -> None:
    message, position, _ = FAULTS[text]
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text, lenient=False)
    assert message in caught.value.message
    assert caught.value.position == position


@pytest.mark.parametrize("text", FAULTS)
def test_lenient_parsing_keeps_what_is_sound_and_warns(text: str) -> None:
    message, _, node = FAULTS[text]
    parsed = parse(text, lenient=True)
    assert parsed.node == node
    assert any(message in warning for warning in parsed.warnings)


def test_caret_stands_under_the_fault() -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse("xi published:soon", lenient=False)
    line, caret = caught.value.caret.splitlines()
    assert line[caret.index("^") :] == "soon"


@pytest.mark.parametrize("lenient", [True, False])
def test_punctuation_between_words_is_passed_over_with_a_warning(lenient: bool) -> None:
    parsed = parse("a - b", lenient=lenient)
    assert parsed.node == Bool(must=(A, B))
    assert parsed.warnings == ("nothing to search for in '-' (at character 3)",)


def test_lenient_warnings_say_how_the_fault_was_read() -> None:
    assert parse("titel:a", lenient=True).warnings == (
        "there is no field 'titel'; did you mean title:?; read as text (at character 1)",
    )


def test_long_query_is_cut_or_refused() -> None:
    text = "word " * 10_000
    assert "at most" in parse(text, lenient=True).warnings[0]
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text, lenient=False)
    assert caught.value.position == MAX_CHARS


def test_too_many_clauses_are_cut() -> None:
    parsed = parse("a " * (MAX_CLAUSES + 50), lenient=True)
    assert isinstance(parsed.node, Bool)
    assert len(parsed.node.must) == MAX_CLAUSES


def test_parentheses_nest_only_so_deep() -> None:
    deepest = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deepest, lenient=False).node == A
    with pytest.raises(QuerySyntaxError, match="nest at most"):
        parse(f"({deepest})", lenient=False)


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


_PIECES = st.sampled_from(
    ["a", "AND", "OR", "NOT", "(", ")", '"', "+", "-", "!", "~", "^", "*", ":", "title:", "published:",
     "sentiment:", "[", "]", "{", "}", "TO", " ", "\\", "2026-11", "1", "2", "<", ">", "=",
     ".", "\0", "é", "“"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=40).map("".join))
def test_lenient_parsing_never_raises_on_grammar_in_disorder(text: str) -> None:
    parse(text, lenient=True)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
def test_lenient_parsing_never_raises_on_any_text(text: str) -> None:
    parse(text, lenient=True)


@settings(max_examples=200, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_strict_parsing_agrees_with_lenient_when_it_finds_no_fault(text: str) -> None:
    try:
        strict = parse(text, lenient=False)
    except QuerySyntaxError as error:
        assert 0 <= error.position <= len(text)
        return
    assert strict == parse(text, lenient=True)


_Expression = str | tuple[str, "_Expression"] | tuple[str, "_Expression", "_Expression"]
_EXPRESSIONS = st.recursive(
    st.sampled_from("pqrs"),
    lambda inner: st.one_of(
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.sampled_from(["AND", "OR", ""]), inner, inner),
    ),
    max_leaves=12,
)


def _text(expression: _Expression) -> str:
    if isinstance(expression, str):
        return expression
    if len(expression) == 2:
        return f"NOT ({_text(expression[1])})"
    return f"({_text(expression[1])}) {expression[0]} ({_text(expression[2])})"


def _holds(expression: _Expression, true: set[str]) -> bool:
    if isinstance(expression, str):
        return expression in true
    if len(expression) == 2:
        return not _holds(expression[1], true)
    left, right = _holds(expression[1], true), _holds(expression[2], true)
    return left or right if expression[0] == "OR" else left and right


def _matches(node: Node, true: set[str]) -> bool:
    """Say what an engine must: does a document of these words match?"""
    if isinstance(node, Term):
        return node.text in true
    assert isinstance(node, Bool)
    if any(_matches(child, true) for child in node.must_not):
        return False
    if node.must or not node.should:
        return bool(node.must or node.must_not) and all(_matches(child, true) for child in node.must)
    return any(_matches(child, true) for child in node.should)


@settings(max_examples=200, deadline=None)
@given(_EXPRESSIONS)
def test_boolean_text_matches_what_logic_says(expression: _Expression) -> None:
    node = parse(_text(expression), lenient=False).node
    for bits in range(16):
        true = {word for place, word in enumerate("pqrs") if bits >> place & 1}
        assert _matches(node, true) == _holds(expression, true)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("pqrs")), min_size=1, max_size=6),
    st.lists(st.sampled_from(["AND", "OR"]), min_size=5, max_size=5),
)
def test_operators_bind_as_in_luqum(words: list[tuple[bool, str]], operators: list[str]) -> None:
    pieces: list[str] = []
    for (negated, word), operator in zip(words, operators, strict=False):
        pieces += [f"NOT {word}" if negated else word, operator]
    text = " ".join(pieces[:-1])
    expected = luqum_parser.parse(text)
    node = parse(text, lenient=False).node
    for bits in range(16):
        true = {word for place, word in enumerate("pqrs") if bits >> place & 1}
        assert _matches(node, true) == _luqum_holds(expected, true)


def _luqum_holds(item: tree.Item, true: set[str]) -> bool:
    if isinstance(item, tree.Word):
        return str(item.value) in true
    if isinstance(item, tree.Not):
        return not _luqum_holds(item.a, true)
    answers = [_luqum_holds(child, true) for child in item.children]
    return any(answers) if isinstance(item, tree.OrOperation) else all(answers)
