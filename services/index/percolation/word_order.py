"""Words one after another: the condition of phrases, and of text that falls into several words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from services.index.percolation.columns import BODY, TEXT, TEXT_COLUMNS, TITLE
from services.index.percolation.conditions import AnyOf, Batch, Bits, Condition, numbers
from services.index.percolation.phrases import with_slop
from services.index.percolation.vocabulary import NEXT, PREFIX, VOID, WITHIN, WORD, Key


@dataclass(frozen=True, slots=True)
class InOrder(Condition):
    """Words one after another; with `begins` the last is only a beginning. TEXT is title or body.

    `pairs` are of two words each that have to be next to each other: either they are, or an article is odd:
    it has surfaces where `odd` says that these words and surfaces may not be the same. None: any may be odd.
    """

    column: str
    words: tuple[str, ...]
    keys: tuple[Key, ...]
    pairs: tuple[AnyOf, ...] = ()
    odd: AnyOf | None = None
    slop: int = 0
    begins: bool = False

    @classmethod
    def of_words(cls, column: str, words: Sequence[str], *, slop: int = 0, begins: bool = False) -> InOrder:
        *first, last = words
        keys = [WORD + word for word in first] + [(PREFIX if begins else WORD) + last]
        unique = tuple(dict.fromkeys(keys))
        if slop or begins or column not in TEXT_COLUMNS or not all(map(str.isascii, words)):
            return cls(column, tuple(words), unique, slop=slop, begins=begins)
        pairs = [
            _places(column, f"{NEXT}{one} {other}", WITHIN + one, WITHIN + other, VOID)
            for one, other in pairwise(words)
        ]
        odd = _places(column, *(WITHIN + word for word in words), VOID)
        return cls(column, tuple(words), unique, tuple(dict.fromkeys(pairs)), odd)

    def of(self, batch: Batch, within: Bits) -> Bits:
        for need in self.needs():
            within &= batch.holding(need)
        return self.of_meeting(batch, within)

    def of_meeting(self, batch: Batch, within: Bits) -> Bits:
        """Return those of `within` that fulfil this, all of which have what it needs."""
        if self.slop:
            return self._near(batch, within)
        if self.odd is None:
            return self._next(batch.words, within)
        odd = within & batch.holding(self.odd)
        plain = within & ~odd
        if len(self.words) > 2:
            # Each pair is there, though maybe not in one place.
            plain = self._next(batch.surfaces, plain)
        return plain | self._next(batch.words, odd)

    def needs(self) -> tuple[AnyOf, ...]:
        return tuple(_places(self.column, key) for key in self.keys) + self.pairs

    def rest(self) -> Condition | None:
        return _Meeting(self)

    def doubt(self) -> AnyOf | None:
        return self.odd if len(self.words) == 2 else None

    def asks(self) -> Iterator[AnyOf]:
        yield from self.needs()
        if self.odd is not None:
            yield self.odd

    def _next(self, text: Callable[[int, str], bytes], within: Bits) -> Bits:
        phrase = f" {' '.join(self.words)}{'' if self.begins else ' '}".encode()
        found = 0
        for number in numbers(within):
            if phrase in text(number, self.column):
                found |= 1 << number
        return found

    def _near(self, batch: Batch, within: Bits) -> Bits:
        words = [word.encode() for word in self.words]
        columns = (TITLE, BODY) if self.column == TEXT else (self.column,)
        found = 0
        for number in numbers(within):
            for column in columns:
                positions = batch.positions(number, column)
                if not all(word in positions for word in words):
                    continue
                # Lessened by n: see `with_slop`.
                if with_slop([[at - n for at in positions[word]] for n, word in enumerate(words)], self.slop):
                    found |= 1 << number
                    break
        return found


@dataclass(frozen=True, slots=True)
class _Meeting(Condition):
    """Words in order, of articles that have all that this needs."""

    words: InOrder

    def of(self, batch: Batch, within: Bits) -> Bits:
        return self.words.of_meeting(batch, within)

    def asks(self) -> Iterator[AnyOf]:
        if self.words.odd is not None:
            yield self.words.odd


def _places(column: str, *keys: Key) -> AnyOf:
    return tuple((column, key) for key in dict.fromkeys(keys))
