"""Which backend an evaluation scores: what ships, or one that the options or settings of enrich name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, TypeVar

from services.cli.evaluation.submitted import RECEIVED_AT
from services.enrich.backends import ArticleText, BackendOptions, EntitiesBackend, SentimentBackend
from services.enrich.backends.labels import parse_labels
from services.enrich.backends.loading import BUILTIN, load_backend, one_each
from shared.events import Entity

# Large models are much faster in batches; enrich gives them as many at once as it has taken.
BATCH_TEXTS: Final = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A backend by name with the path of its model and its label map, all as in enrich's settings."""

    name: str = BUILTIN
    model: Path | None = None
    labels: str = ""

    @property
    def builtin(self) -> bool:
        return self.name == BUILTIN

    def load(self, part: str, models_dir: Path | None) -> Any:
        """Return the backend for "entities" or "sentiment". Raises ConfigurationError."""
        labels = parse_labels("WIREROOM_ENTITIES_LABELS", self.labels)
        return load_backend(part, self.name, BackendOptions(self.model, labels, models_dir))


SHIPPED: Final = Chosen()


def as_articles(
    backend: EntitiesBackend | SentimentBackend, texts: Iterable[tuple[str, str, tuple[Entity, ...]]]
) -> list[ArticleText]:
    """Return (title, body, entities) as articles that the backend is given, in a language it reads."""
    info = backend.info()
    language = "en" if info.languages is None or "en" in info.languages else min(info.languages)
    return [
        ArticleText(f"{number:032x}", title, body, language, RECEIVED_AT, entities=entities)
        for number, (title, body, entities) in enumerate(texts)
    ]


def in_batches(items: Iterable[T], size: int = BATCH_TEXTS) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch


def answers(backend: EntitiesBackend | SentimentBackend, articles: Sequence[ArticleText]) -> Sequence[Any]:
    """Return one result for each article. Raises UnsoundBackend when there are more or fewer."""
    process: Callable[[Sequence[ArticleText]], Sequence[Any]] = backend.process_batch
    return one_each(process(articles), articles, backend.info)
