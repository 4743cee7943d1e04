"""Places the articles of a file in a corpus of their own, in the order of the file, as enrich does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis

from services.cli.evaluation.private_redis import private_redis
from services.cli.evaluation.report import Speed
from services.cli.evaluation.submitted import RECEIVED_AT, cleaned, draft_of
from services.enrich.corpus import Corpus, Neighbours
from services.enrich.pipeline import Models, fingerprint_of
from services.enrich.settings import EnrichSettings
from shared.events import SubmittedArticle

if TYPE_CHECKING:
    from services.enrich.corpus import Fingerprint

BATCH_ARTICLES: Final = 50


@dataclass(frozen=True, slots=True)
class Report:
    """An article of the file. Without a date it counts as published when all others without one were."""

    title: str
    body: str
    published_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """Numbers of earlier articles of the file, nearest first, and the story that the article went into."""

    duplicates: tuple[int, ...]
    similar: tuple[int, ...]
    story_id: str


def place(articles: Iterable[Report], models_dir: Path | None, speed: Speed) -> list[Placed]:
    """Return what was found for each article as it came, in a corpus of the service's default size."""
    models = Models.load(models_dir)
    with private_redis() as socket:
        return asyncio.run(_place(articles, models, socket, speed))


async def _place(articles: Iterable[Report], models: Models, socket: str, speed: Speed) -> list[Placed]:
    placed: list[Placed] = []
    source = iter(articles)
    async with Redis(unix_socket_path=socket) as redis:
        corpus = Corpus(redis, max_articles=EnrichSettings.model_fields["corpus_articles"].default)
        while batch := list(islice(source, BATCH_ARTICLES)):
            with speed.timing(*(text for article in batch for text in (article.title, article.body))):
                prints = [_fingerprint(len(placed) + at, article, models) for at, article in enumerate(batch)]
                found = await corpus.place_many(prints)
            placed += map(_placed, found)
    return placed


def _fingerprint(number: int, article: Report, models: Models) -> Fingerprint:
    submitted = SubmittedArticle(
        title=article.title, body=article.body, published_at=article.published_at or RECEIVED_AT
    )
    return fingerprint_of(cleaned(draft_of(number, submitted), models), models)


def _placed(found: Neighbours) -> Placed:
    return Placed(
        tuple(int(other.id, 16) for other in found.duplicates),
        tuple(int(other.id, 16) for other in found.similar),
        found.story_id,
    )
