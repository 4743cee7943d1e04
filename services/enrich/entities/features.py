"""What a word tells on its own: how it is written, which lists it is on, and the pieces it is made of.

Training and recognition share these functions: a model fits only the numbering that it was trained with.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence

from services.enrich.entities.gazetteer import CODE_OF_LABEL, Gazetteer, fold, truecased_word

BUCKETS = 1 << 14
SHAPES = 40
_KINDS = 6
_CODES = "".join(CODE_OF_LABEL.values())
_AMBIGUOUS = _KINDS + 4 * len(_CODES)
_ENDS_PHRASE = _AMBIGUOUS + 1
IN_TITLE = _AMBIGUOUS + 2
FEATURES = _AMBIGUOUS + 3

MAX_WORD_CHARS = 40
_MAX_GRAMS = 60
_MAX_PIECES = 8
_MAX_KNOWN_WORDS = 50_000
_PIECE_SPLIT = re.compile(r"[^\W_]+|[^\w\s]|_")
_UNKNOWN_PIECE = "[UNK]"
_COMMON_SHAPES = {"x": 1, "X": 2, "X1": 3, "Xx": 4, "XxX": 5, "xX": 6}
_DIGITS, _FIRST_RARE_SHAPE, _RARE_SHAPES = 7, 8, 24

_TITLES = frozenset(
    """
    president minister premier chancellor senator secretary governor mayor judge justice professor coach
    captain chairman chairwoman chair director spokesman spokeswoman spokesperson chief mr mrs ms dr
    prof sir dame lord lady king queen prince princess sheikh pope bishop archbishop cardinal rev father
    imam rabbi ayatollah gen general col colonel lt lieutenant maj major sgt sergeant capt cpl officer
    inspector superintendent commissioner ambassador envoy congressman congresswoman rep sen gov hon mp
    lawmaker leader manager striker midfielder defender goalkeeper forward winger guard pitcher batsman
    bowler skipper driver rider actor actress singer author novelist director-general economist analyst
    researcher lawyer attorney prosecutor founder ceo cfo owner farmer fisherman nurse teacher widow
    brother sister son daughter wife husband mother named
    """.split()  # noqa: SIM905
)
_SPEECH = frozenset(
    {"said", "says", "told", "added", "asked", "wrote", "tweeted", "argued", "warned", "recalled"}
)


def word_shape(word: str) -> str:
    """Return a short shape: "Xx" Capitalised, "X" capitals, "x" lower, "d" digits, others as they are."""
    if word.isalpha():
        if word.islower():
            return "x"
        if word.isupper():
            return "X" if len(word) > 1 else "X1"
        if word[0].isupper() and word[1:].islower():
            return "Xx"
        return "XxX" if word[0].isupper() else "xX"
    if word.isdigit():
        return f"d{len(word)}" if len(word) < 5 else "d"
    shape: list[str] = []
    for char in word[:MAX_WORD_CHARS]:
        kind = "X" if char.isupper() else "x" if char.isalpha() else "d" if char.isdigit() else char
        if not shape or shape[-1] != kind:
            shape.append(kind)
    return "".join(shape[:8])


def shape_number(word: str) -> int:
    """Return the number of a word's shape, below SHAPES; rare shapes share numbers."""
    shape = word_shape(word)
    if shape in _COMMON_SHAPES:
        return _COMMON_SHAPES[shape]
    if shape[0] == "d":
        return _DIGITS
    return _FIRST_RARE_SHAPE + zlib.crc32(shape.encode()) % _RARE_SHAPES


def gram_buckets(word: str) -> list[int]:
    """Return the buckets of a word as written, of its edges, and of its character n-grams."""
    lower = f"<{word.lower()}>"
    grams = [f"w<{word}>", lower[:3] + "^", lower[-3:] + "$"]
    for n in (3, 4, 5):
        grams += [lower[i : i + n] for i in range(len(lower) - n + 1)]
    return [zlib.crc32(gram.encode()) % BUCKETS for gram in grams[:_MAX_GRAMS]]


def kind_numbers(word: str, gazetteer: Gazetteer) -> list[int]:
    """Return which of the first FEATURES hold for a word: known given or family name, title, …"""
    lower = word.lower()
    capital = word[0].isupper()
    family = gazetteer.family
    held = (
        capital and word in gazetteer.given,
        capital and (word in family or any(part in family for part in word.split("-", 3))),
        lower.rstrip(".") in _TITLES,
        lower in gazetteer.vocabulary,
        lower in _SPEECH,
        capital and word in gazetteer.name_words and word not in gazetteer.phrases,
    )
    return [number for number, holds in enumerate(held) if holds]


def phrase_numbers(codes: str, offset: int, length: int) -> list[int]:
    """Return which of FEATURES hold for the token at `offset` of a known name of `length` tokens."""
    base = _KINDS + (0 if offset == 0 else len(_CODES)) + (0 if length == 1 else 2 * len(_CODES))
    numbers = [base + _CODES.index(code) for code in codes]
    if len(codes) > 1:
        numbers.append(_AMBIGUOUS)
    if offset == length - 1:
        numbers.append(_ENDS_PHRASE)
    return numbers


class WordPieces:
    """Cuts words into the longest pieces of a fixed vocabulary, lower-cased and without accents."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self._rows = {piece: row for row, piece in enumerate(pieces)}
        self._unknown = self._rows[_UNKNOWN_PIECE]

    def __call__(self, word: str) -> list[int]:
        """Return the rows of a word's pieces, at least one and at most eight."""
        text = word.lower()
        if not text.isascii():
            text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
        rows: list[int] = []
        for part in _PIECE_SPLIT.findall(text):
            rows += self._split(part)
        return rows[:_MAX_PIECES] or [self._unknown]

    def _split(self, part: str) -> list[int]:
        rows: list[int] = []
        start = 0
        while start < len(part):
            prefix = "##" if start else ""
            for end in range(len(part), start, -1):
                row = self._rows.get(prefix + part[start:end])
                if row is not None:
                    rows.append(row)
                    start = end
                    break
            else:
                return [self._unknown]
        return rows


class WordForms:
    """Gives words as the gazetteer knows them: folded, and "RANCHI" as "Ranchi". One thread's own."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._known: dict[str, str] = {}

    def normalised(self, words: Sequence[str]) -> list[str]:
        known = self._known
        if len(known) > _MAX_KNOWN_WORDS:
            known.clear()
        for word in words:
            if word not in known:
                known[word] = truecased_word(fold(word), self._gazetteer)
        return [known[word] for word in words]
