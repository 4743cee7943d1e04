"""What query text means, fault by fault, and that no text whatever gets the better of the parser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

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
    MAX_OPEN_CLAUSES,
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
    "~30 a~": Bool(must=(Term("~30"), Fuzzy("a", 1))),
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
    'published:>"2026-11-05"': published(at(2026, 11, 6)),
    'published:>="2026-11-05"^2 a': Bool(must=(replace(published(at(2026, 11, 5)), boost=2.0), Term("a"))),
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
    "a story:s-1*": ("letters and digits only", 8, A),
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
    "a^-1": ("^ takes a weight", 0, Term("a^-1")),
    "a^b": ("^ takes a weight", 0, Term("a^b")),
    "a^1e3": ("^ takes a weight", 0, Term("a^1e3")),
    "a^99999999": ("^ takes a weight", 0, Term("a^99999999")),
    "a^2^3": ("^ takes a weight", 0, Term("a^2", boost=3.0)),
    "a^2~1": ("^ takes a weight", 0, Fuzzy("a^2", 1)),
    "a~99999": ("~ takes 1 or 2", 0, Term("a~99999")),
    "a~b": ("~ takes 1 or 2", 0, Term("a~b")),
    "(a b)~2": ("needs a word", 5, Bool(must=(A, B))),
    "a published:soon": ("is no date", 12, A),
    'a published:>"soon"': ("is no date", 12, A),
    'published:<"2026-11-05': ("quote is never closed", 10, published(None, at(2026, 11, 5))),
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


@pytest.mark.parametrize(
    ("before", "blank"), [("习近平 ", "\u3000\u3000\u3000 "), ("e\u0301t\u200be ", "    "), ("\0\t", "  ")]
)
def test_caret_stands_under_the_fault_in_any_script(before: str, blank: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(f"{before}(a", lenient=False)
    assert caught.value.position == len(before)
    assert caught.value.caret.splitlines()[1] == f"{blank}^"


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


def test_too_many_open_words_are_left_out() -> None:
    text = "a b* " * (MAX_OPEN_CLAUSES + 5)
    parsed = parse(text, lenient=True)
    assert isinstance(parsed.node, Bool)
    assert [isinstance(node, Prefix) for node in parsed.node.must].count(True) == MAX_OPEN_CLAUSES
    assert [isinstance(node, Term) for node in parsed.node.must].count(True) == MAX_OPEN_CLAUSES + 5
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text, lenient=False)
    assert caught.value.position == len("a b* ") * MAX_OPEN_CLAUSES + 2


def test_parentheses_nest_only_so_deep() -> None:
    deepest = "(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH
    assert parse(deepest, lenient=False).node == A
    with pytest.raises(QuerySyntaxError, match="nest at most"):
        parse(f"({deepest})", lenient=False)
