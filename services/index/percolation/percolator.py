"""Finds which of many saved searches match new articles, with the answers of the search engine.

A batch is read once into answers: for each thing that some search looks for, a number with a bit for each
article that has it. A search then is a few such numbers, and what they have in common. Pure: no clock, no
files, no network.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any

from services.index.engine.protocol import Filters
from services.index.percolation.batch import ArticleBatch
from services.index.percolation.codes import EVERYTHING, Codes
from services.index.percolation.compiling import condition_of
from services.index.percolation.conditions import AnyOf, Condition
from services.index.percolation.readers import Bits
from services.index.percolation.vocabulary import Code
from services.index.query.nodes import Node
from shared.events import ArticleEnriched

# Answers are numbers with a bit for each article: past some hundred, sums on them are not free any more.
LARGEST_BATCH = 512
NO_FILTERS = Filters()
Match = tuple[str, ArticleEnriched]


@dataclass(frozen=True, slots=True)
class _Search:
    """An article that answers to all `codes` and fulfils `rest` matches. `uses` is what it needs codes of."""

    search_id: str
    rest: Condition | None
    codes: tuple[Code, ...]
    uses: tuple[AnyOf, ...]


# The search's id, its rest, and its codes.
_Entry = tuple[Any, ...]


class Percolator:
    """Holds saved searches. Any thread may put, remove and match at any time; only matches wait for another.

    A batch is matched against the searches that were there when its turn came.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._changes: list[tuple[str, Condition | None]] = []
        self._changing = threading.Lock()
        # What follows belongs to whoever matches.
        self._matching = threading.Lock()
        self._codes = Codes()
        self._searches: dict[str, _Search] = {}
        self._by_size: defaultdict[int, dict[str, _Entry]] = defaultdict(dict)

    def __len__(self) -> int:
        with self._changing:
            return len(self._ids)

    def put(self, search_id: str, node: Node, filters: Filters = NO_FILTERS) -> None:
        """Add a search, or replace the one with this id."""
        condition = condition_of(node, filters)
        with self._changing:
            self._ids.add(search_id)
            self._changes.append((search_id, condition))

    def remove(self, search_id: str) -> None:
        """Forget a search; it need not be there."""
        with self._changing:
            self._ids.discard(search_id)
            self._changes.append((search_id, None))

    def match(self, events: Sequence[ArticleEnriched]) -> list[Match]:
        """Return (search id, event) for each search that matches an event, in no particular order."""
        found: list[Match] = []
        with self._matching:
            self._catch_up()
            if self._searches:
                for start in range(0, len(events), LARGEST_BATCH):
                    found += self._match(ArticleBatch(events[start : start + LARGEST_BATCH], self._codes))
        return found

    def _catch_up(self) -> None:
        with self._changing:
            changes, self._changes = self._changes, []
        for search_id, condition in changes:
            self._drop(search_id)
            if condition is not None:
                self._keep(search_id, condition)

    def _keep(self, search_id: str, condition: Condition) -> None:
        rest = condition.rest()
        needs = condition.needs()
        asked = () if rest is None else tuple((place,) for place in dict.fromkeys(rest.places()))
        codes = tuple(dict.fromkeys(map(self._codes.use, needs))) or (EVERYTHING,)
        for places in asked:
            self._codes.use(places)
        self._searches[search_id] = _Search(search_id, rest, codes, needs + asked)
        self._by_size[len(codes)][search_id] = (search_id, rest, *codes)

    def _drop(self, search_id: str) -> None:
        search = self._searches.pop(search_id, None)
        if search is None:
            return
        del self._by_size[len(search.codes)][search_id]
        for places in search.uses:
            self._codes.release(places)

    def _match(self, batch: ArticleBatch) -> list[Match]:
        found: list[Match] = []
        events = batch.events
        for search_id, rest, within in self._possible(batch.answers):
            matching = within if rest is None else rest.of(batch, within)
            while matching:  # as `numbers` does, which as a generator would take twice as long
                lowest = matching & -matching
                found.append((search_id, events[lowest.bit_length() - 1]))
                matching ^= lowest
        return found

    def _possible(self, answers: list[Bits]) -> list[tuple[str, Condition | None, Bits]]:
        """Return the searches whose needs some articles meet, with those articles.

        The one step that looks at every search. Most are one to three words, and for these a comprehension
        takes 0.1 µs each, less than it would to find out which of them to look at.
        """
        entries = self._by_size
        possible = [
            (search_id, rest, bits) for search_id, rest, a in entries[1].values() if (bits := answers[a])
        ]
        possible += [
            (search_id, rest, bits)
            for search_id, rest, a, b in entries[2].values()
            if (bits := answers[a] & answers[b])
        ]
        possible += [
            (search_id, rest, bits)
            for search_id, rest, a, b, c in entries[3].values()
            if (bits := answers[a] & answers[b] & answers[c])
        ]
        for size in entries.keys() - {1, 2, 3}:
            for search_id, rest, *codes in entries[size].values():
                if bits := reduce(and_, map(answers.__getitem__, codes)):
                    possible.append((search_id, rest, bits))
        return possible
