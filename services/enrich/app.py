"""The enrich service: consumes articles.raw, publishes articles.enriched, serves health and metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from redis.asyncio import Redis

from services.enrich.backends import RelatedBackend
from services.enrich.backends.configured import options_for
from services.enrich.backends.loading import load_backend
from services.enrich.configured import load_models
from services.enrich.handler import EnrichHandler
from services.enrich.pipeline import Models
from services.enrich.settings import EnrichSettings
from shared import __version__
from shared.http.health import health_router
from shared.http.limits import Limits
from shared.http.serve import install_http, run_service
from shared.logging import configure_logging
from shared.metrics import Metrics
from shared.runtime.connection import connect
from shared.runtime.consumer import StreamConsumer
from shared.settings import load_settings
from shared.streams import ENRICHED, RAW


def create_app(settings: EnrichSettings) -> FastAPI:
    """Return the service; models are loaded now, so that a missing one stops the start."""
    metrics = Metrics()
    metrics.set("wireroom_build_info", 1, version=__version__, service="enrich")
    redis = connect(settings)
    models, related = _backends(settings, redis)
    for step, version in (models.versions | {"related": str(related.info())}).items():
        metrics.set("wireroom_model_info", 1, step=step, version=version)
    consumer = StreamConsumer(
        settings,
        spec=RAW,
        group="enrich",
        handler=EnrichHandler(models, related, metrics),
        next_spec=ENRICHED,
        max_records=settings.enrich_batch_entries,
        metrics=metrics,
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with consumer.running():
            yield
        await redis.aclose()

    app = FastAPI(
        title="Wireroom enrich", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(health_router({"articles.raw": consumer.check}, metrics))
    return app


def _backends(settings: EnrichSettings, redis: Redis) -> tuple[Models, RelatedBackend]:
    """Load what the settings name. Raises ConfigurationError, naming what is missing."""
    models = load_models(settings)
    options = options_for("related", settings, redis)
    related: RelatedBackend = load_backend("related", settings.related_backend, options)
    return models, related


def main() -> None:
    """Run one worker until SIGTERM. Raises ConfigurationError when it cannot start as configured."""
    settings = load_settings(EnrichSettings)
    configure_logging("enrich", log_format=settings.log_format, level=settings.log_level)
    run_service(
        create_app(settings),
        settings.enrich_host,
        settings.enrich_port,
        drain_timeout_s=settings.drain_timeout_s,
    )
