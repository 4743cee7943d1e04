"""From the articles of a batch to the codes that they answer to: what every article has to pay for.

What a surface or an item means is found out once and remembered until something else is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeAlias

from services.index.percolation.columns import COLUMNS, TEXT_COLUMNS, WORD_COLUMNS, Item
from services.index.percolation.surfaces import Surface, surfaces, words_in, words_of_many
from services.index.percolation.vocabulary import Code, Key, Vocabulary
from shared.events import ArticleEnriched

Bits: TypeAlias = int
# Beyond this all are forgotten: the frequent ones are back with the next articles.
MOST_REMEMBERED = 200_000
# A longer one is no word but a sentence of a script without spaces, and does not come twice.
LONGEST_REMEMBERED_BYTES = 100


class Batch(Protocol):
    @property
    def events(self) -> Sequence[ArticleEnriched]: ...

    def surfaces(self, column: str) -> Iterable[Iterable[Surface]]:
        """Return what each article holds in a column of running text."""
        ...


class TextReader:
    """Reads one column of running text."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._vocabulary = Vocabulary()
        self._known = _Known()

    def add(self, key: Key, code: Code) -> None:
        self._vocabulary.add(key, code)
        self._known = _Known()

    def discard(self, key: Key) -> None:
        self._vocabulary.discard(key)
        self._known = _Known()

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return bool(len(self._vocabulary))

    def read(self, batch: Batch, answers: list[Bits]) -> None:
        """Set the bits of the articles in the answers of the codes that they answer to."""
        known = self._known if len(self._known) <= MOST_REMEMBERED else _Known()
        # Half-learned, were anything to fail, it would give wrong answers.
        self._known = _Known()
        number_of = known.__getitem__
        articles = [set(filter(None, map(number_of, found))) for found in batch.surfaces(self._column)]
        several = known.resolve(self._vocabulary)
        # Negative numbers count from the end.
        answers += [0] * len(several)
        bit = 1
        for numbers in articles:
            for number in numbers:
                answers[number] |= bit
            bit <<= 1
        for codes in reversed(several):
            bits = answers.pop()
            for code in codes:
                answers[code] |= bits
        known.settle()
        self._known = known


class _Known(dict[Surface, int]):
    """From surfaces to numbers: 0 for most, which nobody looks for, the code of those with one code.

    A surface of several codes has a negative number, by which `several` holds the codes. So has for the time
    being one that is not known yet: with `resolve` it gets its codes, and with `settle` a number to keep. The
    analysers take many words in one call much faster than one by one.
    """

    def __init__(self) -> None:
        super().__init__()
        self._several: list[tuple[Code, ...]] = []
        self._number_of: dict[tuple[Code, ...], int] = {}
        self._unresolved: list[Surface] = []
        self._resolved: list[tuple[Code, ...]] = []

    def __missing__(self, surface: Surface) -> int:
        self._unresolved.append(surface)
        number = self[surface] = -len(self._several) - len(self._unresolved)
        return number

    def resolve(self, vocabulary: Vocabulary) -> list[tuple[Code, ...]]:
        """Return the codes of numbers −n … −1, in this order."""
        self._resolved = [
            _union(vocabulary.codes_of_word(word, stem) for word, stem in found)
            for found in words_of_many(self._unresolved)
        ]
        return (self._several + self._resolved)[::-1]

    def settle(self) -> None:
        for surface, codes in zip(self._unresolved, self._resolved, strict=True):
            if len(surface) > LONGEST_REMEMBERED_BYTES:
                del self[surface]
            elif len(codes) <= 1:
                self[surface] = codes[0] if codes else 0
            else:
                self[surface] = self._number(codes)
        self._unresolved, self._resolved = [], []

    def _number(self, codes: tuple[Code, ...]) -> int:
        number = self._number_of.get(codes)
        if number is None:
            self._several.append(codes)
            number = self._number_of[codes] = -len(self._several)
        return number


class ItemReader:
    """Reads one column of short values."""

    def __init__(self, column: str) -> None:
        self._items, self._values = COLUMNS[column]
        self._by_word = column in WORD_COLUMNS
        self._vocabulary = Vocabulary()
        self._known: dict[Item, tuple[Code, ...]] = {}

    def add(self, key: Key, code: Code) -> None:
        self._vocabulary.add(key, code)
        self._known = {}

    def discard(self, key: Key) -> None:
        self._vocabulary.discard(key)
        self._known = {}

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return bool(len(self._vocabulary))

    def read(self, batch: Batch, answers: list[Bits]) -> None:
        """Set the bits of the articles in the answers of the codes that they answer to."""
        if len(self._known) > MOST_REMEMBERED:
            self._known = {}
        known, items_of = self._known, self._items
        bit = 1
        for event in batch.events:
            for item in items_of(event):
                codes = known.get(item)
                if codes is None:
                    codes = known[item] = self._codes_of(item)
                for code in codes:
                    answers[code] |= bit
            bit <<= 1

    def _codes_of(self, item: Item) -> tuple[Code, ...]:
        values = self._values(item)
        if not self._by_word:
            return _union(map(self._vocabulary.codes_of_value, values))
        found = (word for value in values for surface in surfaces(value) for word in words_in(surface))
        return _union(map(self._vocabulary.codes_of_word, found))


Reader = TextReader | ItemReader


def reader_of(column: str) -> Reader:
    return TextReader(column) if column in TEXT_COLUMNS else ItemReader(column)


def _union(codes: Iterable[tuple[Code, ...]]) -> tuple[Code, ...]:
    """Return each code once: usually there is one tuple, of one code or none."""
    several = [found for found in codes if found]
    if len(several) <= 1:
        return several[0] if several else ()
    return tuple(dict.fromkeys(code for found in several for code in found))
