"""Query nodes to conditions, with the same meaning as `engine.compiling` gives them.

A node that holds nothing to search for is None here as there, and left out of what it stands in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from services.index.engine.analysis import keyword, stems, words
from services.index.engine.compiling import EXACT, KEYWORDS, encodable
from services.index.engine.documents import seconds_of
from services.index.engine.protocol import Filters
from services.index.percolation.columns import BODY, TEXT, TITLE
from services.index.percolation.conditions import (
    All,
    Any,
    Anything,
    Condition,
    Has,
    Nothing,
    Published,
    Tone,
    place_of_number,
)
from services.index.percolation.vocabulary import PREFIX, STEM, VALUE, WORD, fuzzy_key
from services.index.percolation.word_order import InOrder
from services.index.query.nodes import (
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
    all_of,
)  # fmt: skip

_COLUMNS = {None: TEXT, Field.TITLE: TITLE, Field.BODY: BODY}


def condition_of(node: Node, filters: Filters) -> Condition:
    return _node(all_of(node, *filters.nodes())) or Nothing()


def _node(node: Node) -> Condition | None:
    match node:
        case MatchAll():
            return Anything()
        case Bool():
            return _bool(node)
        case Term():
            return _term(node)
        case Phrase():
            return _phrase(words(node.text), node.slop, node.field)
        case Prefix():
            return _prefix(node)
        case Fuzzy():
            return _fuzzy(node)
        case Range():
            return _range(node)
        case In():
            return _in(node)


def _bool(node: Bool) -> Condition | None:
    required = _all(node.must)
    optional = _all(node.should)
    excluded = _all(node.must_not)
    if not required and optional:
        required = [Any.of_conditions(optional)]
    if not required and (node.must or node.should or not excluded):
        return None
    if len(required) == 1 and not excluded:
        return required[0]
    return All(tuple(required), tuple(excluded))


def _all(nodes: Iterable[Node]) -> list[Condition]:
    return [condition for condition in map(_node, nodes) if condition is not None]


def _column(field: Field | None) -> str:
    return _COLUMNS.get(field) or f"{field}_words"


def _term(node: Term) -> Condition | None:
    if node.field in EXACT:
        return _exact(node.field, node.text)
    found = words(node.text)
    if len(found) != 1:
        return _phrase(found, 0, node.field)
    if node.field in _COLUMNS:
        return Has(_column(node.field), (STEM + stems(node.text)[0],))
    return Has(_column(node.field), (WORD + found[0],))


def _phrase(found: list[str], slop: int, field: Field | None) -> Condition | None:
    if not found:
        return None
    if field in EXACT:
        return _exact(field, " ".join(found))
    if len(found) == 1:
        return Has(_column(field), (WORD + found[0],))
    return InOrder.of_words(_column(field), found, slop=slop)


def _prefix(node: Prefix) -> Condition | None:
    if node.field in EXACT:
        column, lower = EXACT[node.field]
        text = node.text.lower() if lower else node.text
        return Has(column, (PREFIX + text,)) if text.isalnum() else None
    found = words(node.text)
    if not found:
        return None
    if len(found) == 1:
        return Has(_column(node.field), (PREFIX + found[0],))
    return InOrder.of_words(_column(node.field), found, begins=True)


def _fuzzy(node: Fuzzy) -> Condition | None:
    if node.field in EXACT:
        return _exact(node.field, node.text)
    found = words(node.text)
    if len(found) != 1:
        return _phrase(found, 0, node.field)
    return Has(_column(node.field), (fuzzy_key(found[0], node.distance),))


def _exact(field: Field | None, text: str) -> Condition | None:
    if field is None or not text:
        return None
    column, lower = EXACT[field]
    return Has(column, (VALUE + encodable(text.lower() if lower else text),))


def _in(node: In) -> Condition:
    if node.field in KEYWORDS:
        column, values = KEYWORDS[node.field], [keyword(value) for value in node.values]
    else:
        column, lower = EXACT[node.field]
        values = [encodable(value.lower() if lower else value) for value in node.values]
    return Has(column, tuple(VALUE + value for value in dict.fromkeys(values)))


def _range(node: Range) -> Condition:
    if node.field is Field.PUBLISHED:
        first = _second(node.lower, after=not node.include_lower)
        end = _second(node.upper, after=node.include_upper)
        return Anything() if first is None and end is None else Published(first, end)
    lower, upper = _place(node.lower), _place(node.upper)
    if lower is not None and not node.include_lower:
        lower += 1
    if upper is not None and not node.include_upper:
        upper -= 1
    return Tone(lower, upper)


def _second(bound: datetime | float | None, *, after: bool) -> int | None:
    """Return the first second at or after an instant's, or the one after that."""
    return seconds_of(bound) + int(after) if isinstance(bound, datetime) else None


def _place(bound: datetime | float | None) -> int | None:
    return None if bound is None or isinstance(bound, datetime) else place_of_number(float(bound))
