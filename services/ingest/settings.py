"""Settings of the ingest service."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from services.ingest.feeds.settings import FeedSettings
from shared.errors import ConfigurationError
from shared.settings import Port, Seconds, is_loopback


class IngestSettings(FeedSettings):
    """What the ingest service reads from WIREROOM_… variables."""

    ingest_host: str = Field("127.0.0.1", description="Address to listen on.")
    ingest_port: Port = Field(8001, description="Port to listen on.")
    api_keys: SecretStr | None = Field(
        None, description="Keys of submitters, one a line: `name sha256:<hex>`, with `revoked` to end one."
    )
    webhook_secrets: SecretStr | None = Field(
        None,
        description="Standard Webhooks secrets, one a line: `name whsec_<base64>`. "
        "Two lines with one name while a secret is being rotated.",
    )
    sources_path: Path = Field(
        Path(".wireroom/data/sources.json"),
        description="File of the sources that `wireroom sources` manages. Read again whenever it changes.",
    )
    webhook_tolerance_s: Seconds = Field(
        300.0, description="Seconds a webhook's timestamp may lie in the past or in the future."
    )
    max_body_bytes: int = Field(
        2 << 20, ge=1024, le=64 << 20, description="Largest body of one article, in bytes."
    )
    max_batch_bytes: int = Field(
        64 << 20, ge=1024, le=4 << 30, description="Largest body of a batch, in bytes."
    )
    max_batch_line_bytes: int = Field(
        2 << 20, ge=1024, le=64 << 20, description="Largest article within a batch, in bytes."
    )
    max_batch_articles: int = Field(
        100_000, ge=1, le=10_000_000, description="Most articles that one batch may hold."
    )
    body_idle_timeout_s: Seconds = Field(
        10.0, description="Longest wait for the next part of a request's body."
    )
    body_timeout_s: Seconds = Field(120.0, description="Longest wait for a request's whole body.")
    high_water_entries: int = Field(
        50_000, ge=1, description="Backlog of the slowest consumer group at which ingest answers 503."
    )
    low_water_entries: int = Field(40_000, ge=0, description="Backlog at which ingest takes articles again.")
    backlog_interval_s: Seconds = Field(0.5, description="Seconds between two looks at the backlog.")
    write_timeout_s: Seconds = Field(
        1.5, description="Seconds a submit waits for Redis before it is answered 503."
    )
    write_queue_articles: int = Field(
        10_000, ge=1, description="Submits that may wait for Redis at once; more are answered 503."
    )
    idempotency_ttl_s: Seconds = Field(
        86_400.0, description="Seconds for which an Idempotency-Key or webhook-id gives its first answer."
    )
    recent_submits_bytes: int = Field(
        32 << 20,
        ge=0,
        le=4 << 30,
        description="Bytes of accepted articles that are remembered, to publish them again if Redis loses "
        "them. 0 remembers none.",
    )

    fetch_timeout_s: Seconds = Field(
        20.0, description="Seconds for which the page of a submitted URL is fetched, all redirects included."
    )
    fetch_max_page_bytes: int = Field(
        4 << 20, ge=1024, le=64 << 20, description="Largest page that is fetched, in bytes, decompressed."
    )
    fetch_max_pages_at_once: int = Field(
        16, ge=1, le=1000, description="Submits of URLs that may be under way at once; more are answered 503."
    )

    @model_validator(mode="after")
    def _marks_in_order(self) -> Self:
        if self.low_water_entries >= self.high_water_entries:
            raise ValueError("low_water_entries must be less than high_water_entries")
        return self

    def check_exposure(self, *, guarded: bool) -> None:
        """Raises ConfigurationError if others could reach ingest, and not one secret were known."""
        if is_loopback(self.ingest_host) or guarded:
            return
        raise ConfigurationError(
            f"WIREROOM_INGEST_HOST is {self.ingest_host}, which others can reach, and no secret is set. "
            "Set WIREROOM_API_KEYS (a line per key: its name, and `sha256:` with the key's SHA-256 in hex) "
            "or WIREROOM_WEBHOOK_SECRETS, or the same with _FILE; make a source with `wireroom sources add`; "
            "or listen on 127.0.0.1."
        )
