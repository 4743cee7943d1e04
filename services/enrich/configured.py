"""The models that the settings name: for the service, and for whoever runs its steps elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.enrich.backends import BackendOptions
from services.enrich.backends.labels import parse_labels
from services.enrich.pipeline import Models
from services.enrich.settings import EnrichSettings

if TYPE_CHECKING:
    from redis.asyncio import Redis


def backend_options(settings: EnrichSettings, redis: Redis | None = None) -> BackendOptions:
    """Return what every backend is told; `redis` is for related ones only."""
    return BackendOptions(
        directory=settings.models_dir,
        redis=redis,
        corpus_days=settings.corpus_days,
        corpus_articles=settings.corpus_articles,
    )


def load_models(settings: EnrichSettings, options: BackendOptions) -> Models:
    """Load what the settings name. Raises ConfigurationError, naming what is missing."""
    return Models.load(
        settings.models_dir,
        entities=settings.entities_backend,
        entities_options=replace(
            options,
            model=settings.entities_model,
            labels=parse_labels("WIREROOM_ENTITIES_LABELS", settings.entities_labels),
        ),
        sentiment=settings.sentiment_backend,
        sentiment_options=replace(options, model=settings.sentiment_model),
    )
