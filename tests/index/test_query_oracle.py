"""The parser against other readings of the same text: what logic says, and the trees of luqum."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from luqum import tree
from luqum.parser import parser as luqum_parser

from services.index.query.nodes import Bool, Field, Fuzzy, Node, Phrase, Prefix, Range, Term
from services.index.query.parser import parse

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


LISTED = [
    "a", "a b c", "a AND b AND c", "a OR b OR c", "a OR b c", "a b OR c", "a AND b OR c", "a OR b AND c",
    "a AND b c OR d", "NOT a", "NOT NOT a", "NOT a b", "NOT a OR b", "a AND NOT b", "a OR -b", "-a -b",
    "-a b",
    "+a b", "+a +b c", "+a b -c", "+a OR b", "+a OR -b", "+a AND b", "-(a OR b) c", "+(a b) c", "((a))",
    "(a b)^2 OR c", "a^2 b^0.5", "((a b)^2)^3", "title:a", "title:a b", "title:(a b)", "title:(a OR body:b)",
    "title:(a b)^2", "-title:a", 'title:"a b"~2', '"a b"', '"a b"~3', '"a b"^2', '"a b"~3^2', 'body:"a b"^4',
    "pre*", "title:pre*", "pre*^2", "word~", "word~1", "word~2", "word~2^3", "title:word~2",
    "sentiment:[-1 TO 0.5]", "sentiment:{-1 TO 0.5}", "sentiment:[0 TO *]", "sentiment:[* TO 0}",
    "sentiment:>0.5", "sentiment:>=0.5", "sentiment:<0.5", "sentiment:<=0.5", "sentiment:[0 TO 1]^2 a",
]  # fmt: skip


@pytest.mark.parametrize("text", LISTED)
def test_query_means_what_it_means_to_luqum(text: str) -> None:
    assert parse(text, lenient=False).node == _translated(luqum_parser.parse(text))


_LEAVES = st.sampled_from(
    ["a", "b", "c", "d", "title:a", "pre*", "word~2", '"a b"', '"a b"~2', "sentiment:[0 TO 1}", "a^2"]
)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Operands of one operator with signs; or of several without, since luqum takes "a AND b -c" otherwise:
    its grammar gives the sign a place in "b -c", and Lucene does not."""
    group = st.tuples(st.sampled_from(["", "title:"]), inner, st.sampled_from(["", "^2"])).map(
        lambda parts: f"{parts[0]}({parts[1]}){parts[2]}"
    )
    operand = _LEAVES | group
    signed = st.tuples(st.sampled_from(["", "", "-", "+", "NOT "]), operand).map("".join)
    alike = st.tuples(st.sampled_from([" ", " AND ", " OR "]), st.lists(signed, min_size=1, max_size=4)).map(
        lambda parts: parts[0].join(parts[1])
    )
    mixed = st.lists(st.tuples(operand, st.sampled_from([" ", " AND ", " OR "])), min_size=2, max_size=6).map(
        lambda parts: "".join(f"{one}{operator}" for one, operator in parts) + "a"
    )
    return alike | mixed


@settings(max_examples=300, deadline=None)
@given(st.recursive(_LEAVES, _joined, max_leaves=12))
def test_generated_query_means_what_it_means_to_luqum(text: str) -> None:
    assert parse(text, lenient=False).node == _translated(luqum_parser.parse(text))


def _translated(item: tree.Item) -> Node:
    return _sign(_node(item, None))


_Signed = tuple[str, Node]


def _node(item: tree.Item, field: Field | None) -> _Signed:
    """Return the sign before luqum's item, and the node of it: "+", "-" or none."""
    match item:
        case tree.Plus():
            return "+", _node(item.a, field)[1]
        case tree.Not() | tree.Prohibit():
            sign, node = _node(item.a, field)
            return "" if sign == "-" else "-", node
        case tree.Group() | tree.FieldGroup():
            return "", _sign(_node(item.expr, field))
        case tree.SearchField():
            return _node(item.expr, Field(item.name))
        case tree.Boost():
            node = _sign(_node(item.expr, field))
            return "", replace(node, boost=min(round(node.boost * float(item.force), 6), 50.0))  # type: ignore[arg-type]
        case tree.OrOperation():
            return "", _any_of([_node(child, field) for child in item.children])
        case tree.AndOperation():
            return "", _all_of([(sign or "+", node) for sign, node in _operands(item, field)])
        case tree.UnknownOperation():
            return "", _all_of(_operands(item, field))
    return "", _leaf(item, field)


def _operands(item: tree.Item, field: Field | None) -> list[_Signed]:
    return [_node(child, field) for child in item.children]


def _sign(signed: _Signed) -> Node:
    return Bool(must_not=(signed[1],)) if signed[0] == "-" else signed[1]


def _any_of(operands: list[_Signed]) -> Node:
    required = tuple(node for sign, node in operands if sign == "+")
    return Bool(must=required, should=tuple(_sign(one) for one in operands if one[0] != "+"))


def _all_of(operands: list[_Signed]) -> Node:
    by_sign = {mark: tuple(node for sign, node in operands if sign == mark) for mark in ("+", "", "-")}
    if by_sign["+"]:
        return Bool(by_sign["+"], by_sign[""], by_sign["-"])
    return Bool(by_sign[""], (), by_sign["-"])


def _leaf(item: tree.Item, field: Field | None) -> Node:
    match item:
        case tree.Word():
            text = str(item.value)
            return Prefix(text[:-1], field) if text.endswith("*") else Term(text, field)
        case tree.Phrase():
            return Phrase(item.value[1:-1], 0, field)
        case tree.Proximity():
            return Phrase(item.term.value[1:-1], int(item.degree), field)
        case tree.Fuzzy():
            return Fuzzy(str(item.term.value), max(1, int(item.degree)), field)
        case tree.Range():
            return _between(field, item.low, item.high, item.include_low, item.include_high)
        case tree.From():
            return _between(field, item.a, None, item.include, True)
        case tree.To():
            return _between(field, None, item.a, True, item.include)
    raise AssertionError(f"{type(item)} is not in the common subset")


def _between(
    field: Field | None, low: tree.Item | None, high: tree.Item | None, with_low: bool, with_high: bool
) -> Range:
    bounds = [None if one is None or str(one).strip() == "*" else float(str(one)) for one in (low, high)]
    return Range(Field(field or ""), bounds[0], bounds[1], with_low, with_high)
