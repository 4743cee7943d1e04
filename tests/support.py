"""What several tests need: waiting for a condition, and events that are valid and small."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from shared.events import (
    Article,
    ArticleEnriched,
    ArticleRetracted,
    ArticleSubmitted,
    Language,
    Provenance,
    Sentiment,
    SubmittedArticle,
)
from shared.runtime.groups import ensure_groups
from shared.runtime.state import begin_restoring, write_generation

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


async def eventually(
    condition: Callable[[], Any | Awaitable[Any]], *, within_s: float = 10.0, what: str = ""
) -> Any:
    """Return the first truthy value of `condition`; fail when there is none within `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or inspect.getsource(condition).strip()}")
        await asyncio.sleep(0.02)


def article_id(name: str) -> str:
    return blake2b(name.encode(), digest_size=16).hexdigest()


def submitted(name: str = "a", *, revision: int = 1, epoch: int = 0, **article: Any) -> ArticleSubmitted:
    fields: dict[str, Any] = {
        "title": f"Title of {name}",
        "body": f"The body of {name}.",
        "source": "Test Wire",
    }
    return ArticleSubmitted(
        article_id=article_id(name),
        revision=revision,
        epoch=epoch,
        received_at=NOW,
        content_hash=f"hash-{name}-{revision}",
        article=SubmittedArticle(**(fields | article)),
        provenance=Provenance(door="api"),
    )


def enriched(name: str = "a", *, revision: int = 1, epoch: int = 0, **article: Any) -> ArticleEnriched:
    event = submitted(name, revision=revision, epoch=epoch)
    fields: dict[str, Any] = {
        "title": f"Title of {name}",
        "body": f"The body of {name}.",
        "source": "Test Wire",
        "received_at": NOW,
        "enriched_at": NOW,
        "language": Language(code="en", confidence=1),
        "sentiment": Sentiment(label="neutral", score=0, confidence=0.5),
        "provenance": event.provenance,
    }
    return ArticleEnriched(
        article_id=event.article_id,
        revision=revision,
        epoch=epoch,
        received_at=NOW,
        content_hash=event.content_hash,
        submitted=event.article,
        article=Article(id=event.article_id, revision=revision, **(fields | article)),
    )


def retracted(
    name: str = "a", *, revision: int = 1, epoch: int = 0, withheld: bool = False
) -> ArticleRetracted:
    return ArticleRetracted(
        article_id=article_id(name), revision=revision, epoch=epoch, received_at=NOW, withheld=withheld
    )


async def mark_state(redis: Redis, partitions: int, generation: str) -> None:
    """Say that Redis holds the state of the articles, as the index service does at its first start."""
    await ensure_groups(redis, partitions)
    await begin_restoring(redis, partitions, generation)
    assert await write_generation(redis, partitions, generation)


def install_plug_in(directory: Path, module: str, source: str, entry_points: str) -> None:
    """Lay out a distribution of one module as an installer would; put `directory` on the path yourself."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{module}.py").write_text(source, encoding="utf-8")
    information = directory / f"{module}-1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
    (information / "entry_points.txt").write_text(entry_points)
