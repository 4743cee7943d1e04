"""The saved searches with an equal number of needs, side by side, to be asked all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.index.percolation.codes import PackedAnswers
from services.index.percolation.conditions import AnyOf, Condition
from services.index.percolation.vocabulary import Code


@dataclass(frozen=True, slots=True)
class Search:
    """An article that answers to all `codes` matches; one that answers to `doubt` too has to fulfil `rest`.

    `uses` is what the search needs codes of.
    """

    search_id: str
    rest: Condition | None
    codes: tuple[Code, ...]
    doubt: Code
    uses: tuple[AnyOf, ...]


class Plan:
    def __init__(self, needs: int) -> None:
        self._searches: list[Search] = []
        self._row_of: dict[str, int] = {}
        # Their codes, and last that of the doubt.
        self._codes: NDArray[np.int32] = np.zeros((64, needs + 1), np.int32)

    def add(self, search: Search) -> None:
        row = len(self._searches)
        if row == len(self._codes):
            self._codes = np.concatenate((self._codes, np.zeros_like(self._codes)))
        self._put(row, search)

    def _put(self, row: int, search: Search) -> None:
        self._searches[row : row + 1] = [search]
        self._row_of[search.search_id] = row
        self._codes[row] = *search.codes, search.doubt

    def remove(self, search_id: str) -> None:
        row = self._row_of.pop(search_id)
        last = self._searches.pop()
        if last.search_id != search_id:
            self._put(row, last)

    def meeting(self, answers: PackedAnswers) -> tuple[list[Search], PackedAnswers, PackedAnswers]:
        """Return the searches whose needs some article meets, for each which do, and which do in doubt."""
        first, *others, doubts = self._codes[: len(self._searches)].T
        found = answers[first]
        for codes in others:
            found &= answers[codes]
        some = np.flatnonzero(found.any(axis=1))
        return [self._searches[row] for row in some], found[some], found[some] & answers[doubts[some]]
