"""Who may submit: an API key, a webhook signature, or anybody while no secret is configured. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple, Self

from starlette.datastructures import Headers

from services.ingest.settings import IngestSettings
from services.ingest.source_book import SourceBook
from services.ingest.webhooks import WebhookSecrets, is_webhook
from shared.events import Door
from shared.http.auth import ApiKeys, presented_key, unauthorized
from shared.http.problems import Problem
from shared.settings import is_loopback
from shared.sources import Source

# HMAC takes a millisecond and a half for each 2 MB and secret; more than this in all is done in a thread.
SLOW_BYTES = 1 << 20


class Submitter(NamedTuple):
    """Who submits, by the name their secret has; None while ingest is open."""

    name: str | None
    door: Door


class Doors:
    """The secrets of the settings, and those of the sources, which may change at any time.

    With none of any kind, ingest is open, if only this machine can reach it.
    """

    def __init__(
        self,
        api_keys: ApiKeys,
        webhook_secrets: WebhookSecrets,
        webhook_tolerance: timedelta,
        *,
        loopback: bool = True,
    ) -> None:
        self._api_keys = api_keys
        self._settings_secrets = self._webhook_secrets = webhook_secrets
        self._webhook_tolerance = webhook_tolerance
        self._loopback = loopback
        self._book: SourceBook | None = None

    @classmethod
    def from_settings(cls, settings: IngestSettings) -> Self:
        """Raises ConfigurationError for a secret that cannot be read."""
        keys = settings.api_keys.get_secret_value() if settings.api_keys else ""
        secrets = settings.webhook_secrets.get_secret_value() if settings.webhook_secrets else ""
        return cls(
            ApiKeys.parse(keys, "WIREROOM_API_KEYS"),
            WebhookSecrets.parse(secrets, "WIREROOM_WEBHOOK_SECRETS"),
            timedelta(seconds=settings.webhook_tolerance_s),
            loopback=is_loopback(settings.ingest_host),
        )

    def use(self, book: SourceBook) -> None:
        """Take the secrets of these sources from now on, and no more those of the book before."""
        self._book = book
        self._webhook_secrets = self._settings_secrets.with_sources(book.webhook_secrets)

    @property
    def guarded(self) -> bool:
        """Whether there is any secret."""
        return bool(self._api_keys or self._webhook_secrets or self._book)

    @property
    def open(self) -> bool:
        return self._loopback and not self.guarded

    def source(self, name: str | None) -> Source | None:
        """Return the source of that name. A key of the settings may have the name of one, and its limits."""
        return self._book.named(name) if self._book else None

    def needs_body(self, headers: Headers) -> bool:
        """Whether the body is signed, so that only it can tell who sends it."""
        return bool(self._webhook_secrets) and is_webhook(headers)

    def slow_to_verify(self, body: bytes) -> bool:
        return len(body) * len(self._webhook_secrets) > SLOW_BYTES

    def by_signature(self, headers: Headers, body: bytes, now: datetime) -> Submitter:
        """Raises a 401 Problem unless `body` is signed by a secret we know."""
        name = self._webhook_secrets.verify(headers, body, now=now, tolerance=self._webhook_tolerance)
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
        owner = self._book.owner_of(key) if self._book else None
        return Submitter(owner or self._api_keys.name_of(key), "api")

    def by_operator_key(self, headers: Headers) -> Submitter:
        """Raises a 403 Problem for the key of a source: what is asked concerns the articles of all."""
        submitter = self.by_key(headers)
        if self.source(submitter.name) is not None:
            raise Problem(
                403, "operators-only", "The key of a source does not do for this: it needs an operator's key."
            )
        return submitter
