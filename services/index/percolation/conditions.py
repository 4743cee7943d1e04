"""What a saved search asks of an article, as conditions that are answered for a whole batch at a time.

An answer is a number whose n-th bit tells of the n-th article of the batch, so that "and", "or" and "not" of
two answers are one operation for all articles. `within` are the articles that are still of interest: an
answer has no other bits.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.index.percolation.columns import BODY, TEXT, TITLE
from services.index.percolation.phrases import with_slop
from services.index.percolation.vocabulary import PREFIX, WORD, Key

Bits: TypeAlias = int
# Where to look, and what for.
Place = tuple[str, Key]
Frequency = Callable[[Place], float]


class Batch(Protocol):
    """What conditions ask of a batch; articles are named by their number in it."""

    @property
    def held(self) -> Mapping[str, Mapping[Key, Bits]]:
        """Which articles hold a key, by column."""
        ...

    def words(self, number: int, column: str) -> bytes:
        """Return the words of a column in order with a space around each; TEXT is title, gap, body."""
        ...

    def positions(self, number: int, column: str) -> Mapping[bytes, Sequence[int]]:
        """Return where in a column its words stand, ascending."""
        ...

    def second(self, number: int) -> int:
        """Return when the article counts as published, in seconds since 1970."""
        ...

    def tone(self, number: int) -> float | None: ...


class Condition(ABC):
    @abstractmethod
    def of(self, batch: Batch, within: Bits) -> Bits:
        """Return those of `within` that fulfil this."""

    def places(self) -> Iterator[Place]:
        """Yield all places that a batch has to know of for this."""
        return iter(())

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        """Return places of which each article that fulfils this has at least one, rare ones if possible.

        None when there are no such places: any article may fulfil it.
        """
        return None


@dataclass(frozen=True, slots=True)
class Anything(Condition):
    def of(self, batch: Batch, within: Bits) -> Bits:
        return within


@dataclass(frozen=True, slots=True)
class Nothing(Condition):
    def of(self, batch: Batch, within: Bits) -> Bits:
        return 0

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        return ()


@dataclass(frozen=True, slots=True)
class Has(Condition):
    """One of the keys is in the column."""

    column: str
    keys: tuple[Key, ...]

    def of(self, batch: Batch, within: Bits) -> Bits:
        held = batch.held[self.column]
        found = 0
        for key in self.keys:
            found |= held.get(key, 0)
        return found & within

    def places(self) -> Iterator[Place]:
        return ((self.column, key) for key in self.keys)

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        return tuple(self.places())


@dataclass(frozen=True, slots=True)
class InOrder(Condition):
    """Words one after another; with `begins` the last is only a beginning. TEXT is title or body."""

    column: str
    words: tuple[str, ...]
    keys: tuple[Key, ...]
    slop: int = 0
    begins: bool = False

    @classmethod
    def of_words(cls, column: str, words: Sequence[str], *, slop: int = 0, begins: bool = False) -> InOrder:
        *first, last = words
        keys = [WORD + word for word in first] + [(PREFIX if begins else WORD) + last]
        return cls(column, tuple(words), tuple(dict.fromkeys(keys)), slop, begins)

    def of(self, batch: Batch, within: Bits) -> Bits:
        held = batch.held[self.column]
        for key in self.keys:
            within &= held.get(key, 0)
            if not within:
                return 0
        return self._near(batch, within) if self.slop else self._next(batch, within)

    def _next(self, batch: Batch, within: Bits) -> Bits:
        phrase = f" {' '.join(self.words)}{'' if self.begins else ' '}".encode()
        found = 0
        for number in numbers(within):
            if phrase in batch.words(number, self.column):
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

    def places(self) -> Iterator[Place]:
        return ((self.column, key) for key in self.keys)

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        return (min(self.places(), key=frequency),)


@dataclass(frozen=True, slots=True)
class Published(Condition):
    """Both bounds are seconds since 1970, `first` included and `end` not; None is open."""

    first: int | None
    end: int | None

    def of(self, batch: Batch, within: Bits) -> Bits:
        found = 0
        for number in numbers(within):
            second = batch.second(number)
            if (self.first is None or second >= self.first) and (self.end is None or second < self.end):
                found |= 1 << number
        return found


@dataclass(frozen=True, slots=True)
class Tone(Condition):
    """Bounds are places in the order that the index has numbers in, where −0 is below 0."""

    lower: int | None
    upper: int | None

    def of(self, batch: Batch, within: Bits) -> Bits:
        found = 0
        for number in numbers(within):
            tone = batch.tone(number)
            if tone is None:
                continue
            place = place_of_number(tone)
            if (self.lower is None or place >= self.lower) and (self.upper is None or place <= self.upper):
                found |= 1 << number
        return found


@dataclass(frozen=True, slots=True)
class All(Condition):
    """Every key of `held`, every condition of `required`, none of `excluded`."""

    held: tuple[Place, ...]
    required: tuple[Condition, ...]
    excluded: tuple[Condition, ...]

    @classmethod
    def of_conditions(cls, required: Iterable[Condition], excluded: Iterable[Condition]) -> All:
        # Single keys first, without a call for each: most searches are a few words.
        held: list[Place] = []
        others: list[Condition] = []
        for one in required:
            if isinstance(one, Has) and len(one.keys) == 1:
                held.append((one.column, one.keys[0]))
            else:
                others.append(one)
        return cls(tuple(dict.fromkeys(held)), tuple(others), tuple(excluded))

    def of(self, batch: Batch, within: Bits) -> Bits:
        held = batch.held
        for column, key in self.held:
            within &= held[column].get(key, 0)
            if not within:
                return 0
        for condition in self.required:
            within = condition.of(batch, within)
            if not within:
                return 0
        for condition in self.excluded:
            within &= ~condition.of(batch, within)
            if not within:
                return 0
        return within

    def places(self) -> Iterator[Place]:
        yield from self.held
        yield from _places(self.required + self.excluded)

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        possible: list[tuple[Place, ...]] = [(place,) for place in self.held]
        possible += [found for one in self.required if (found := one.anchors(frequency)) is not None]
        return min(possible, key=lambda anchors: sum(map(frequency, anchors)), default=None)


@dataclass(frozen=True, slots=True)
class Any(Condition):
    conditions: tuple[Condition, ...]

    @classmethod
    def of_conditions(cls, conditions: Iterable[Condition]) -> Condition:
        """Return one condition; keys of one column, of which any will do, become one."""
        keys: dict[str, dict[Key, None]] = {}
        others: list[Condition] = []
        for one in conditions:
            if isinstance(one, Has):
                keys.setdefault(one.column, {}).update(dict.fromkeys(one.keys))
            else:
                others.append(one)
        joined = [*(Has(column, tuple(found)) for column, found in keys.items()), *others]
        return joined[0] if len(joined) == 1 else cls(tuple(joined))

    def of(self, batch: Batch, within: Bits) -> Bits:
        found = 0
        for condition in self.conditions:
            found |= condition.of(batch, within & ~found)
            if found == within:
                break
        return found

    def places(self) -> Iterator[Place]:
        return _places(self.conditions)

    def anchors(self, frequency: Frequency) -> tuple[Place, ...] | None:
        found: list[Place] = []
        for condition in self.conditions:
            anchors = condition.anchors(frequency)
            if anchors is None:
                return None
            found += anchors
        return tuple(dict.fromkeys(found))


def _places(conditions: Iterable[Condition]) -> Iterator[Place]:
    for condition in conditions:
        yield from condition.places()


def numbers(bits: Bits) -> Iterator[int]:
    """Yield the numbers of the bits that are set."""
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def place_of_number(value: float) -> int:
    """Return a whole number that is ordered as Tantivy orders this one: by its bits, so −0.0 before 0.0."""
    bits = int(struct.unpack("<q", struct.pack("<d", value))[0])
    return bits if bits >= 0 else -(bits & 0x7FFF_FFFF_FFFF_FFFF) - 1
