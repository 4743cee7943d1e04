"""What the settings say to each backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.enrich.backends.labels import parse_labels
from services.enrich.backends.protocol import BackendOptions

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from services.enrich.settings import EnrichSettings


def backend_name(part: str, settings: EnrichSettings) -> str:
    name: str = getattr(settings, f"{part}_backend")
    return name


def options_for(part: str, settings: EnrichSettings, redis: Redis | None = None) -> BackendOptions:
    """Return the options of the backend for a part of loading.GROUPS. Raises ConfigurationError."""
    models = {"entities": settings.entities_model, "sentiment": settings.sentiment_model}
    labels = settings.entities_labels if part == "entities" else ""
    return BackendOptions(
        model=models.get(part),
        labels=parse_labels("WIREROOM_ENTITIES_LABELS", labels),
        directory=settings.models_dir,
        redis=redis,
        corpus_days=settings.corpus_days,
        corpus_articles=settings.corpus_articles,
    )
