"""Settings of feeds and of WebSub."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from shared.fetch.settings import FetchSettings
from shared.settings import Seconds


class FeedSettings(FetchSettings):
    """What ingest reads from WIREROOM_FEED_… variables, and its public address."""

    feed_polls_at_once: int = Field(
        16, ge=1, le=256, description="Feeds that one process of ingest polls at the same time."
    )
    feed_min_interval_s: Seconds = Field(
        300.0, description="Shortest time between two polls of a feed that has no interval of its own."
    )
    feed_max_interval_s: float = Field(
        21_600.0,
        gt=0,
        le=2_592_000,
        description="Longest time between two polls of a feed that has no interval of its own.",
    )
    feed_timeout_s: Seconds = Field(
        30.0, description="Seconds for which one document of a feed is fetched, redirects included."
    )
    feed_max_bytes: int = Field(
        8 << 20, ge=1024, le=64 << 20, description="Largest document of a feed, in bytes, decompressed."
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[!-~]{1,300}$",
        description="Where hubs on the internet reach ingest, e.g. https://news.example.com: needed for "
        "WebSub. Without it feeds are only polled.",
    )
    websub_lease_s: float = Field(
        864_000.0, ge=300, le=31_536_000, description="Seconds for which hubs are asked to push a feed."
    )

    @model_validator(mode="after")
    def _intervals_in_order(self) -> Self:
        if self.feed_min_interval_s > self.feed_max_interval_s:
            raise ValueError("feed_min_interval_s must not be more than feed_max_interval_s")
        return self
