"""What a saved search asks of an article, as conditions that are answered for a whole batch at a time.

An answer is a number whose n-th bit tells of the n-th article of the batch, so that "and", "or" and "not" of
two answers are one operation for all articles. `within` are the articles that are still of interest: an
answer has no other bits.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from services.index.percolation.vocabulary import Key

Bits: TypeAlias = int
# Where to look, and what for.
Place = tuple[str, Key]
AnyOf = tuple[Place, ...]


class Batch(Protocol):
    """What conditions ask of a batch; articles are named by their number in it."""

    def holding(self, places: AnyOf) -> Bits:
        """Return which articles answer to any of places that some condition said it would ask about."""
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

    def asks(self) -> Iterator[AnyOf]:
        """Yield what `of` asks a batch about."""
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
        return within & batch.holding(self._places())

    def _places(self) -> AnyOf:
        return tuple((self.column, key) for key in self.keys)

    def needs(self) -> tuple[AnyOf, ...]:
        return (self._places(),)

    def rest(self) -> Condition | None:
        return None

    def asks(self) -> Iterator[AnyOf]:
        yield self._places()


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

    def asks(self) -> Iterator[AnyOf]:
        for condition in self.required + self.excluded:
            yield from condition.asks()


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

    def asks(self) -> Iterator[AnyOf]:
        for condition in self.conditions:
            yield from condition.asks()


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
