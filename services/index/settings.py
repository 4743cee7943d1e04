"""Settings of the index service."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from shared.settings import Port, Seconds, ServiceSettings, is_loopback


class IndexSettings(ServiceSettings):
    """What the index service needs besides the common settings."""

    index_host: str = Field("127.0.0.1", description="Address that serves search.")
    index_port: Port = Field(8003, description="Port that serves search.")
    data_dir: Path = Field(Path(".wireroom/data"), description="Directory of the index and the archive.")
    read_keys: SecretStr | None = Field(
        None, description="Keys that may read, a line each: `name sha256:<hex>`. Unset needs no key."
    )
    open_read: bool = Field(
        False, description="Allow reading without a key although the address is not loopback."
    )
    index_public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/?#@\s]+(/[^?#\s]*)?$",
        max_length=500,
        description="Address under which readers reach the index service, for absolute links in feeds "
        "and webhooks; unset takes the one they ask for, and in webhooks that of loopback.",
    )
    operator_keys: SecretStr | None = Field(
        None,
        description="Keys that open /operator on the web page, a line each: `name sha256:<hex>`. Unset, it "
        "is open on loopback where reading needs no key, and closed everywhere else.",
    )
    index_batch_entries: int = Field(
        200, ge=1, le=10_000, description="Articles that one commit takes at most."
    )
    index_check_interval_s: Seconds = Field(
        6 * 3600.0,
        description="Seconds from one comparison of all index files with their checksums to the next.",
    )
    webhook_allow_hosts: str = Field(
        "",
        description="Receivers of webhooks that are allowed though they are private or listen on other "
        "ports than 80 and 443: `host[:port],…`. A service on loopback without read keys may also send to "
        "its own machine.",
    )
    webhook_timeout_s: Seconds = Field(
        15.0, description="Seconds within which a receiver of webhooks has to answer."
    )
    commit_interval_s: float = Field(
        0.2, ge=0.0, le=5.0, description="Seconds from one commit to the next; twice that when much comes in."
    )

    max_streams: int = Field(
        500, ge=1, le=100_000, description="Live streams (`GET /v1/stream`) that may be open at once."
    )

    @property
    def is_for_this_machine(self) -> bool:
        """Whether whoever reaches this service is on its machine, and may do there what it may."""
        return is_loopback(self.index_host) and self.read_keys is None

    @property
    def page_url(self) -> str | None:
        """Where readers reach our pages, without a slash at the end, or None if we cannot tell."""
        if self.index_public_url is not None:
            return self.index_public_url.rstrip("/")
        host = f"[{self.index_host}]" if ":" in self.index_host else self.index_host
        return f"http://{host}:{self.index_port}" if is_loopback(self.index_host) else None

    @model_validator(mode="after")
    def _keys_beyond_loopback(self) -> Self:
        if not is_loopback(self.index_host) and self.read_keys is None and not self.open_read:
            raise ValueError(
                f"WIREROOM_INDEX_HOST={self.index_host} is reachable from outside: set "
                "WIREROOM_READ_KEYS_FILE, or WIREROOM_OPEN_READ=true if everyone who reaches it may read"
            )
        return self
