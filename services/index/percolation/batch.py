"""One batch of articles, read once for all saved searches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from services.index.engine.documents import effective_published_at, seconds_of
from services.index.percolation.codes import Codes, PackedAnswers, bits_of
from services.index.percolation.columns import BODY, TEXT, TITLE, WORD_COLUMNS, Item, Items, has_tone
from services.index.percolation.conditions import AnyOf, Bits
from services.index.percolation.surfaces import GAP, single_spaced, surface_text, word_text
from shared.events import ArticleEnriched


class ArticleBatch:
    """See `conditions.Batch`. What only a few searches need is worked out when one asks for it."""

    def __init__(self, events: Sequence[ArticleEnriched], codes: Codes) -> None:
        self.events = events
        self._codes = codes
        self._surfaces: dict[tuple[int, str], bytes] = {}
        self._words: dict[tuple[int, str], bytes] = {}
        self._positions: dict[tuple[int, str], dict[bytes, list[int]]] = {}
        self._items: dict[Items, list[Collection[Item]]] = {}

    @cached_property
    def answers(self) -> PackedAnswers:
        """By code, which articles answer to it: a row of bits."""
        return self._codes.answers(self)

    def holding(self, places: AnyOf) -> Bits:
        return bits_of(self.answers[self._codes[places]])

    @cached_property
    def _titles(self) -> list[bytes]:
        return [surface_text(event.article.title) for event in self.events]

    @cached_property
    def _bodies(self) -> list[bytes]:
        return [surface_text(event.article.body) for event in self.events]

    def texts(self, column: str) -> Sequence[bytes]:
        """See `readers.Batch`."""
        if column == TITLE:
            return self._titles
        if column == BODY:
            return self._bodies
        # The gap keeps the last word of a title from being next to the first of its body.
        return [b"%b \0 %b" % pair for pair in zip(self._titles, self._bodies, strict=True)]

    def items(self, items_of: Items) -> Sequence[Collection[Item]]:
        """See `readers.Batch`."""
        if items_of not in self._items:
            self._items[items_of] = [items_of(event) for event in self.events]
        return self._items[items_of]

    def _values(self, number: int, column: str) -> list[bytes]:
        if column == TEXT:
            return [self._titles[number], self._bodies[number]]
        if column in (TITLE, BODY):
            return [self.texts(column)[number]]
        items, values_of = WORD_COLUMNS[column]
        return [surface_text(value) for item in items(self.events[number]) for value in values_of(item)]

    def surfaces(self, number: int, column: str) -> bytes:
        found = self._surfaces.get((number, column))
        if found is None:
            text = b" %b " % (b" %b " % GAP).join(self._values(number, column))
            found = self._surfaces[number, column] = single_spaced(text)
        return found

    def words(self, number: int, column: str) -> bytes:
        found = self._words.get((number, column))
        if found is None:
            found = self._words[number, column] = word_text(self._values(number, column))
        return found

    def positions(self, number: int, column: str) -> Mapping[bytes, Sequence[int]]:
        found = self._positions.get((number, column))
        if found is None:
            found = self._positions[number, column] = defaultdict(list)
            for at, word in enumerate(self.words(number, column).split()):
                found[word].append(at)
        return found

    def second(self, number: int) -> int:
        return seconds_of(effective_published_at(self.events[number].article))

    def tone(self, number: int) -> float | None:
        article = self.events[number].article
        return article.sentiment.score if has_tone(article) else None
