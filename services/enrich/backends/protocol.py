"""What a backend has to be: `load(options)`, `info()`, `process_batch(articles)`.

An entry point of the group `wireroom.entities`, `wireroom.sentiment` or `wireroom.related` names a callable
that takes BackendOptions and returns such a backend, ready for work: it is called once, at start-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from services.enrich.corpus.neighbours import Neighbours
from shared.events import Entity, EntitySentiment, Sentiment

if TYPE_CHECKING:
    from redis.asyncio import Redis

ENGLISH = frozenset({"en"})


@dataclass(frozen=True, slots=True)
class Info:
    """What every article says about what made a part of it.

    `languages` are the ISO 639-1 codes that the backend reads, None for all: it is never given others.
    """

    name: str
    version: str
    languages: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def reads(self, language: str) -> bool:
        """Tell whether to give it texts in a language; "und" is one that could not be determined."""
        return self.languages is None or language == "und" or language in self.languages


@dataclass(frozen=True, slots=True)
class BackendOptions:
    """What the settings say. `model` is a local path; nothing may be downloaded.

    `labels` maps the model's labels to ours, "" drops one; `directory` is where the models of enrich are.
    `redis` is there for related backends only.
    """

    model: Path | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    redis: Redis | None = None
    corpus_days: int = 14
    corpus_articles: int = 60_000


class ArticleText(NamedTuple):
    """A cleaned article. `entities` is empty until they are named; `at` is when it was published or received.

    `version` orders what is known of one article: the greater string wins.
    """

    id: str
    title: str
    body: str
    language: str
    at: datetime
    url: str | None = None
    entities: tuple[Entity, ...] = ()
    version: str = ""


class Tone(NamedTuple):
    """The tone of an article and towards each of its entities, in their order; None where none was read."""

    article: Sentiment
    entities: tuple[EntitySentiment | None, ...] = ()


class EntitiesBackend(Protocol):
    """Called by one thread at a time. One result an article, in their order; mentions index the body."""

    def info(self) -> Info: ...

    def process_batch(self, articles: Sequence[ArticleText]) -> Sequence[tuple[Entity, ...]]: ...


class SentimentBackend(Protocol):
    """Called by one thread at a time. One result an article, in their order."""

    def info(self) -> Info: ...

    def process_batch(self, articles: Sequence[ArticleText]) -> Sequence[Tone]: ...


class RelatedBackend(Protocol):
    """Finds the neighbours of articles among those placed before them.

    `prepare` is the processor's part, done for each article in the thread of the other steps; what it
    returns goes into `process_batch`, which may wait for a store that all workers share. Deliveries come
    again: placing an article twice changes nothing.
    """

    def info(self) -> Info: ...

    def prepare(self, article: ArticleText) -> Any: ...

    async def process_batch(self, prepared: Sequence[Any]) -> Sequence[Neighbours]: ...

    async def forget(self, article_id: str, version: str) -> None:
        """Take an article out; versions up to this one, redelivered late, stay out."""
        ...


Load = Callable[[BackendOptions], Any]
