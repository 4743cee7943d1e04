"""The models that the settings name: for the service, and for whoever runs its steps elsewhere."""

from __future__ import annotations

from services.enrich.backends.configured import options_for
from services.enrich.pipeline import Models
from services.enrich.settings import EnrichSettings


def load_models(settings: EnrichSettings) -> Models:
    """Load what the settings name. Raises ConfigurationError, naming what is missing."""
    return Models.load(
        settings.models_dir,
        entities=settings.entities_backend,
        entities_options=options_for("entities", settings),
        sentiment=settings.sentiment_backend,
        sentiment_options=options_for("sentiment", settings),
    )
