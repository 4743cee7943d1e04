"""Events for tests of the index: an article is named by a short key, its id is that key's hash."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.events import (
    Article,
    ArticleEnriched,
    ArticleRetracted,
    Entity,
    Label,
    Language,
    Provenance,
    Sentiment,
    SubmittedArticle,
    Topic,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def article_id(key: str) -> str:
    return hashlib.blake2b(key.encode(), digest_size=16).hexdigest()


def entity(label: Label, canonical: str, count: int = 1, text: str | None = None) -> Entity:
    return Entity(text=text or canonical, label=label, canonical=canonical, count=count)


def topic(code: str, name: str) -> Topic:
    return Topic(code=code, name=name, score=0.9)


def tone(score: float) -> Sentiment:
    label = "neutral" if abs(score) < 0.2 else "positive" if score > 0 else "negative"
    return Sentiment(label=label, score=score, confidence=0.8)


def enriched(
    key: str,
    title: str = "A title",
    body: str = "A body.",
    *,
    revision: int = 1,
    epoch: int = 0,
    received_at: datetime = NOW,
    language: str = "en",
    sentiment: float = 0.0,
    **fields: Any,
) -> ArticleEnriched:
    article = Article(
        id=article_id(key),
        revision=revision,
        title=title,
        body=body,
        received_at=received_at,
        language=Language(code=language, confidence=1.0),
        sentiment=tone(sentiment),
        provenance=Provenance(door="api"),
        **fields,
    )
    return ArticleEnriched(
        article_id=article.id,
        revision=revision,
        epoch=epoch,
        received_at=received_at,
        content_hash=f"{title}{body}",
        submitted=SubmittedArticle(title=title, body=body, updated_at=article.updated_at),
        article=article,
    )


def retracted(
    key: str,
    *,
    revision: int = 1,
    epoch: int = 0,
    withheld: bool = False,
    received_at: datetime = NOW,
    reason: str | None = None,
) -> ArticleRetracted:
    return ArticleRetracted(
        article_id=article_id(key),
        revision=revision,
        epoch=epoch,
        received_at=received_at,
        withheld=withheld,
        reason=reason,
    )


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)
