"""Values in a query: words with their marks, ranges and comparisons, read by what their field holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from services.index.query.dates import Span, is_relative, parse_span
from services.index.query.lexer import Token
from services.index.query.nodes import Field, Fuzzy, Node, Prefix, Range, Term

# Fields that hold one exact value: quotes around it change nothing.
EXACT = frozenset({Field.LANGUAGE, Field.SENTIMENT, Field.STORY, Field.ID, Field.PUBLISHED})
SENTIMENTS = ("negative", "neutral", "positive")
_MAX_EDITS = 2
_NUMBER = re.compile(r"[+-]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})", re.ASCII)
_WORDY_LANGUAGE = re.compile(r"[A-Za-z]{4,}")


class BadValue(Exception):
    """The value cannot be what its field holds; the message is for people.

    `instead` is what a lenient reading takes it for; None leaves it out.
    """

    def __init__(self, message: str, instead: Node | None = None) -> None:
        self.instead = instead
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Values:
    """Reads values of a query that is asked at `now`, which dates like "yesterday" count from."""

    now: datetime | None

    def word_node(self, field: Field | None, token: Token) -> Node:
        """Return the node of a single word with its * or ~. Raises BadValue."""
        if field is Field.PUBLISHED:
            _require_plain(token)
            span = self._span(token.text)
            return _between(span.start, span.end)
        if field is Field.SENTIMENT and _NUMBER.fullmatch(token.text):
            _require_plain(token)
            number = _number(token.text)
            return _required_tone(Range(Field.SENTIMENT, number, number))
        if token.prefix:
            if token.edits is not None:
                raise BadValue("a word takes * or ~, not both", Prefix(token.text, field))
            if field in EXACT and not token.text.isalnum():
                raise BadValue("before * this field takes letters and digits only")
            return Prefix(token.text, field)
        if token.edits is None:
            return _exact_term(Term(token.text, field))
        return _near_node(token.text, token.edits, field)

    def range_node(self, field: Field | None, text: str) -> Node:
        """Return the node of `[a TO b]`, `{a TO b}` or a mix; * leaves an end open. Raises BadValue."""
        words = text[1:].rstrip("]}").split()
        if len(words) != 3 or words[1].upper() != "TO":
            raise BadValue("a range reads [a TO b]")
        include_lower, include_upper = text[0] == "[", not text.endswith("}")
        lower, upper = (None if word == "*" else word.strip('"') for word in (words[0], words[2]))
        if field is Field.PUBLISHED:
            return self._dates(lower, upper, include_lower, include_upper)
        _require_sentiment(field)
        least, most = (None if bound is None else _number(bound) for bound in (lower, upper))
        if least is not None and most is not None and least > most:
            turned = Range(Field.SENTIMENT, most, least, include_upper, include_lower)
            raise BadValue("this range ends before it begins", turned)
        return _required_tone(Range(Field.SENTIMENT, least, most, include_lower, include_upper))

    def _dates(self, lower: str | None, upper: str | None, include_lower: bool, include_upper: bool) -> Node:
        first = self._span(lower) if lower is not None else None
        last = self._span(upper) if upper is not None else None
        if first is not None and last is not None and first.start > last.start:
            turned = self._dates(upper, lower, include_upper, include_lower)
            raise BadValue("this range ends before it begins", turned)
        return _between(
            None if first is None else first.start if include_lower else _end(first),
            None if last is None else last.end if include_upper else last.start,
        )

    def comparison_node(self, field: Field | None, text: str) -> Node:
        """Return the node of `>a`, `>=a`, `<a` or `<=a`. Raises BadValue."""
        inclusive = text[1:2] == "="
        value = text[2 if inclusive else 1 :]
        if field is Field.PUBLISHED:
            span = self._span(value)
            if text[0] == ">":
                return _between(span.start if inclusive else _end(span), None)
            return _between(None, span.end if inclusive else span.start)
        _require_sentiment(field)
        number = _number(value)
        if text[0] == ">":
            return _required_tone(Range(Field.SENTIMENT, lower=number, include_lower=inclusive))
        return _required_tone(Range(Field.SENTIMENT, upper=number, include_upper=inclusive))

    def _span(self, text: str) -> Span:
        span = parse_span(text, self.now)
        if span is not None:
            return span
        if self.now is None and is_relative(text):
            raise BadValue(f"{text!r} moves with the clock, which this search must not; write a date")
        raise BadValue(
            f"{text[:40]!r} is no date; write 2026-11-01, 2026-11-01T10:30Z, today, yesterday or now-7d"
        )


def _near_node(text: str, edits: str, field: Field | None) -> Node:
    # Lucene once took a similarity of 0…1 here; people still type ~0.8.
    distance = int(float(edits)) if edits else 1
    if distance > _MAX_EDITS:
        raise BadValue(f"~{edits} is more than {_MAX_EDITS} edits", Fuzzy(text, _MAX_EDITS, field))
    return Fuzzy(text, max(1, distance), field)


def _exact_term(term: Term) -> Node:
    """Return the term, if its field could hold it."""
    if term.field is Field.SENTIMENT and term.text.lower() not in SENTIMENTS:
        raise BadValue(f"{term.text[:40]!r} is no sentiment: {', '.join(SENTIMENTS)}, or -1 to 1", term)
    if term.field is Field.LANGUAGE and _WORDY_LANGUAGE.fullmatch(term.text):
        raise BadValue(f"{term.text[:40]!r} is no code of a language; write en, fr or zh", term)
    return term


def _between(start: datetime | None, end: datetime | None) -> Range:
    return Range(Field.PUBLISHED, start, end, include_lower=True, include_upper=False)


def _end(span: Span) -> datetime:
    if span.end is None:
        raise BadValue("nothing comes after the year 9999")
    return span.end


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise BadValue(f"{text[:40]!r} is no number")
    return float(text)


def _require_plain(token: Token) -> None:
    if token.prefix or token.edits is not None:
        raise BadValue("* and ~ go with words, not with dates and numbers")


def _required_tone(range_: Range) -> Range:
    """Return the range, if it is of numbers that a sentiment can be."""
    for bound in (range_.lower, range_.upper):
        if isinstance(bound, float) and not -1 <= bound <= 1:
            raise BadValue("sentiment lies between -1 and 1", range_)
    return range_


def _require_sentiment(field: Field | None) -> None:
    if field is not Field.SENTIMENT:
        raise BadValue("ranges work for published and sentiment only")
