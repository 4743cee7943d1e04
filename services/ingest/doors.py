"""Who may submit: an API key, a webhook signature, or anybody while no secret is configured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from starlette.datastructures import Headers

from services.ingest.settings import IngestSettings
from services.ingest.webhooks import WebhookSecrets, is_webhook
from shared.events import Door
from shared.http.auth import ApiKeys, presented_key, unauthorized


class Submitter(NamedTuple):
    """Who submits, by the name their secret has in the settings; None while ingest is open."""

    name: str | None
    door: Door


@dataclass(frozen=True, slots=True)
class Doors:
    """The secrets of the settings. With none of either kind, ingest is open (and bound to loopback)."""

    api_keys: ApiKeys
    webhook_secrets: WebhookSecrets
    webhook_tolerance: timedelta

    @classmethod
    def from_settings(cls, settings: IngestSettings) -> Self:
        """Raises ConfigurationError for a secret that cannot be read, or for exposure without one."""
        settings.check_exposure()
        keys = settings.api_keys.get_secret_value() if settings.api_keys else ""
        secrets = settings.webhook_secrets.get_secret_value() if settings.webhook_secrets else ""
        return cls(
            ApiKeys.parse(keys, "WIREROOM_API_KEYS"),
            WebhookSecrets.parse(secrets, "WIREROOM_WEBHOOK_SECRETS"),
            timedelta(seconds=settings.webhook_tolerance_s),
        )

    @property
    def open(self) -> bool:
        return not self.api_keys and not self.webhook_secrets

    def needs_body(self, headers: Headers) -> bool:
        """Whether the body is signed, so that only it can tell who sends it."""
        return bool(self.webhook_secrets) and is_webhook(headers)

    def by_signature(self, headers: Headers, body: bytes, now: datetime) -> Submitter:
        """Raises a 401 Problem unless `body` is signed by a secret we know."""
        name = self.webhook_secrets.verify(headers, body, now=now, tolerance=self.webhook_tolerance)
        return Submitter(name, "webhook")

    def by_key(self, headers: Headers) -> Submitter:
        """Raises a 401 Problem without a key that we take, unless ingest is open."""
        if self.open:
            return Submitter(None, "api")
        key = presented_key(headers)
        if key is None:
            raise unauthorized(
                "credentials-missing",
                "Submits need an API key here (`Authorization: Bearer KEY` or `X-API-Key: KEY`), "
                "or a Standard Webhooks signature.",
            )
        return Submitter(self.api_keys.name_of(key), "api")
