"""From articles to the keys they hold: the part of percolation that every article has to pay for.

What a surface or a value means is asked of the vocabulary once and remembered until the vocabulary changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from services.index.engine.analysis import words
from services.index.percolation.batch import ArticleBatch
from services.index.percolation.columns import TEXT_COLUMNS, VALUE_COLUMNS, WORD_COLUMNS
from services.index.percolation.conditions import Bits, Place
from services.index.percolation.surfaces import Surface, words_of_many
from services.index.percolation.vocabulary import Key, Vocabulary

# Beyond this the oldest are not worth finding out: all are forgotten, and the frequent ones are back at once.
MOST_REMEMBERED = 200_000
# A longer one is no word but a sentence of a script without spaces, and does not come twice.
LONGEST_REMEMBERED_BYTES = 100


class Lookup:
    """Not thread-safe: the percolator's lock is held around it."""

    def __init__(self) -> None:
        self._columns: Counter[str] = Counter()
        self._text = Vocabulary()
        self._words = Vocabulary()
        self._values = Vocabulary()
        self._keys_of_surface: dict[Surface, tuple[Key, ...]] = {}
        self._telling: set[Surface] = set()
        self._keys_of_value: dict[tuple[bool, str], tuple[Key, ...]] = {}

    def add(self, places: Iterable[Place]) -> None:
        for column, key in places:
            self._columns[column] += 1
            self._changed(column, new=self._vocabulary(column).add(key))

    def discard(self, places: Iterable[Place]) -> None:
        for column, key in places:
            self._columns[column] -= 1
            self._changed(column, new=self._vocabulary(column).discard(key))

    def _vocabulary(self, column: str) -> Vocabulary:
        if column in TEXT_COLUMNS:
            return self._text
        return self._words if column in WORD_COLUMNS else self._values

    def _changed(self, column: str, *, new: bool) -> None:
        if new and column in TEXT_COLUMNS:
            self._forget_surfaces()
        elif new:
            self._keys_of_value.clear()

    def _forget_surfaces(self) -> None:
        self._keys_of_surface.clear()
        self._telling.clear()

    def hold(self, batch: ArticleBatch) -> None:
        """Tell the batch which articles hold what is looked for."""
        if len(self._keys_of_surface) > MOST_REMEMBERED:
            self._forget_surfaces()
        if len(self._keys_of_value) > MOST_REMEMBERED:
            self._keys_of_value.clear()
        for column, uses in self._columns.items():
            if not uses:
                continue
            if column in TEXT_COLUMNS:
                batch.hold(column, self._held_in_text(batch.surfaces(column)))
            else:
                batch.hold(column, self._held_in_values(batch, column))

    def _held_in_text(self, articles: list[set[Surface]]) -> dict[Key, Bits]:
        held: dict[Key, Bits] = {}
        remembered, telling = self._keys_of_surface, self._telling
        bit = 1
        for found in articles:
            unknown = found.difference(remembered)
            if unknown:
                for key in self._learn(unknown):
                    held[key] = held.get(key, 0) | bit
            for surface in found & telling:
                for key in remembered[surface]:
                    held[key] = held.get(key, 0) | bit
            bit <<= 1
        return held

    def _learn(self, unknown: set[Surface]) -> set[Key]:
        """Remember the keys of new surfaces; return those of surfaces that are not worth remembering."""
        once: set[Key] = set()
        for surface, found in words_of_many(unknown):
            keys = self._text.keys_of_words(found)
            if len(surface) > LONGEST_REMEMBERED_BYTES:
                once.update(keys)
                continue
            if keys:
                self._telling.add(surface)
            self._keys_of_surface[surface] = keys
        return once

    def _held_in_values(self, batch: ArticleBatch, column: str) -> dict[Key, Bits]:
        values_of = WORD_COLUMNS.get(column) or VALUE_COLUMNS[column]
        by_word = column in WORD_COLUMNS
        held: dict[Key, Bits] = {}
        bit = 1
        for event in batch.events:
            for value in values_of(event):
                keys = self._keys_of_value.get((by_word, value))
                if keys is None:
                    keys = self._keys_of_value[by_word, value] = self._keys_in(value, by_word=by_word)
                for key in keys:
                    held[key] = held.get(key, 0) | bit
            bit <<= 1
        return held

    def _keys_in(self, value: str, *, by_word: bool) -> tuple[Key, ...]:
        if by_word:
            return self._words.keys_of_words((word, None) for word in words(value))
        return self._values.keys_of_value(value)
