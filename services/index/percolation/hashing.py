"""Words of a text as numbers, thousands at a time: hashes of what stands between spaces, and a table."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Hashes: TypeAlias = NDArray[np.uint64]
Numbers: TypeAlias = NDArray[np.int32]
Places: TypeAlias = NDArray[np.intp]

# Texts are read this many bytes at a time, so that what is made of them stays in the processor's cache.
WINDOW_BYTES = 1 << 17
UNKNOWN = -1
_SPACE = ord(" ")
_FIRST_SLOTS = 1 << 12
# A table this much larger than what it holds finds nearly all at the first look.
_ROOM = 6


class Tokens(NamedTuple):
    """Tokens of a text: data[starts[n]:ends[n]].

    A token that is longer than a window has the hash 0, as has none of the others but for a chance of 2^-64.
    """

    starts: Places
    hashes: Hashes
    ends: Places


class Hasher:
    """Hashes by a polynomial modulo 2^64: that of a token is the same wherever it stands.

    The multiplier is random, so that nobody can make up a word that is taken for another.
    """

    def __init__(self, multiplier: int | None = None) -> None:
        chosen = secrets.randbits(64) | 1 if multiplier is None else multiplier
        self._powers = _powers(chosen)
        self._inverses = _powers(pow(chosen, -1, 1 << 64))

    def tokens(self, data: bytes) -> Iterator[Tokens]:
        """Yield the tokens of `data`, which begins and ends with a space."""
        at, last = 0, len(data) - 1
        while at < last:
            end = data.rfind(b" ", at + 1, at + WINDOW_BYTES)
            if end < 0:
                end = data.find(b" ", at + 1)
                yield Tokens(np.array([at + 1]), np.zeros(1, np.uint64), np.array([end]))
            else:
                yield self._window(data, at, end)
            at = end

    def hash_of(self, token: bytes) -> int:
        """Return the hash of a token that is shorter than a window."""
        return int(self._window(b" %b " % token, 0, len(token) + 1)[1][0])

    def pairs(self, firsts: Hashes, seconds: Hashes) -> Hashes:
        """Return a hash of each two."""
        hashes: Hashes = firsts * self._inverses[1] + seconds
        return hashes

    def _window(self, data: bytes, at: int, end: int) -> Tokens:
        chars = np.frombuffer(data, np.uint8, count=end - at + 1, offset=at)
        spaces = chars == _SPACE
        edges = np.flatnonzero(spaces[1:] != spaces[:-1])
        starts, ends = edges[0::2] + 1, edges[1::2] + 1
        sums = np.cumsum(chars * self._powers[: len(chars)], dtype=np.uint64)
        hashes = (sums[ends - 1] - sums[starts - 1]) * self._inverses[starts]
        return Tokens(starts + at, hashes, ends + at)


def _powers(base: int) -> Hashes:
    powers = np.full(WINDOW_BYTES, base, np.uint64)
    powers[0] = 1
    return np.multiply.accumulate(powers)


class HashTable:
    """From hashes to numbers, by open addressing."""

    def __init__(self) -> None:
        self._held = 0
        self._resize(_FIRST_SLOTS)

    def __len__(self) -> int:
        return self._held

    def _resize(self, slots: int) -> None:
        self._shift = np.uint64(64 - (slots.bit_length() - 1))
        self._mask = slots - 1
        self._hashes: Hashes = np.zeros(slots, np.uint64)
        self._numbers: Numbers = np.zeros(slots, np.int32)

    def add(self, hashes: Hashes, numbers: Numbers) -> None:
        """Add hashes that are not there yet, each once."""
        self._held += len(hashes)
        slots = len(self._hashes)
        while self._held * _ROOM > slots:
            slots *= 2
        if slots > len(self._hashes):
            before, numbers_before = self._hashes, self._numbers
            there = np.flatnonzero(before)
            self._resize(slots)
            self._put(before[there], numbers_before[there])
        self._put(hashes, numbers)

    def _put(self, hashes: Hashes, numbers: Numbers) -> None:
        slots = (hashes >> self._shift).astype(np.intp)
        while len(slots):
            free = np.flatnonzero(self._hashes[slots] == 0)
            # Of several that want one slot, the first has it.
            wanted, first = np.unique(slots[free], return_index=True)
            placed = free[first]
            self._hashes[wanted] = hashes[placed]
            self._numbers[wanted] = numbers[placed]
            left = np.ones(len(slots), np.bool_)
            left[placed] = False
            slots, hashes, numbers = (slots[left] + 1) & self._mask, hashes[left], numbers[left]

    def numbers(self, hashes: Hashes) -> Numbers:
        """Return the number of each hash, UNKNOWN for those that were not added."""
        slots = (hashes >> self._shift).astype(np.intp)
        there = self._hashes[slots]
        numbers = np.where(there == hashes, self._numbers[slots], np.int32(UNKNOWN))
        open_ = np.flatnonzero((there != hashes) & (there != 0))
        while len(open_):
            slots[open_] = (slots[open_] + 1) & self._mask
            there = self._hashes[slots[open_]]
            equal = there == hashes[open_]
            numbers[open_[equal]] = self._numbers[slots[open_[equal]]]
            open_ = open_[~equal & (there != 0)]
        return numbers
