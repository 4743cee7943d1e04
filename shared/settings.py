"""Settings every service shares, read once at start-up from WIREROOM_… variables.

A secret may come from a file instead: WIREROOM_REDIS_PASSWORD_FILE=/run/secrets/redis sets redis_password.
A bad value stops the process with a message that names the variable.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.errors import ConfigurationError

PREFIX = "WIREROOM_"

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]


class FileSource(PydanticBaseSettingsSource):
    """Read any setting from the file that WIREROOM_<NAME>_FILE names, as Docker secrets are mounted."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name}_FILE".upper())
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise ConfigurationError(
                f"{PREFIX}{field_name.upper()}_FILE: cannot read {path}: {error.strerror}"
            ) from error

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self._fields()}
        return {name: value for name, value in values.items() if value is not None}

    def _fields(self) -> list[tuple[str, FieldInfo]]:
        return list(self.settings_cls.model_fields.items())


class ServiceSettings(BaseSettings):
    """What ingest, enrich and index have in common."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", validate_default=True, env_ignore_empty=True
    )

    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis to use; 6.2 or newer.")
    redis_password: SecretStr | None = Field(None, description="Password for Redis, kept out of the URL.")
    partitions: int = Field(
        1, ge=1, le=256, description="Partitions of each stream. Change it only when the streams are empty."
    )
    log_format: Literal["json", "console"] = Field("json", description="How log lines are written.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe level that is logged."
    )
    drain_timeout_s: Seconds = Field(
        20.0, description="Seconds from SIGTERM until work in hand is abandoned."
    )
    max_deliveries: int = Field(
        5, ge=1, le=100, description="Deliveries of an entry before it becomes a dead letter."
    )
    retry_base_s: Seconds = Field(
        0.5, description="Wait before the first redelivery; doubles with each, with jitter."
    )
    reclaim_idle_s: Seconds = Field(
        15.0,
        description="Seconds without a heartbeat after which another consumer takes an entry over; "
        "also the longest wait between redeliveries.",
    )
    handler_timeout_s: Seconds = Field(
        60.0,
        description="Seconds after which work on a batch counts as hung; the process exits, to be restarted.",
    )
    article_state_ttl_s: int = Field(
        30 * 86_400,
        ge=3600,
        description="Seconds the revision and receipt of an article are kept after its last submit, if it "
        "was never revised. Those of revised, withheld, restored and taken down articles are kept for ever.",
    )
    halt_window: int = Field(100, ge=10, le=100_000, description="Latest entries watched for the halt rule.")
    halt_ratio: float = Field(
        0.1, gt=0, le=1, description="Share of dead entries in the window above which a consumer halts."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, FileSource(settings_cls), env_settings


S = TypeVar("S", bound=ServiceSettings)


def load_settings(settings_class: type[S]) -> S:
    """Return the settings from the environment. Raises ConfigurationError, naming each bad variable."""
    try:
        return settings_class()
    except ValidationError as error:
        lines = [
            f"{PREFIX}{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise ConfigurationError("\n".join(lines)) from None


def is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def forbid_downloads() -> None:
    """Tell libraries that fetch models by name to use local files only. Call it before importing them."""
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
