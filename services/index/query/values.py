"""Values in a query: words with their marks, ranges and comparisons, read by what their field holds."""

from __future__ import annotations

import math
from datetime import datetime

from services.index.query.dates import Span, parse_span
from services.index.query.lexer import Token
from services.index.query.nodes import Field, Fuzzy, Node, Prefix, Range, Term

_MAX_EDITS = 2


class BadValue(Exception):
    """The value cannot be read as what its field holds; the message is for people."""


def word_node(field: Field | None, token: Token) -> Node:
    """Return the node of a single word with its * or ~. Raises BadValue."""
    if field is Field.PUBLISHED:
        span = _span(token.text)
        return _between(span.start, span.end)
    if token.prefix:
        return Prefix(token.text, field)
    if token.edits is None:
        return Term(token.text, field)
    # Lucene once took a similarity of 0…1 here; people still type ~0.8.
    distance = int(float(token.edits)) if token.edits else 1
    if distance > _MAX_EDITS:
        raise BadValue(f"~{token.edits} is more than {_MAX_EDITS} edits")
    return Fuzzy(token.text, max(1, distance), field)


def range_node(field: Field | None, text: str) -> Node:
    """Return the node of `[a TO b]`, `{a TO b}` or a mix; * leaves an end open. Raises BadValue."""
    words = text[1:].rstrip("]}").split()
    if len(words) != 3 or words[1].upper() != "TO":
        raise BadValue("a range reads [a TO b]")
    include_lower, include_upper = text[0] == "[", not text.endswith("}")
    lower, upper = (None if word == "*" else word.strip('"') for word in (words[0], words[2]))
    if field is Field.PUBLISHED:
        first = _span(lower) if lower is not None else None
        last = _span(upper) if upper is not None else None
        return _between(
            None if first is None else first.start if include_lower else _end(first),
            None if last is None else last.end if include_upper else last.start,
        )
    _require_sentiment(field)
    return Range(
        Field.SENTIMENT,
        None if lower is None else _number(lower),
        None if upper is None else _number(upper),
        include_lower,
        include_upper,
    )


def comparison_node(field: Field | None, text: str) -> Node:
    """Return the node of `>a`, `>=a`, `<a` or `<=a`. Raises BadValue."""
    inclusive = text[1:2] == "="
    value = text[2 if inclusive else 1 :].strip('"')
    if field is Field.PUBLISHED:
        span = _span(value)
        if text[0] == ">":
            return _between(span.start if inclusive else _end(span), None)
        return _between(None, span.end if inclusive else span.start)
    _require_sentiment(field)
    number = _number(value)
    if text[0] == ">":
        return Range(Field.SENTIMENT, lower=number, include_lower=inclusive)
    return Range(Field.SENTIMENT, upper=number, include_upper=inclusive)


def _between(start: datetime | None, end: datetime | None) -> Range:
    return Range(Field.PUBLISHED, start, end, include_lower=True, include_upper=False)


def _span(text: str) -> Span:
    span = parse_span(text)
    if span is None:
        raise BadValue(f"{text[:40]!r} is no date; write 2026-11-01 or 2026-11-01T10:30Z")
    return span


def _end(span: Span) -> datetime:
    if span.end is None:
        raise BadValue("nothing comes after the year 9999")
    return span.end


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadValue(f"{text[:40]!r} is no number")
    return number


def _require_sentiment(field: Field | None) -> None:
    if field is not Field.SENTIMENT:
        raise BadValue("ranges work for published and sentiment only")
