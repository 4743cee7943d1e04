"""Which code each thing that is looked for has, as long as some search needs it."""

from __future__ import annotations

from collections import defaultdict
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from services.index.percolation.conditions import AnyOf, Bits
from services.index.percolation.readers import Answers, Batch, Reader, reader_of
from services.index.percolation.vocabulary import Code

# By code, a bit for each article.
PackedAnswers: TypeAlias = NDArray[np.uint8]
# What every article answers to, and what none does.
EVERYTHING: Code = 0
NOTHING: Code = 1


class Codes:
    """Counts uses: `use` and `release` come in pairs. Not thread-safe."""

    def __init__(self) -> None:
        self._code_of: dict[AnyOf, Code] = {}
        self._uses: dict[AnyOf, int] = {}
        self._several: dict[Code, list[Code]] = {}
        self._tables: list[tuple[NDArray[np.int32], NDArray[np.int32]]] | None = None
        self._readers: dict[str, Reader] = {}
        self._free: list[Code] = []
        self._size = NOTHING + 1

    def use(self, places: AnyOf) -> Code:
        """Return the code of what answers to any of `places`."""
        if places not in self._uses:
            self._code_of[places] = self._begin(places)
            self._uses[places] = 0
        self._uses[places] += 1
        return self._code_of[places]

    def _begin(self, places: AnyOf) -> Code:
        code = self._free.pop() if self._free else self._size
        self._size = max(self._size, code + 1)
        if len(places) == 1:
            column, key = places[0]
            if column not in self._readers:
                self._readers[column] = reader_of(column)
            self._readers[column].add(key, code)
        else:
            self._several[code] = [self.use((place,)) for place in places]
            self._tables = None
        return code

    def release(self, places: AnyOf) -> None:
        self._uses[places] -= 1
        if self._uses[places]:
            return
        del self._uses[places]
        code = self._code_of.pop(places)
        self._free.append(code)
        if len(places) == 1:
            column, key = places[0]
            self._readers[column].discard(key)
            if not self._readers[column]:
                del self._readers[column]
        else:
            del self._several[code]
            self._tables = None
            for place in places:
                self.release((place,))

    def __getitem__(self, places: AnyOf) -> Code:
        return self._code_of[places]

    def answers(self, batch: Batch) -> PackedAnswers:
        """Return by code which articles of the batch answer to it."""
        answers: Answers = np.zeros((self._size, len(batch.events)), np.bool_)
        answers[EVERYTHING] = True
        for reader in self._readers.values():
            reader.read(batch, answers)
        packed = np.packbits(answers, axis=1, bitorder="little")
        for codes, members in self._several_by_size():
            packed[codes] = np.bitwise_or.reduce([packed[column] for column in members.T])
        return packed

    def _several_by_size(self) -> list[tuple[NDArray[np.int32], NDArray[np.int32]]]:
        """Return codes of several places, and the codes of these, in one table for each number of them."""
        if self._tables is None:
            by_size: defaultdict[int, list[Code]] = defaultdict(list)
            for code, members in self._several.items():
                by_size[len(members)].append(code)
            self._tables = [
                (np.array(codes, np.int32), np.array([self._several[code] for code in codes], np.int32))
                for size, codes in by_size.items()
                if size
            ]
        return self._tables


def bits_of(row: NDArray[np.uint8]) -> Bits:
    """Return a row of packed answers as one number."""
    return int.from_bytes(row.tobytes(), "little")
