"""Noun phrases that name a speaker: an entity, "a spokesman for the ministry", "police", or a pronoun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.enrich.quotes import words
from services.enrich.quotes.tokens import HYPHEN, Named, Token

ORGANISED: Final = frozenset({"ORG", "GPE", "FAC", "NORP", "PRODUCT", "WORK_OF_ART", "LOC"})
POSSESSIVE: Final = frozenset(["'s", "'"])
_MAX_PLAIN_TOKENS: Final = 12


class SpeakerPhrase(NamedTuple):
    """A speaker as named at tokens [first, last] of a sentence.

    `named` is the entity if it is one; `pronoun` is set where another sentence says who it is.
    `begin` is the token at which the whole phrase begins, appositions included.
    """

    first: int
    last: int
    begin: int
    named: Named | None = None
    pronoun: bool = False


def phrase_in(tokens: Sequence[Token], first: int, last: int) -> SpeakerPhrase | None:
    """Return the speaker that the noun phrase tokens[first..last] names."""
    if tokens[last].word in words.PRONOUNS:
        return SpeakerPhrase(last, last, last, pronoun=True)  # also "the sum he said he had owed"
    begin = first
    first = _past_preposition(tokens, first, last)
    if first > last:
        return None
    word = tokens[first].word
    relative = next((at for at in range(first, last + 1) if tokens[at].word in words.RELATIVES), last + 1)
    last = relative - 1
    if first > last or word in words.NOT_SPEAKERS:
        return None
    return _named_phrase(tokens, first, last, begin) or _plain_phrase(tokens, first, last, begin)


def _past_preposition(tokens: Sequence[Token], first: int, last: int) -> int:
    """Return where the subject begins in "In 2011 Smith said": at the entity at the end, if it can be one."""
    if not is_preposition(tokens[first]):
        return first
    ends_named = tokens[last].named is not None and not is_preposition(tokens[last - 1])
    return last if ends_named and last > first + 1 else last + 1


def _named_phrase(tokens: Sequence[Token], first: int, last: int, begin: int) -> SpeakerPhrase | None:
    preposition = next((at for at in range(first + 1, last + 1) if is_preposition(tokens[at])), last + 1)
    for at in range(first, preposition):
        named = tokens[at].named
        if named is None or named.label != "PERSON":
            continue
        if at < last and tokens[at + 1].word in POSSESSIVE:
            continue
        if at + 1 < preposition and tokens[at + 1].is_word and tokens[at + 1].named is None:
            return None  # "the Trump administration"
        return SpeakerPhrase(at, at, begin, named)
    at = preposition - 1
    named = tokens[at].named
    if named is not None and named.label in ORGANISED and not _several(tokens, first, at):
        return SpeakerPhrase(at, at, begin, named)
    return None


def is_preposition(token: Token) -> bool:
    return token.named is None and token.word in words.PREPOSITIONS


def _several(tokens: Sequence[Token], first: int, last: int) -> bool:
    return any(token.word == "and" for token in tokens[first:last])


def _is_nominal(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Tell a noun phrase from other words ("spent thirty years building a machine") by how it opens."""
    head = tokens[first]
    if head.capital or head.word in words.DETERMINERS or head.word[0].isdigit() or last - first < 3:
        return True
    return any(is_preposition(token) for token in tokens[first + 1 : first + 4])


def _plain_phrase(tokens: Sequence[Token], first: int, last: int, begin: int) -> SpeakerPhrase | None:
    """Accept a phrase without an entity at its head: "a spokesman for the ministry", "police"."""
    if last - first >= _MAX_PLAIN_TOKENS or not any(token.is_word for token in tokens[first : last + 1]):
        return None
    for token in tokens[first : last + 1]:
        if token.named is None and (
            token.word in words.FINITE or token.word in words.CUES or token.word in words.SUBORDINATORS
        ):
            return None
        if token.named is None and not token.is_word and token.word not in ("'s", "'", HYPHEN, "&", "."):
            return None
    head = tokens[first]
    if first == last and head.word in words.DETERMINERS - {"one", "many", "some", "several", "others"}:
        return None
    if head.named is None and (
        (head.word in words.ADVERBS and head.word not in ("both", "all")) or head.word in words.PREPOSITIONS
    ):
        return None
    if not _is_nominal(tokens, first, last):
        return None
    if head.named is not None and head.named.label in ("DATE", "MONEY", "PERCENT"):
        return None
    return SpeakerPhrase(first, last, begin)
