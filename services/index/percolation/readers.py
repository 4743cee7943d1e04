"""From the articles of a batch to the codes that they answer to: what every article has to pay for.

What a surface or an item means is found out once and remembered until something else is looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.index.percolation.columns import COLUMNS, TEXT_COLUMNS, WORD_COLUMNS, Column, Item, Items
from services.index.percolation.hashing import UNKNOWN, Hasher, Hashes, HashTable, Places, Tokens
from services.index.percolation.surfaces import surface_text, words_in, words_of_many
from services.index.percolation.vocabulary import Code, Key, Vocabulary
from shared.events import ArticleEnriched

# By code and article: whether the article answers to it.
Answers: TypeAlias = NDArray[np.bool_]
# Beyond this all are forgotten: the frequent ones are back with the next articles.
MOST_REMEMBERED = 200_000
MOST_ITEMS_REMEMBERED = 50_000
LONGEST_ITEM_CHARS = 1_000
# A longer one is no word but a sentence of a script without spaces, and does not come twice.
LONGEST_REMEMBERED_BYTES = 100
_NOTHING = 0
_HASHER = Hasher()


class Batch(Protocol):
    @property
    def events(self) -> Sequence[ArticleEnriched]: ...

    def items(self, items_of: Items) -> Sequence[Collection[Item]]:
        """Return what each article has in columns that have this of it."""
        ...

    def texts(self, column: str) -> Sequence[bytes]:
        """Return what each article holds in a column of running text, as `surface_text` has it."""
        ...


class TextReader:
    """Reads one column of running text."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._vocabulary = Vocabulary()
        self._forget()

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return bool(len(self._vocabulary))

    def add(self, key: Key, code: Code) -> None:
        self._vocabulary.add(key, code)
        self._stale = True

    def discard(self, key: Key) -> None:
        self._vocabulary.discard(key)
        self._stale = True

    def _forget(self) -> None:
        """From a surface's hash the table tells the number of its codes; most have that of none."""
        self._table = HashTable()
        self._combinations = _Combinations()
        self._pairs = HashTable()
        if pairs := [*self._vocabulary.pairs()]:
            firsts = np.array([_HASHER.hash_of(first) for first, _, _ in pairs], np.uint64)
            seconds = np.array([_HASHER.hash_of(second) for _, second, _ in pairs], np.uint64)
            codes = np.array([code for _, _, code in pairs], np.int32)
            self._pairs.add(_HASHER.pairs(firsts, seconds), codes)
        self._stale = False

    def read(self, batch: Batch, answers: Answers) -> None:
        """Note which articles answer to which codes."""
        if self._stale or len(self._table) > MOST_REMEMBERED:
            self._forget()
        # Half-learned, were anything to fail, the table would give wrong answers.
        self._stale = True
        texts = batch.texts(self._column)
        data = b" %b " % b" ".join(texts)
        begins = np.cumsum([1, *(len(text) + 1 for text in texts[:-1])])
        before: tuple[Places, Hashes] = np.zeros(1, np.intp), np.zeros(1, np.uint64)
        for tokens in _HASHER.tokens(data):
            numbers = self._numbers(data, tokens, begins, answers)
            telling = np.flatnonzero(numbers)
            articles = _articles(begins, tokens.starts[telling])
            self._combinations.note(numbers[telling], articles, answers)
            if self._pairs:
                before = self._note_pairs(before, tokens, begins, answers)
        self._stale = False

    def _note_pairs(
        self, before: tuple[Places, Hashes], tokens: Tokens, begins: Places, answers: Answers
    ) -> tuple[Places, Hashes]:
        """Note which articles have pairs of words; return the last token, which may begin one."""
        starts = np.concatenate((before[0], tokens.starts))
        hashes = np.concatenate((before[1], tokens.hashes))
        codes = self._pairs.numbers(_HASHER.pairs(hashes[:-1], hashes[1:]))
        there = np.flatnonzero(codes != UNKNOWN)
        first, second = _articles(begins, starts[there]), _articles(begins, starts[there + 1])
        same = first == second
        answers[codes[there[same]], first[same]] = True
        return starts[-1:], hashes[-1:]

    def _numbers(self, data: bytes, tokens: Tokens, begins: Places, answers: Answers) -> NDArray[np.int32]:
        """Return the number of each token. What is too long to be remembered is noted at once."""
        numbers = self._table.numbers(tokens.hashes)
        unknown = np.flatnonzero(numbers == UNKNOWN)
        if len(unknown):
            long = tokens.ends[unknown] - tokens.starts[unknown] > LONGEST_REMEMBERED_BYTES
            if long.any():
                self._note_long(data, tokens, unknown[long], begins, answers)
                numbers[unknown[long]] = _NOTHING
            new = unknown[~long]
            self._learn(data, tokens, new)
            numbers[new] = self._table.numbers(tokens.hashes[new])
        return numbers

    def _note_long(self, data: bytes, tokens: Tokens, long: Places, begins: Places, answers: Answers) -> None:
        surfaces = [data[tokens.starts[at] : tokens.ends[at]] for at in long]
        articles = _articles(begins, tokens.starts[long])
        for codes, article in zip(self._codes_of(surfaces), articles, strict=True):
            answers[list(codes), article] = True

    def _learn(self, data: bytes, tokens: Tokens, new: Places) -> None:
        hashes, first = np.unique(tokens.hashes[new], return_index=True)
        surfaces = [data[tokens.starts[at] : tokens.ends[at]] for at in new[first]]
        numbers = [*map(self._combinations.number, self._codes_of(surfaces))]
        self._table.add(hashes, np.array(numbers, np.int32))

    def _codes_of(self, surfaces: Sequence[bytes]) -> Iterator[tuple[Code, ...]]:
        vocabulary = self._vocabulary
        for surface, found in zip(surfaces, words_of_many(surfaces), strict=True):
            codes = [vocabulary.codes_of_word(word, stem) for word, stem in found]
            if not surface.isascii():
                codes.append(vocabulary.codes_of_odd([word for word, _ in found]))
            yield _union(codes)


def _articles(begins: Places, starts: Places) -> Places:
    """Return the numbers of the articles that these places are in."""
    return np.searchsorted(begins, starts, side="right") - 1


class _Combinations:
    """Numbers for the combinations of codes that surfaces have: 0 for none."""

    def __init__(self) -> None:
        self._number_of: dict[tuple[Code, ...], int] = {(): _NOTHING}
        self._codes = np.zeros((1024, 1), np.int32)

    def number(self, codes: tuple[Code, ...]) -> int:
        number = self._number_of.setdefault(codes, len(self._number_of))
        rows, width = self._codes.shape
        more = (max(0, number + 1 - rows) and rows, max(0, len(codes) - width))
        if any(more):
            self._codes = np.pad(self._codes, ((0, more[0]), (0, more[1])))
        self._codes[number, : len(codes)] = codes
        return number

    def note(self, numbers: NDArray[np.int32], articles: Places, answers: Answers) -> None:
        """Note for each number the codes of which the article with it has."""
        for codes in self._codes[numbers].T:
            some = np.flatnonzero(codes)
            if not len(some):
                return
            answers[codes[some], articles[some]] = True


class ItemReader:
    """Reads one column of short values."""

    def __init__(self, column: str) -> None:
        self._column = COLUMNS[column]
        self._vocabulary = Vocabulary()
        self._forget()

    def _forget(self) -> None:
        by_word = self._column in WORD_COLUMNS.values()
        self._known = _KnownItems(self._vocabulary, self._column, by_word=by_word)

    def add(self, key: Key, code: Code) -> None:
        self._vocabulary.add(key, code)
        self._forget()

    def discard(self, key: Key) -> None:
        self._vocabulary.discard(key)
        self._forget()

    def __bool__(self) -> bool:
        """Whether anything is looked for."""
        return bool(len(self._vocabulary))

    def read(self, batch: Batch, answers: Answers) -> None:
        """Note which articles answer to which codes."""
        if len(self._known) > MOST_ITEMS_REMEMBERED:
            self._forget()
        codes_of = self._known.__getitem__
        found: list[Code] = []
        articles: list[int] = []
        for article, items in enumerate(batch.items(self._column.items)):
            for codes in filter(None, map(codes_of, items)):
                found += codes
                articles += [article] * len(codes)
        answers[found, articles] = True


class _KnownItems(dict[Item, tuple[Code, ...]]):
    """The codes of items, which are found out when they are asked for."""

    def __init__(self, vocabulary: Vocabulary, column: Column, *, by_word: bool) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._column = column
        self._by_word = by_word

    def __missing__(self, item: Item) -> tuple[Code, ...]:
        values = [*self._column.values(item)]
        codes = _union(self._codes(values))
        if sum(map(len, values)) <= LONGEST_ITEM_CHARS:
            self[item] = codes
        return codes

    def _codes(self, values: Iterable[str]) -> Iterator[tuple[Code, ...]]:
        for value in values:
            if self._by_word:
                for surface in surface_text(value).split():
                    yield from map(self._vocabulary.codes_of_word, words_in(surface))
            else:
                yield self._vocabulary.codes_of_value(value)


Reader = TextReader | ItemReader


def reader_of(column: str) -> Reader:
    return TextReader(column) if column in TEXT_COLUMNS else ItemReader(column)


def _union(codes: Iterable[tuple[Code, ...]]) -> tuple[Code, ...]:
    """Return each code once: usually there is one tuple, of one code or none."""
    several = [found for found in codes if found]
    if len(several) <= 1:
        return several[0] if several else ()
    return tuple(dict.fromkeys(code for found in several for code in found))
