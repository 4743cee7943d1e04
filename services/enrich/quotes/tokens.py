"""A paragraph as tokens, with each quoted stretch and each entity as one, cut into sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, NamedTuple

from services.enrich.quotes.marks import Marked
from services.enrich.quotes.words import WEEKDAYS
from services.enrich.text import TITLE_ABBREVIATIONS

_WORD = re.compile(r"\w+(?:[-‑'.&]\w+)*|'s?|--+|[^\w\s]")
_TITLES: Final = frozenset(["Ing", "No", "Jr", "Engr", "Arch", "Eng", "Mgr", "Ven"])
_STOPS: Final = frozenset(".!?…;")
_AFTER_HOURS: Final = WEEKDAYS | {"gmt", "utc", "et", "eastern", "pacific", "local"}
HYPHEN: Final = "‑"  # joins a name to a word ("Kenyan-led"); a "-" between spaces is a dash
QUOTE: Final = "“”"
# What is longer is a table or a list, and is read in pieces.
MAX_SENTENCE_TOKENS: Final = 200
_MAY_END: Final = _STOPS | {QUOTE}
_CLOSED_WITH_STOP = re.compile(r"[.!?…]['’”\")\]]*\Z")


class Named(NamedTuple):
    """A mention of an entity."""

    start: int
    end: int
    label: str
    canonical: str


class Token(NamedTuple):
    """`word` is in lower case; of a quoted stretch it is `QUOTE`, and `quote` says what is in it."""

    word: str
    start: int
    end: int
    capital: bool = False
    named: Named | None = None
    quote: Marked | None = None

    @property
    def is_word(self) -> bool:
        return self.named is not None or self.word[0].isalnum()


def folded(text: str) -> str:
    """Return `text` in lower case with straight apostrophes, character for character."""
    lower = text.lower()
    if len(lower) != len(text):  # "İ" grows when lowered
        lower = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    return lower.replace("’", "'")


def tokens_of(
    text: str, lower: str, start: int, end: int, quotes: Sequence[Marked], names: Sequence[Named]
) -> list[Token]:
    """Return the tokens of text[start:end]; `lower` is the folded text.

    `quotes` and `names` lie inside it, in order; names in quotes are left out.
    """
    tokens: list[Token] = []
    position = start
    blocks: list[Marked | Named] = [*quotes, *names]
    for block in sorted(blocks, key=itemgetter(0)):
        first = block.outer_start if isinstance(block, Marked) else block.start
        if first < position:
            continue
        _append_words(tokens, text, lower, position, first)
        if isinstance(block, Marked):
            tokens.append(Token(QUOTE, first, block.outer_end, quote=block))
            position = block.outer_end
        else:
            tokens.append(Token(lower[first : block.end], first, block.end, True, block))
            position = block.end
    _append_words(tokens, text, lower, position, end)
    return tokens


def _append_words(tokens: list[Token], text: str, lower: str, start: int, end: int) -> None:
    append, new = tokens.append, tuple.__new__  # half the cost of a call of Token
    for match in _WORD.finditer(lower, start, end):
        word = match.group()
        first, last = match.span()
        if word == "-" and first and not text[first - 1].isspace():
            word = HYPHEN
        append(new(Token, (word, first, last, text[first] != word[0], None, None)))


def sentences(text: str, tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the token ranges of the sentences. A quoted stretch is never cut, whatever stops it holds."""
    ranges: list[tuple[int, int]] = []
    start = 0
    for at, token in enumerate(tokens[:-1]):
        ends = token.word in _MAY_END and _ends_sentence(text, tokens, at)
        if ends or at - start >= MAX_SENTENCE_TOKENS:
            ranges.append((start, at + 1))
            start = at + 1
    if start < len(tokens):
        ranges.append((start, len(tokens)))
    return ranges


def _ends_sentence(text: str, tokens: Sequence[Token], at: int) -> bool:
    token, after = tokens[at], tokens[at + 1]
    if token.quote is not None:
        return _quote_ends_sentence(text, token.quote, after)
    if after.start == token.end:
        return False
    if token.word == ";":
        return True
    if not (
        after.capital or after.quote is not None or after.word[0].isdigit() or not after.word[0].isalnum()
    ):
        return False
    if token.word != "." or at == 0:
        return True
    before = tokens[at - 1]
    if before.end != token.start or before.named is not None:
        return True
    if before.word in ("a.m", "p.m"):
        return after.word not in _AFTER_HOURS
    word = text[before.start : before.end]
    return not (word in TITLE_ABBREVIATIONS or word in _TITLES or (len(word) == 1 and before.capital))


def _quote_ends_sentence(text: str, quote: Marked, after: Token) -> bool:
    """Tell whether a sentence ends with the closing mark: it closes after a full stop and a new one begins.

    After ? and ! a capital may still be the speaker's name ("Why?" Ajaero asked), so these end nothing here.
    """
    if not after.capital and after.quote is None:
        return False
    last = _CLOSED_WITH_STOP.search(text, max(quote.start, quote.end - 4), quote.end)
    return last is not None and last.group()[0] == "."
