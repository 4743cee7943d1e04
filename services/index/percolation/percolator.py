"""Finds which of many saved searches match new articles, with the answers of the search engine.

Searches are known by what they cannot match without (`Condition.anchors`): only those with an anchor in the
batch are looked at, each once for the whole batch. Pure: no clock, no files, no network.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.index.engine.protocol import Filters
from services.index.percolation.batch import ArticleBatch
from services.index.percolation.compiling import condition_of
from services.index.percolation.conditions import Bits, Condition, Frequency, Has, Place
from services.index.percolation.lookup import Lookup
from services.index.percolation.vocabulary import FUZZY, PREFIX, Key
from services.index.query.nodes import Node
from shared.events import ArticleEnriched

# Answers are numbers with a bit for each article: past some hundred, sums on them are not free any more.
LARGEST_BATCH = 512
Match = tuple[str, ArticleEnriched]
NO_FILTERS = Filters()
_OPEN_KINDS = frozenset({PREFIX, *FUZZY})
_SHARED_VALUES = {"language": 1.0, "sentiment": 0.5, "topic_key": 0.2, "source_key": 0.05}


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """`decided` tells that what has an anchor matches, without further question."""

    search_id: str
    condition: Condition
    places: tuple[Place, ...]
    anchors: tuple[Place, ...] | None
    decided: bool
    one_anchor: bool


def rareness(place: Place) -> float:
    """Return a guess at how frequent a place is, for who knows nothing of the articles.

    Long words are rarer than short ones, beginnings and near words match several, and of whole values those
    that many articles share come last.
    """
    column, key = place
    if column in _SHARED_VALUES:
        return _SHARED_VALUES[column]
    length = len(key) - 1
    return 2.0 ** -min(length, 12) * (4.0 if key[0] in _OPEN_KINDS else 1.0)


class Percolator:
    """Holds saved searches; any thread may add, remove and match at any time.

    A search that is put or removed while a batch is being matched is seen by that batch or not.
    """

    def __init__(self, frequency: Frequency = rareness) -> None:
        """`frequency` tells of a place in how many articles it is, more or less; only the order counts."""
        self._frequency = frequency
        self._lock = threading.Lock()
        self._lookup = Lookup()
        self._searches: dict[str, _Search] = {}
        self._anchored: dict[str, dict[Key, dict[str, _Search]]] = defaultdict(lambda: defaultdict(dict))
        self._unanchored: dict[str, _Search] = {}

    def __len__(self) -> int:
        return len(self._searches)

    def put(self, search_id: str, node: Node, filters: Filters = NO_FILTERS) -> None:
        """Add a search, or replace the one with this id."""
        condition = condition_of(node, filters)
        anchors = condition.anchors(self._frequency)
        search = _Search(
            search_id,
            condition,
            places=tuple(dict.fromkeys(condition.places())),
            anchors=anchors,
            decided=isinstance(condition, Has),
            one_anchor=anchors is not None and len(anchors) == 1,
        )
        with self._lock:
            self._remove(search_id)
            self._searches[search_id] = search
            self._lookup.add(search.places)
            for index in self._indexes(search):
                index[search_id] = search

    def remove(self, search_id: str) -> None:
        """Forget a search; it need not be there."""
        with self._lock:
            self._remove(search_id)

    def _remove(self, search_id: str) -> None:
        search = self._searches.pop(search_id, None)
        if search is None:
            return
        self._lookup.discard(search.places)
        for index in self._indexes(search):
            del index[search_id]
        for column, key in search.anchors or ():
            if not self._anchored[column][key]:
                del self._anchored[column][key]
            if not self._anchored[column]:
                del self._anchored[column]

    def _indexes(self, search: _Search) -> Iterator[dict[str, _Search]]:
        if search.anchors is None:
            yield self._unanchored
        for column, key in search.anchors or ():
            yield self._anchored[column][key]

    def match(self, events: Sequence[ArticleEnriched]) -> list[Match]:
        """Return (search id, event) for each search that matches an event, in no particular order."""
        found: list[Match] = []
        for start in range(0, len(events), LARGEST_BATCH):
            found += self._match(ArticleBatch(events[start : start + LARGEST_BATCH]))
        return found

    def _match(self, batch: ArticleBatch) -> list[Match]:
        with self._lock:
            if not self._searches:
                return []
            self._lookup.hold(batch)
            candidates = self._candidates(batch)
        found: list[Match] = []
        events = batch.events
        for search, within in candidates:
            matching = within if search.decided else search.condition.of(batch, within)
            while matching:  # as `numbers` does, which as a generator would take twice as long
                lowest = matching & -matching
                found.append((search.search_id, events[lowest.bit_length() - 1]))
                matching ^= lowest
        return found

    def _candidates(self, batch: ArticleBatch) -> list[tuple[_Search, Bits]]:
        """Return the searches that may match, each with the articles that may match it."""
        candidates = [(search, batch.everything) for search in self._unanchored.values()]
        several: dict[_Search, Bits] = {}
        for column, anchored in self._anchored.items():
            held = batch.held[column]
            for key in held.keys() & anchored.keys():
                bits = held[key]
                for search in anchored[key].values():
                    if search.one_anchor:
                        candidates.append((search, bits))
                    else:
                        several[search] = several.get(search, 0) | bits
        return [*candidates, *several.items()]
