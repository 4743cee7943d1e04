"""One batch of articles, read once for all saved searches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from services.index.engine.documents import effective_published_at, seconds_of
from services.index.percolation.codes import Codes
from services.index.percolation.columns import BODY, TEXT, TITLE, WORD_COLUMNS, has_tone
from services.index.percolation.conditions import Place
from services.index.percolation.readers import Bits
from services.index.percolation.surfaces import Surface, surfaces, word_text
from shared.events import ArticleEnriched


class ArticleBatch:
    """See `conditions.Batch`. What only a few searches need is worked out when one asks for it."""

    def __init__(self, events: Sequence[ArticleEnriched], codes: Codes) -> None:
        self.events = events
        self._codes = codes
        self._words: dict[tuple[int, str], bytes] = {}
        self._positions: dict[tuple[int, str], dict[bytes, list[int]]] = {}

    @cached_property
    def answers(self) -> list[Bits]:
        """By code, which articles answer to it."""
        return self._codes.answers(self)

    def holding(self, place: Place) -> Bits:
        return self.answers[self._codes[place]]

    @cached_property
    def _titles(self) -> list[list[Surface]]:
        return [surfaces(event.article.title) for event in self.events]

    @cached_property
    def _bodies(self) -> list[list[Surface]]:
        return [surfaces(event.article.body) for event in self.events]

    def surfaces(self, column: str) -> list[list[Surface]]:
        """Return what each article holds in a column of running text."""
        if column == TITLE:
            return self._titles
        if column == BODY:
            return self._bodies
        return [title + body for title, body in zip(self._titles, self._bodies, strict=True)]

    def _pieces(self, number: int, column: str) -> list[list[Surface]]:
        if column == TEXT:
            return [self._titles[number], self._bodies[number]]
        if column in (TITLE, BODY):
            return [(self._titles if column == TITLE else self._bodies)[number]]
        items, values_of = WORD_COLUMNS[column]
        return [surfaces(value) for item in items(self.events[number]) for value in values_of(item)]

    def words(self, number: int, column: str) -> bytes:
        found = self._words.get((number, column))
        if found is None:
            found = self._words[number, column] = word_text(self._pieces(number, column))
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
