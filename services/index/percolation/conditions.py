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
from functools import reduce
from operator import or_
from typing import Protocol, TypeAlias

from services.index.percolation.columns import BODY, TEXT, TEXT_COLUMNS, TITLE
from services.index.percolation.phrases import with_slop
from services.index.percolation.vocabulary import NEXT, PREFIX, VOID, WITHIN, WORD, Key

Bits: TypeAlias = int
# Where to look, and what for.
Place = tuple[str, Key]
AnyOf = tuple[Place, ...]


class Batch(Protocol):
    """What conditions ask of a batch; articles are named by their number in it."""

    def holding(self, place: Place) -> Bits:
        """Return which articles answer to a place that some condition of a search told of."""
        ...

    def words(self, number: int, column: str) -> bytes:
        """Return the words of a column in order with a space around each; TEXT is title, gap, body."""
        ...

    def surfaces(self, number: int, column: str) -> bytes:
        """Return a column as `words`, but its surfaces instead of the words of those that are none."""
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

    def needs(self) -> tuple[AnyOf, ...]:
        """Return places of which an article needs one from each tuple to fulfil this."""
        return ()

    def rest(self) -> Condition | None:
        """Return what is left to ask of articles that have what this needs; None if that is all."""
        return self

    def doubt(self) -> AnyOf | None:
        """Return places without which an article fulfils `rest`; None if any has to be asked."""
        return None

    def places(self) -> Iterator[Place]:
        """Yield the places that `of` asks a batch about."""
        return iter(())


@dataclass(frozen=True, slots=True)
class Anything(Condition):
    def of(self, batch: Batch, within: Bits) -> Bits:
        return within

    def rest(self) -> Condition | None:
        return None


@dataclass(frozen=True, slots=True)
class Nothing(Condition):
    def of(self, batch: Batch, within: Bits) -> Bits:
        return 0


@dataclass(frozen=True, slots=True)
class Has(Condition):
    """One of the keys is in the column."""

    column: str
    keys: tuple[Key, ...]

    def of(self, batch: Batch, within: Bits) -> Bits:
        found = 0
        for place in self.places():
            found |= batch.holding(place)
        return found & within

    def needs(self) -> tuple[AnyOf, ...]:
        return (tuple(self.places()),)

    def rest(self) -> Condition | None:
        return None

    def places(self) -> Iterator[Place]:
        return ((self.column, key) for key in self.keys)


@dataclass(frozen=True, slots=True)
class InOrder(Condition):
    """Words one after another; with `begins` the last is only a beginning. TEXT is title or body."""

    column: str
    words: tuple[str, ...]
    keys: tuple[Key, ...]
    # Of two words that have to be next to each other, where either they are or it takes a closer look.
    pairs: tuple[AnyOf, ...] = ()
    slop: int = 0
    begins: bool = False

    @classmethod
    def of_words(cls, column: str, words: Sequence[str], *, slop: int = 0, begins: bool = False) -> InOrder:
        *first, last = words
        keys = [WORD + word for word in first] + [(PREFIX if begins else WORD) + last]
        pairs: list[AnyOf] = []
        if column in TEXT_COLUMNS and not slop:
            for one, other in zip(words, first[1:] if begins else words[1:], strict=False):
                pair = [NEXT + f"{one} {other}"] if one.isascii() and other.isascii() else []
                odd = [WITHIN + one, WITHIN + other, VOID]
                pairs.append(tuple((column, key) for key in dict.fromkeys(pair + odd)))
        return cls(
            column, tuple(words), tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(pairs)), slop, begins
        )

    def of(self, batch: Batch, within: Bits) -> Bits:
        for need in self.needs():
            within &= reduce(or_, map(batch.holding, need))
        return self.of_meeting(batch, within)

    def of_meeting(self, batch: Batch, within: Bits) -> Bits:
        """Return those of `within` that fulfil this, all of which have what it needs."""
        if self.slop:
            return self._near(batch, within)
        odd = within if self.begins or self.column not in TEXT_COLUMNS else self._odd(batch, within)
        found = self._next(batch.words, odd)
        if within == odd:
            return found
        if len(self.words) == 2:
            return found | within & ~odd
        return found | self._next(batch.surfaces, within & ~odd)

    def _odd(self, batch: Batch, within: Bits) -> Bits:
        """Return those where a surface that is not a word may come into it.

        The words of others are surfaces, and next to each other if these are: what they need says that any
        two that follow one another do so somewhere.
        """
        odd = 0
        for pair in self.pairs:
            if pair[0][1][0] != NEXT:
                return within
            for place in pair[1:]:
                odd |= batch.holding(place)
        return odd & within

    def needs(self) -> tuple[AnyOf, ...]:
        return tuple(((self.column, key),) for key in self.keys) + self.pairs

    def rest(self) -> Condition | None:
        return _Meeting(self)

    def doubt(self) -> AnyOf | None:
        """Two surfaces of one word each are next to each other where the words are."""
        if len(self.words) == 2 and self.pairs and self.pairs[0][0][1][0] == NEXT:
            return self.pairs[0][1:]
        return None

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

    def places(self) -> Iterator[Place]:
        return (place for need in self.needs() for place in need)


@dataclass(frozen=True, slots=True)
class _Meeting(Condition):
    """Words in order, of articles that have all that this needs."""

    words: InOrder

    def of(self, batch: Batch, within: Bits) -> Bits:
        return self.words.of_meeting(batch, within)

    def places(self) -> Iterator[Place]:
        return self.words.places()


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
    """All of `required` and none of `excluded`."""

    required: tuple[Condition, ...]
    excluded: tuple[Condition, ...] = ()

    def of(self, batch: Batch, within: Bits) -> Bits:
        for condition in self.required:
            within = condition.of(batch, within)
            if not within:
                return 0
        for condition in self.excluded:
            within &= ~condition.of(batch, within)
            if not within:
                return 0
        return within

    def needs(self) -> tuple[AnyOf, ...]:
        return tuple(dict.fromkeys(need for condition in self.required for need in condition.needs()))

    def rest(self) -> Condition | None:
        rests = tuple(rest for condition in self.required if (rest := condition.rest()) is not None)
        if self.excluded:
            return All(rests, self.excluded)
        return All(rests) if len(rests) > 1 else rests[0] if rests else None

    def doubt(self) -> AnyOf | None:
        asking = [condition for condition in self.required if condition.rest() is not None]
        return asking[0].doubt() if len(asking) == 1 and not self.excluded else None

    def places(self) -> Iterator[Place]:
        for condition in self.required + self.excluded:
            yield from condition.places()


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

    def needs(self) -> tuple[AnyOf, ...]:
        found: list[Place] = []
        for condition in self.conditions:
            needs = condition.needs()
            if not needs:
                return ()
            found += sorted(needs, key=_shortest)[-1]
        return (tuple(dict.fromkeys(found)),)

    def places(self) -> Iterator[Place]:
        for condition in self.conditions:
            yield from condition.places()


def _shortest(places: AnyOf) -> int:
    """Return the length of the shortest key: the longer a word, the fewer articles have it."""
    return min((len(key) for _, key in places), default=0)


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
