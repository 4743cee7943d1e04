"""Where a sentence says that somebody says something: the cue, its phrase, and the tokens both take up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.enrich.quotes import words
from services.enrich.quotes.phrases import SpeakerPhrase
from services.enrich.quotes.subjects import phrase_behind, subject_of
from services.enrich.quotes.tokens import QUOTE, Token

_MAX_LISTENER_TOKENS: Final = 14
_SUPPOSING: Final = frozenset(["if", "unless", "whether", "that", "which", "who"])
_TAIL_TOKENS: Final = 12
# More cues in one sentence are no prose.
_MAX_CUES: Final = 24
_CLAUSE_BREAKS: Final = frozenset([",", ";", ":", "—", "–", "--", QUOTE, ".", "!", "?", "…"])
ACCORDING: Final = "according"
_SIGNALS: Final = frozenset((*words.CUES, ACCORDING))


class Attribution(NamedTuple):
    """Tokens [begin, end) are "the minister told reporters"; what is said is outside them.

    `leads`: a reported clause begins at `end`. `coordinated`: the subject stands further before, as of the
    second verb of "she smiled and said" or of "…, adding that".
    """

    cue: int
    phrase: SpeakerPhrase
    begin: int
    end: int
    leads: bool
    kind: words.CueKind
    coordinated: bool = False


def attributions(tokens: Sequence[Token], lowest: int, end: int) -> list[Attribution]:
    """Return the attributions of the sentence tokens[lowest:end], in order."""
    found: list[Attribution] = []
    looked_at = 0
    for at in range(lowest, end):
        token = tokens[at]
        if token.word not in _SIGNALS or token.named is not None:
            continue
        looked_at += 1
        if looked_at > _MAX_CUES:
            break
        following = tokens[at + 1].word if at + 1 < end else ""
        if token.word == ACCORDING:
            attribution = _according(tokens, at, lowest, end) if following == "to" else None
        elif token.word in words.WITH_OUT and following != "out":
            continue
        else:
            attribution = _of_verb(tokens, at, words.CUES[token.word], lowest, end, found)
        if attribution is not None:
            found.append(attribution)
    return found


def _according(tokens: Sequence[Token], at: int, lowest: int, end: int) -> Attribution | None:
    phrase = phrase_behind(tokens, at + 1, end)
    if phrase is None or phrase.pronoun:
        return None
    last = _phrase_end(tokens, phrase.last + 1, end)
    return Attribution(at, phrase, at, last, at == lowest, "say")


def _phrase_end(tokens: Sequence[Token], at: int, end: int) -> int:
    while at < end and tokens[at].word not in _CLAUSE_BREAKS:
        at += 1
    return at


def _of_verb(
    tokens: Sequence[Token],
    verb: int,
    kind: words.CueKind,
    lowest: int,
    end: int,
    earlier: Sequence[Attribution],
) -> Attribution | None:
    if verb == lowest or tokens[verb - 1].word in (",", QUOTE, "—", "–", "--"):
        inverted = _inverted(tokens, verb, kind, lowest, end)
        if inverted is not None:
            return inverted
    before = tokens[verb - 1].word
    coordinated = before in words.CONJUNCTIONS or tokens[verb].word in words.PARTICIPLES
    phrase = subject_of(tokens, verb, lowest)
    if phrase is None and coordinated and earlier:
        phrase = earlier[-1].phrase
    if phrase is None or _is_supposed(tokens, phrase, lowest):
        return None
    begin = verb if coordinated else phrase.begin
    behind = _behind(tokens, verb, kind, end)
    leads = _leads(tokens, verb, behind, kind, end)
    return Attribution(verb, phrase, begin, behind, leads, kind, coordinated)


def _is_supposed(tokens: Sequence[Token], phrase: SpeakerPhrase, lowest: int) -> bool:
    """Tell whether it is not reported here: "if Smith says no", "a place that Smith says is cold"."""
    return phrase.begin > lowest and tokens[phrase.begin - 1].word in _SUPPOSING


def _inverted(
    tokens: Sequence[Token], verb: int, kind: words.CueKind, lowest: int, end: int
) -> Attribution | None:
    """Read "…," said Jane Doe, the minister. Only behind words that are said."""
    behind_quote = any(tokens[at].quote is not None for at in range(max(lowest, verb - 2), verb))
    inverting = tokens[verb].word in words.INVERTING
    if kind != "say" and not inverting and not (behind_quote and kind in ("ask", "utter")):
        return None
    phrase = None if tokens[verb].word in words.PARTICIPLES else phrase_behind(tokens, verb, end)
    if phrase is None or _is_clause(tokens, verb + 1, end):
        return None
    if not behind_quote and (phrase.named is None or inverting) and not _has_finite(tokens, lowest, verb):
        return None  # "The committee, led by a judge, said the trend of prices declined"
    if (
        phrase.named is None
        and tokens[verb - 1].quote is None
        and tokens[phrase.first].word not in words.DETERMINERS
    ):
        return None
    return Attribution(verb, phrase, verb, phrase.last + 1, False, kind)


def _has_finite(tokens: Sequence[Token], first: int, end: int) -> bool:
    return any(_is_finite(token) for token in tokens[first:end])


def _is_finite(token: Token) -> bool:
    return token.named is None and token.word in words.FINITE


def _behind(tokens: Sequence[Token], verb: int, kind: words.CueKind, end: int) -> int:
    """Return the token behind the verb, its listener and a day or place ("told reporters on Monday")."""
    at = verb + 1
    if at < end and tokens[at].word == "out" and tokens[verb].word in words.WITH_OUT:
        at += 1
    if kind == "tell":
        limit = min(end, at + _MAX_LISTENER_TOKENS)
        stop = next(
            (i for i in range(at, limit) if tokens[i].word in _CLAUSE_BREAKS or tokens[i].word == "that"),
            limit,
        )
        finite = next((i for i in range(at, stop) if _is_finite(tokens[i])), None)
        if finite is not None and tokens[finite - 1].word in words.PRONOUNS:
            return finite - 1  # "told the firm on Monday it would end a contract that runs on"
        if stop < end and (tokens[stop].word == "that" or tokens[stop].quote is not None):
            return stop
        listener = at + (at < end and tokens[at].word in words.DETERMINERS)
        return listener + 1 if listener < end and _is_listener(tokens, listener, stop) else stop
    while at < end and (_is_date(tokens[at]) or _is_adverb(tokens[at])):
        at += 1
    if at + 1 < end and tokens[at].word == "on" and _is_date(tokens[at + 1]):
        at += 2
    if at < end and tokens[at].word in words.PREPOSITIONS:
        limit = min(end, at + _TAIL_TOKENS)
        for i in range(at, limit):
            word = tokens[i].word
            if word == "that" or tokens[i].quote is not None:
                return i
            if word in _CLAUSE_BREAKS:
                following = tokens[i + 1].word if i + 1 < end else ""
                return i + 1 if word == "," and following == "that" else i
    if at + 1 < end and tokens[at].word == "," and tokens[at + 1].word == "that":
        return at + 1
    return at


def _is_date(token: Token) -> bool:
    return token.word in words.WEEKDAYS or (token.named is not None and token.named.label == "DATE")


def _is_adverb(token: Token) -> bool:
    if token.named is not None or token.word in words.DETERMINERS:
        return False  # "said all staff were safe"
    return token.word in words.ADVERBS or token.word.endswith("ly")


def _is_listener(tokens: Sequence[Token], at: int, stop: int) -> bool:
    """Tell whether one word is the listener and a clause follows: "told AFP the road was closed"."""
    return at + 3 < stop and any(
        token.named is None and token.word in words.FINITE for token in tokens[at + 2 : min(stop, at + 12)]
    )


def _leads(tokens: Sequence[Token], verb: int, behind: int, kind: words.CueKind, end: int) -> bool:
    """Tell whether a reported clause begins at token `behind`."""
    if behind + 2 >= end:
        return False
    word = tokens[behind].word
    if word in _CLAUSE_BREAKS or (tokens[behind].named is None and word in words.FINITE):
        return False
    if word == "that":
        return kind in ("say", "tell", "claim")
    if kind == "ask":
        return word in words.QUESTION_WORDS
    if kind in ("utter", "call"):
        return False
    if word in ("to", "so", "as") or word in words.PREPOSITIONS or word in words.CONJUNCTIONS:
        return False
    if kind == "say":
        following = tokens[behind + 1].word
        return word not in words.VAGUE or not (following in words.PREPOSITIONS or following in (",", "."))
    if kind == "claim" and tokens[verb].word in words.STRICT_CLAIMS:
        return False
    return _is_clause(tokens, behind, end)


def _is_clause(tokens: Sequence[Token], first: int, end: int) -> bool:
    """Tell whether words without "that" in front are a clause: a finite verb stands near."""
    for at in range(first, min(end, first + 12)):
        token = tokens[at]
        if token.named is None and (token.word in words.RELATIVES or token.word in _CLAUSE_BREAKS):
            return False
        if token.named is None and token.word in words.FINITE:
            return at > first
    return tokens[first].named is None and tokens[first].word in words.CLAUSE_STARTS and first + 3 < end
