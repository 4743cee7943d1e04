"""Who a verb of attribution makes speak: the noun phrase before it, or behind it ("said the minister")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from services.enrich.quotes import words
from services.enrich.quotes.phrases import ORGANISED, POSSESSIVE, SpeakerPhrase, is_preposition, phrase_in
from services.enrich.quotes.tokens import QUOTE, Token

_MAX_PHRASE_TOKENS: Final = 30
_MAX_CHUNKS: Final = 6
DASHES: Final = frozenset(["—", "–", "--", "-"])
_DATELINE_TOKENS: Final = 12
_BREAKS: Final = frozenset([",", ";", ":", "—", "–", "--", "-", "(", ")", QUOTE, "!", "?", "…"])


def subject_of(tokens: Sequence[Token], verb: int, lowest: int) -> SpeakerPhrase | None:
    """Return the subject of the verb at token `verb`, or None if it has none that speaks.

    A verb that is denied, hoped for or passive reports nothing ("would not say", "is said to").
    """
    last = verb - 1
    while last >= lowest and _goes_with_verb(tokens[last]):
        last -= 1
    if last < lowest or verb - last > 4:
        return None
    if tokens[verb].word in words.PARTICIPLES_OF_HAVE and tokens[verb - 1].word not in words.AUXILIARIES:
        return None
    last = _before_brackets(tokens, last, lowest)
    word = tokens[last].word
    if tokens[last].named is None and word in words.NO_SUBJECTS:
        return None
    if word in words.RELATIVES and word != "who":
        return None
    if word == "who":
        return _antecedent(tokens, last, lowest)
    participle = tokens[verb].word in words.PARTICIPLES
    if word in words.CONJUNCTIONS or (word == "," and participle):
        return main_subject(tokens, last, lowest)
    if participle:
        return None
    if word == ",":
        return _before_apposition(tokens, last, lowest)
    if word in _BREAKS:
        return None
    first = _phrase_start(tokens, last, lowest)
    return phrase_in(tokens, first, last)


def _before_brackets(tokens: Sequence[Token], last: int, lowest: int) -> int:
    """Step over the acronym of "the Writers' Union (WU) said"."""
    if tokens[last].word == ")":
        opening = next(
            (at for at in range(last - 1, max(lowest, last - 6), -1) if tokens[at].word == "("), lowest
        )
        return opening - 1 if opening > lowest else last
    return last


def _goes_with_verb(token: Token) -> bool:
    return token.named is None and (
        token.word in words.AUXILIARIES
        or token.word in words.ADVERBS
        or (token.word.endswith("ly") and not token.capital and len(token.word) > 4)
    )


def _phrase_start(tokens: Sequence[Token], last: int, lowest: int) -> int:
    """Return where the run of words without a break that ends at `last` begins."""
    first = last
    while first > lowest and last - first < _MAX_PHRASE_TOKENS:
        before = tokens[first - 1]
        if (
            before.word in _BREAKS
            or before.word in words.SUBORDINATORS
            or before.word in ("that", "but", "what", "which")
        ):
            break
        if before.word == "and" and tokens[first].named is None:
            break
        first -= 1
    return first


def _chunk_start(tokens: Sequence[Token], last: int, lowest: int) -> int:
    """Return where what stands between two commas begins."""
    first = last
    while first > lowest and tokens[first - 1].word not in _BREAKS:
        first -= 1
    return first


def _as_apposition(tokens: Sequence[Token], phrase: SpeakerPhrase, first: int, lowest: int) -> SpeakerPhrase:
    """Let "the manager, Bergslien Shipping, said" begin at "the manager"."""
    before = _phrase_start(tokens, first - 2, lowest)
    if tokens[before].word not in words.DETERMINERS or before + 6 < first - 1 or phrase.named is None:
        return phrase
    if phrase.first != first or phrase.pronoun:
        return phrase
    if any(token.word in words.FINITE or token.word in words.CUES for token in tokens[before : first - 1]):
        return phrase
    return phrase._replace(begin=before)


def _before_apposition(tokens: Sequence[Token], comma: int, lowest: int) -> SpeakerPhrase | None:
    """Find the subject of "Jane Doe, the minister, said" and "the head of it, Jane Doe, who is 40, said"."""
    end, best = comma, None
    for _ in range(_MAX_CHUNKS):
        if end <= lowest or tokens[end].word != ",":
            break
        first = _chunk_start(tokens, end - 1, lowest)
        if end == comma and first <= lowest:
            break
        opening = tokens[first].word
        phrase = (
            None
            if opening in words.SKIPPED or is_preposition(tokens[first])
            else phrase_in(tokens, first, end - 1)
        )
        if phrase is not None and not phrase.pronoun:
            if phrase.named is not None and phrase.named.label == "PERSON":
                return phrase._replace(begin=_phrase_begin(tokens, phrase, lowest))
            best = phrase
        if first - 1 <= lowest:
            break
        end = first - 1
    return best


def _phrase_begin(tokens: Sequence[Token], phrase: SpeakerPhrase, lowest: int) -> int:
    if phrase.begin - 2 < lowest or tokens[phrase.begin - 1].word != ",":
        return phrase.begin
    return _as_apposition(tokens, phrase, phrase.begin, lowest).begin


def _antecedent(tokens: Sequence[Token], who: int, lowest: int) -> SpeakerPhrase | None:
    last = who - 1
    if last >= lowest and tokens[last].word == ",":
        last -= 1
    if last < lowest or tokens[last].word in _BREAKS:
        return None
    return phrase_in(tokens, _phrase_start(tokens, last, lowest), last)


def past_dateline(tokens: Sequence[Token], lowest: int, before: int) -> int:
    """Return where the sentence begins behind "DUBAI (Red Sea Monitor) —"."""
    if not tokens[lowest].capital:
        return lowest
    dash = next(
        (at for at in range(lowest + 1, min(before, lowest + _DATELINE_TOKENS)) if tokens[at].word in DASHES),
        None,
    )
    if dash is None or any(token.word in words.FINITE for token in tokens[lowest:dash]):
        return lowest
    return dash + 1


def main_subject(tokens: Sequence[Token], end: int, lowest: int) -> SpeakerPhrase | None:
    """Return the subject that the sentence opens with: whom its later verbs belong to."""
    position = past_dateline(tokens, lowest, end)
    for _ in range(_MAX_CHUNKS):
        last = position
        while last < end and tokens[last].word not in _BREAKS:
            last += 1
        if last > position and tokens[position].word not in words.ADVERBIAL:
            return _leading(tokens, position, last - 1)
        position = last + 1
        if position >= end or tokens[last].word == QUOTE:
            return None
    return None


def _leading(tokens: Sequence[Token], first: int, last: int) -> SpeakerPhrase | None:
    """Return the phrase at the front of a clause: a pronoun, or words up to the first entity."""
    if tokens[first].word in words.PRONOUNS:
        return SpeakerPhrase(first, first, first, pronoun=True)
    for at in range(first, min(last, first + 8) + 1):
        named, word = tokens[at].named, tokens[at].word
        if named is not None:
            after = tokens[at + 1].word if at < last else ""
            if after in POSSESSIVE or (named.label != "PERSON" and named.label not in ORGANISED):
                return None
            follows = at < last and tokens[at + 1].named is not None
            if named.label != "PERSON" and (follows or _describes(tokens, at, last)):
                continue
            return SpeakerPhrase(at, at, first, named)
        if word in words.ENDS_LEADING:
            return None
    return None


def _describes(tokens: Sequence[Token], at: int, last: int) -> bool:
    """Tell whether a name stands a few plain words after its attribute: "Acme researcher Jane Doe"."""
    attribute = tokens[at].named
    people = attribute is not None and attribute.label == "NORP"  # "Islamist group al-Shabaab"
    for token in tokens[at + 1 : min(last, at + 5) + 1]:
        if token.named is not None:
            return token.named.label == "PERSON" or (people and token.named.label == "ORG")
        if not token.is_word or token.word in words.PREPOSITIONS or token.word in words.FINITE:
            return False
    return False


def phrase_behind(tokens: Sequence[Token], verb: int, end: int) -> SpeakerPhrase | None:
    """Return who is named right behind an inverted verb or "according to", before any complement."""
    first = verb + 1
    while end > first and tokens[end - 1].word in (".", ";"):
        end -= 1
    last = first
    while last < end and last - first < _MAX_PHRASE_TOKENS:
        token = tokens[last]
        if token.word in _BREAKS or (token.named is None and token.word in words.NOUN_PHRASE_ENDS):
            break
        last += 1
    if last == first:
        return None
    phrase = phrase_in(tokens, first, last - 1)
    if phrase is None or phrase.named is not None or last + 1 >= end or tokens[last].word != ",":
        return phrase
    inner = phrase_in(tokens, last + 1, _chunk_end(tokens, last + 1, end))
    if (
        inner is not None
        and inner.named is not None
        and inner.named.label == "PERSON"
        and inner.first <= last + 3
    ):
        return inner
    return phrase


def _chunk_end(tokens: Sequence[Token], first: int, end: int) -> int:
    last = first
    while last + 1 < end and tokens[last + 1].word not in _BREAKS and last - first < _MAX_PHRASE_TOKENS:
        last += 1
    return last
