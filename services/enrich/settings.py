"""Settings of the enrich service."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import Port, ServiceSettings


class EnrichSettings(ServiceSettings):
    """What an enrich worker needs besides the common settings. It serves health and metrics only."""

    enrich_host: str = Field("127.0.0.1", description="Address that serves health and metrics.")
    enrich_port: Port = Field(8002, description="Port that serves health and metrics; 0 takes any free one.")
    enrich_batch_entries: int = Field(
        32, ge=1, le=500, description="Articles taken from the stream at once; more is faster and less even."
    )
    models_dir: Path | None = Field(None, description="Directory of models; unset uses those that ship.")
    entities_backend: str = Field(
        "builtin",
        description="What names entities: builtin, spacy, gliner, or an entry point of wireroom.entities.",
    )
    entities_model: Path | None = Field(
        None, description="Directory of the entities backend's model; nothing is downloaded."
    )
    entities_labels: str = Field(
        "",
        description="Labels of that model and ours, `PER=PERSON, LOC=GPE, MISC=`; nothing drops one. Unset "
        "maps those of OntoNotes and CoNLL.",
    )
    sentiment_backend: str = Field(
        "builtin", description="What reads tone: builtin, or an entry point of wireroom.sentiment."
    )
    sentiment_model: Path | None = Field(None, description="Path of the sentiment backend's model.")
    related_backend: str = Field(
        "builtin", description="What finds related articles: builtin, or an entry point of wireroom.related."
    )
    corpus_days: int = Field(
        14,
        ge=1,
        le=365,
        description="Days for which an article is kept to be found as related, duplicate or story.",
    )
    corpus_articles: int = Field(
        60_000,
        ge=100,
        le=10_000_000,
        description="Articles kept for comparison at most; oldest leave first. Each takes 2.8 kB of Redis. "
        "An eighth of the places is for those that were published before corpus_days when they came.",
    )
