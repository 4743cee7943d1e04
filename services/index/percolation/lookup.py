"""From articles to the keys they hold: the part of percolation that every article has to pay for.

What a surface or a value means is asked of the vocabulary once and remembered until the vocabulary changes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from services.index.engine.analysis import words
from services.index.percolation.batch import ArticleBatch
from services.index.percolation.columns import COLUMNS, TEXT_COLUMNS, WORD_COLUMNS, Item
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
        self._keys_of_item: dict[str, dict[Item, tuple[Key, ...]]] = {name: {} for name in COLUMNS}

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
            self._keys_of_item[column].clear()

    def _forget_surfaces(self) -> None:
        self._keys_of_surface.clear()
        self._telling.clear()

    def hold(self, batch: ArticleBatch) -> None:
        """Tell the batch which articles hold what is looked for."""
        if len(self._keys_of_surface) > MOST_REMEMBERED:
            self._forget_surfaces()
        for known in self._keys_of_item.values():
            if len(known) > MOST_REMEMBERED:
                known.clear()
        used = [column for column, uses in self._columns.items() if uses]
        for column in used:
            if column in TEXT_COLUMNS:
                batch.held[column] = self._held_in_text(batch.surfaces(column))
            else:
                batch.held[column] = self._held_in_values(batch, column)

    def _held_in_text(self, articles: list[set[Surface]]) -> Mapping[Key, Bits]:
        """The hottest loop there is: by surface first, for one surface stands in several articles."""
        remembered = self._keys_of_surface
        once = self._learn(set().union(*articles).difference(remembered))
        telling = self._telling
        by_surface: defaultdict[Surface, Bits] = defaultdict(int)
        bit = 1
        for found in articles:
            for surface in found & telling:
                by_surface[surface] |= bit
            bit <<= 1
        held: defaultdict[Key, Bits] = defaultdict(int)
        for surface, bits in by_surface.items():
            for key in remembered[surface]:
                held[key] |= bits
        for surface in once:
            del remembered[surface]
            telling.discard(surface)
        return held

    def _learn(self, unknown: set[Surface]) -> list[Surface]:
        """Find out the keys of new surfaces; return those that are not worth remembering."""
        for surface, found in words_of_many(unknown):
            keys = self._keys_of_surface[surface] = self._text.keys_of_words(found)
            if keys:
                self._telling.add(surface)
        return [surface for surface in unknown if len(surface) > LONGEST_REMEMBERED_BYTES]

    def _held_in_values(self, batch: ArticleBatch, name: str) -> Mapping[Key, Bits]:
        column = COLUMNS[name]
        known = self._keys_of_item[name]
        held: defaultdict[Key, Bits] = defaultdict(int)
        bit = 1
        for event in batch.events:
            for item in column.items(event):
                keys = known.get(item)
                if keys is None:
                    keys = known[item] = self._keys_in(name, column.values(item))
                for key in keys:
                    held[key] |= bit
            bit <<= 1
        return held

    def _keys_in(self, name: str, values: Iterable[str]) -> tuple[Key, ...]:
        if name in WORD_COLUMNS:
            found = ((word, None) for value in values for word in words(value))
            return self._words.keys_of_words(found)
        return tuple({key for value in values for key in self._values.keys_of_value(value)})
