"""Finds which of many saved searches match new articles, with the answers of the search engine.

A batch is read once into answers: for each thing that some search looks for, a number with a bit for each
article that has it. A search then is a few such numbers, and what they have in common. Pure: no clock, no
files, no network.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from services.index.engine.protocol import Filters
from services.index.percolation.batch import ArticleBatch
from services.index.percolation.codes import EVERYTHING, NOTHING, Codes, bits_of
from services.index.percolation.compiling import condition_of
from services.index.percolation.conditions import Condition, numbers
from services.index.percolation.plans import Plan, Search
from services.index.query.nodes import Node
from shared.events import ArticleEnriched

# Answers are numbers with a bit for each article: past some hundred, sums on them are not free any more.
LARGEST_BATCH = 512
# Some copies of a batch's texts are held while it is matched.
LARGEST_TEXT_CHARS = 4_000_000
NO_FILTERS = Filters()
Match = tuple[str, ArticleEnriched]


class Percolator:
    """Holds saved searches. Any thread may put, remove and match at any time; only matches wait for another.

    A batch is matched against the searches that were there when its turn came.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._changes: dict[str, Condition | None] = {}
        self._changing = threading.Lock()
        # What follows belongs to whoever matches.
        self._matching = threading.Lock()
        self._codes = Codes()
        self._searches: dict[str, Search] = {}
        self._plans: dict[int, Plan] = {}

    def __len__(self) -> int:
        with self._changing:
            return len(self._ids)

    def put(self, search_id: str, node: Node, filters: Filters = NO_FILTERS) -> None:
        """Add a search, or replace the one with this id."""
        condition = condition_of(node, filters)
        with self._changing:
            self._ids.add(search_id)
            self._changes[search_id] = condition

    def remove(self, search_id: str) -> None:
        """Forget a search; it need not be there."""
        with self._changing:
            self._ids.discard(search_id)
            self._changes[search_id] = None

    def match(self, events: Sequence[ArticleEnriched]) -> list[Match]:
        """Return (search id, event) for each search that matches an event, in no particular order."""
        found: list[Match] = []
        with self._matching:
            self._catch_up()
            if self._searches:
                for part in _parts(events):
                    found += self._match(ArticleBatch(part, self._codes))
        return found

    def _catch_up(self) -> None:
        with self._changing:
            changes, self._changes = self._changes, {}
        for search_id, condition in changes.items():
            self._drop(search_id)
            if condition is not None:
                self._keep(search_id, condition)

    def _keep(self, search_id: str, condition: Condition) -> None:
        rest, uses, doubt = condition.rest(), [*condition.needs()], NOTHING
        codes = tuple(dict.fromkeys(map(self._codes.use, uses))) or (EVERYTHING,)
        if rest is not None:
            doubtful = condition.doubt()
            doubt = EVERYTHING if doubtful is None else self._codes.use(doubtful)
            asked = [*dict.fromkeys(rest.asks())]
            for places in asked:
                self._codes.use(places)
            uses += asked if doubtful is None else [doubtful, *asked]
        search = Search(search_id, rest, codes, doubt, tuple(uses))
        self._searches[search_id] = search
        if len(codes) not in self._plans:
            self._plans[len(codes)] = Plan(len(codes))
        self._plans[len(codes)].add(search)

    def _drop(self, search_id: str) -> None:
        search = self._searches.pop(search_id, None)
        if search is None:
            return
        self._plans[len(search.codes)].remove(search_id)
        for places in search.uses:
            self._codes.release(places)

    def _match(self, batch: ArticleBatch) -> list[Match]:
        found: list[Match] = []
        events = _objects(batch.events)
        for plan in self._plans.values():
            searches, rows, doubtful = plan.meeting(batch.answers)
            ids = _objects([search.search_id for search in searches])
            for number in np.flatnonzero(doubtful.any(axis=1)):
                search = searches[number]
                if search.rest is not None:
                    matching = search.rest.of(batch, bits_of(doubtful[number]))
                    found += [(search.search_id, batch.events[article]) for article in numbers(matching)]
            bits = np.unpackbits(rows & ~doubtful, axis=1, count=len(batch.events), bitorder="little")
            places, articles = np.nonzero(bits)
            found += zip(ids[places].tolist(), events[articles].tolist(), strict=True)
        return found


def _parts(events: Sequence[ArticleEnriched]) -> Iterator[list[ArticleEnriched]]:
    part: list[ArticleEnriched] = []
    chars = 0
    for event in events:
        if part and (len(part) == LARGEST_BATCH or chars > LARGEST_TEXT_CHARS):
            yield part
            part, chars = [], 0
        part.append(event)
        chars += len(event.article.body)
    if part:
        yield part


def _objects(values: Sequence[object]) -> NDArray[np.object_]:
    # Not np.array, which asks every value whether it is one itself.
    return np.fromiter(values, np.object_, len(values))
