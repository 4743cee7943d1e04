"""One batch of articles, read once for all saved searches."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from services.index.engine.documents import effective_published_at, seconds_of
from services.index.percolation.columns import TEXT, TITLE, WORD_COLUMNS, has_tone
from services.index.percolation.conditions import Bits, Place
from services.index.percolation.surfaces import Surface, surfaces, word_sequence
from services.index.percolation.vocabulary import Key
from shared.events import ArticleEnriched


class ArticleBatch:
    """See `conditions.Batch`. What only a few searches need is worked out when one asks for it."""

    def __init__(self, events: Sequence[ArticleEnriched]) -> None:
        self.events = events
        self._held: dict[str, dict[Key, Bits]] = {}
        self._sequences: dict[tuple[int, str], _Sequence] = {}

    @property
    def everything(self) -> Bits:
        return (1 << len(self.events)) - 1

    def surfaces(self, column: str) -> list[set[Surface]]:
        """Return the surfaces of each article in a column of running text."""
        return (
            self._surfaces_of_text
            if column == TEXT
            else [
                set(surfaces(event.article.title if column == TITLE else event.article.body))
                for event in self.events
            ]
        )

    @cached_property
    def _surfaces_of_text(self) -> list[set[Surface]]:
        return [set(surfaces(f"{event.article.title}\n{event.article.body}")) for event in self.events]

    def hold(self, column: str, held: dict[Key, Bits]) -> None:
        self._held[column] = held

    def held(self, column: str) -> dict[Key, Bits]:
        return self._held.get(column, {})

    def holding(self, place: Place) -> Bits:
        column, key = place
        return self._held[column].get(key, 0)

    def words(self, number: int, column: str) -> str:
        return self._sequence(number, column).joined

    def positions(self, number: int, column: str, word: str) -> Sequence[int]:
        return self._sequence(number, column).positions.get(word, ())

    def _sequence(self, number: int, column: str) -> _Sequence:
        found = self._sequences.get((number, column))
        if found is None:
            values = WORD_COLUMNS[column](self.events[number])
            found = self._sequences[number, column] = _Sequence(word_sequence(values))
        return found

    def second(self, number: int) -> int:
        return seconds_of(effective_published_at(self.events[number].article))

    def tone(self, number: int) -> float | None:
        article = self.events[number].article
        return article.sentiment.score if has_tone(article) else None


class _Sequence:
    def __init__(self, words: list[str]) -> None:
        self._words = words

    @cached_property
    def joined(self) -> str:
        return f" {' '.join(self._words)} "

    @cached_property
    def positions(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for at, word in enumerate(self._words):
            positions.setdefault(word, []).append(at)
        return positions
