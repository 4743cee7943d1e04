"""Reported clauses: which words of a sentence an attribution says that somebody said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.enrich.quotes import words
from services.enrich.quotes.attribution import ACCORDING, Attribution
from services.enrich.quotes.subjects import DASHES, past_dateline
from services.enrich.quotes.tokens import Token

STOPS: Final = frozenset([".", "!", "?", "…", ";"])
OPENS_CLAUSE: Final = frozenset([",", ":", *DASHES])
_MIN_WORDS: Final = 3
_STRAY_MARKS: Final = frozenset('"“”«»')
_ARTICLES: Final = frozenset(["a", "an", "the"])


class Clause(NamedTuple):
    """Tokens [first, last) are what the attribution reports."""

    attribution: Attribution
    first: int
    last: int


def clause_of(
    tokens: Sequence[Token], one: Attribution, later: Sequence[Attribution], lowest: int, end: int
) -> Clause | None:
    """Return the clause behind, before or all around an attribution of the sentence tokens[lowest:end].

    `later` are the attributions after it.
    """
    if one.kind in ("call", "utter"):
        return None
    last = end
    while last > lowest and tokens[last - 1].word in STOPS:
        last -= 1
    if tokens[one.cue].word == ACCORDING and one.begin == lowest:
        return _checked(tokens, one, one.end + 1, last)
    if not one.leads:
        return _clause_before(tokens, one, lowest, last)
    first = one.end + (tokens[one.end].word == "that")
    for other in later:
        according = tokens[other.cue].word == ACCORDING and tokens[other.begin - 1].word == ","
        if according or is_next(tokens, other):
            last = min(last, other.begin - 1)
            last -= tokens[last - 1].word == ","
            break
    return _checked(tokens, one, first, _said_until(tokens, first, last))


def is_next(tokens: Sequence[Token], other: Attribution) -> bool:
    """Tell whether an attribution ends the clause before it: "…, but the company said", "… and added"."""
    before = tokens[other.begin - 1].word
    if other.coordinated:
        return before in words.CONJUNCTIONS or before == ","
    return before in words.JOINING and tokens[other.begin - 2].word == ","


def _said_until(tokens: Sequence[Token], first: int, last: int) -> int:
    """Return where the reporter's own words go on: "…, but Smith did not laugh", "…, and fined him"."""
    for at in range(first + _MIN_WORDS, last - 2):
        if tokens[at].word != ",":
            continue
        following, after = tokens[at + 1].word, tokens[at + 2]
        if tokens[at - 1].quote is not None and following in _ARTICLES and not _has_finite(tokens[at:last]):
            return at  # '"ongoing", the most elastic word in politics'
        person = after.named is not None and after.named.label == "PERSON"
        if following in ("and", "but") and (person or (following == "and" and after.word.endswith("ed"))):
            return at
    return last


def _clause_before(tokens: Sequence[Token], one: Attribution, lowest: int, last: int) -> Clause | None:
    """Return what stands before "…, she said", or the sentence around "…, she said, …"."""
    before = one.begin - 1
    if one.coordinated or one.kind == "ask" or before <= lowest or not _may_trail(tokens, one):
        return None
    lowest = max((at + 1 for at in range(lowest, before) if _is_colon(tokens, at)), default=lowest)
    lowest = past_dateline(tokens, lowest, before)
    preceding = tokens[before].word
    if (
        preceding not in OPENS_CLAUSE
        and preceding not in words.CONJUNCTIONS
        and tokens[one.cue].word != ACCORDING
    ):
        return None
    until = before if preceding in DASHES or preceding == "," else one.begin
    if one.end >= last:
        return _checked(tokens, one, lowest, until)
    if tokens[one.end].word not in DASHES and tokens[one.end].word != ",":
        return None
    return _checked(tokens, one, lowest, until if _is_remark(tokens, one, last) else last)


def _is_remark(tokens: Sequence[Token], one: Attribution, last: int) -> bool:
    """Tell whether what follows "…, she said," is the reporter's: "to laughter", "revising a statement"."""
    rest = tokens[one.end + 1 : last]
    opening = rest[0].word if rest else ""
    if opening in ("a", "an") or opening.endswith("ing"):
        return True
    inverted = one.begin == one.cue  # said Jane Doe, minister of the interior
    return (inverted or opening in ("the", "to")) and not _has_finite(rest)


def _may_trail(tokens: Sequence[Token], one: Attribution) -> bool:
    """Tell whether the attribution may close a sentence: "a figure confirmed by Acme" is none."""
    if one.kind in ("say", "tell") or one.begin == one.cue:
        return True
    named = one.phrase.named
    sure = one.phrase.pronoun or (named is not None and named.label in ("PERSON", "ORG"))
    following = [token.word for token in tokens[one.cue + 1 : one.cue + 3]]
    dated = len(following) == 2 and following[0] == "on" and following[1] in words.WEEKDAYS
    return sure and (dated or not following or following[0] not in words.PREPOSITIONS)


def _is_colon(tokens: Sequence[Token], at: int) -> bool:
    """Tell a colon between clauses from that of "11:50"."""
    return tokens[at].word == ":" and at + 1 < len(tokens) and tokens[at + 1].start > tokens[at].end


def _has_finite(tokens: Sequence[Token]) -> bool:
    return any(token.word in words.FINITE for token in tokens)


def _checked(tokens: Sequence[Token], one: Attribution, first: int, last: int) -> Clause | None:
    """Return the clause, or None if it says too little or a mark in it has no other."""
    inside = tokens[first:last]
    if any(token.word in _STRAY_MARKS for token in inside):
        return None
    enough = sum(token.is_word for token in inside[: _MIN_WORDS + 3]) >= _MIN_WORDS
    return Clause(one, first, last) if enough or any(token.quote is not None for token in inside) else None
