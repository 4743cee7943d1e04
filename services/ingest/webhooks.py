"""Standard Webhooks signatures: who signed this body, or a 401 that says what is wrong. Pure.

https://github.com/standard-webhooks/standard-webhooks: the headers webhook-id, webhook-timestamp and
webhook-signature; the signature is over id, timestamp and body, so none of them can be exchanged.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from standardwebhooks import Webhook
from starlette.datastructures import Headers

from shared.errors import ConfigurationError
from shared.http.auth import check_name, settings_lines, unauthorized
from shared.http.problems import Problem

ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
_HEADERS = (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
_MIN_SECRET_BYTES = 16
_MAX_SIGNATURES = 16
MAX_ID_CHARS = 256


@dataclass(frozen=True, slots=True)
class _Secret:
    name: str
    webhook: Webhook


class WebhookSecrets:
    """The secrets of one settings value: `name whsec_<base64>` a line, several a name while rotating."""

    def __init__(self, secrets: tuple[_Secret, ...]) -> None:
        self._secrets = secrets

    @classmethod
    def parse(cls, text: str, setting: str) -> Self:
        """Read the value of `setting`. Raises ConfigurationError, naming the line but never its content."""
        secrets = []
        for number, words in settings_lines(text):
            form = f"`name whsec_<base64 of {_MIN_SECRET_BYTES} bytes or more>`"
            advice = f"{setting} line {number}: expected {form}"
            if len(words) != 2 or not words[1].startswith("whsec_"):
                raise ConfigurationError(advice)
            try:
                webhook = Webhook(words[1])
            except Exception as error:  # the library lets binascii's and its own errors through
                raise ConfigurationError(advice) from error
            if len(words[1]) - len("whsec_") < _MIN_SECRET_BYTES * 4 // 3:
                raise ConfigurationError(advice)
            secrets.append(_Secret(check_name(setting, number, words[0]), webhook))
        return cls(tuple(secrets))

    def with_sources(self, secrets: Iterable[tuple[str, str]]) -> WebhookSecrets:
        """Return these secrets and those of sources, given as name and secret."""
        return WebhookSecrets((*self._secrets, *(_Secret(name, Webhook(text)) for name, text in secrets)))

    def __len__(self) -> int:
        return len(self._secrets)

    def verify(self, headers: Headers, body: bytes, *, now: datetime, tolerance: timedelta) -> str:
        """Return the name of whoever signed `body`. Raises a 401 Problem with the reason otherwise."""
        missing = [name for name in _HEADERS if not headers.get(name)]
        if missing:
            raise unauthorized("webhook-header-missing", f"The header {missing[0]} is missing.")
        message_id = headers[ID_HEADER]
        if len(message_id) > MAX_ID_CHARS:
            raise unauthorized("webhook-id-too-long", f"webhook-id may have {MAX_ID_CHARS} characters.")
        signed_at = _signed_at(headers[TIMESTAMP_HEADER], now, tolerance)
        presented = _signatures(headers[SIGNATURE_HEADER])
        try:
            text = body.decode()
        except UnicodeDecodeError as error:
            detail = f"The body is not UTF-8: byte {error.start} cannot be read. JSON is always UTF-8."
            raise Problem(400, "invalid-utf-8", detail) from None
        for secret in self._secrets:
            expected = secret.webhook.sign(message_id, signed_at, text).encode()
            if any(hmac.compare_digest(expected, signature) for signature in presented):
                return secret.name
        raise unauthorized(
            "webhook-signature-wrong",
            "The signature fits none of the secrets here for this id, timestamp and body. It must be over "
            "the exact bytes of the body that was sent.",
        )


def is_webhook(headers: Headers) -> bool:
    return any(name in headers for name in _HEADERS)


def _signed_at(value: str, now: datetime, tolerance: timedelta) -> datetime:
    if not (value.isascii() and value.isdecimal() and len(value) <= 12):
        raise unauthorized(
            "webhook-timestamp-invalid", "webhook-timestamp must be whole seconds since 1970, in digits."
        )
    try:
        signed_at = datetime.fromtimestamp(int(value), UTC)
    except (ValueError, OverflowError, OSError):
        raise unauthorized("webhook-timestamp-invalid", "webhook-timestamp is no date.") from None
    limit = f"{tolerance.total_seconds():g} s"
    if signed_at < now - tolerance:
        raise unauthorized(
            "webhook-timestamp-old",
            f"The signature is older than {limit}. Sign it again, and check the clock.",
        )
    if signed_at > now + tolerance:
        raise unauthorized(
            "webhook-timestamp-future", f"The timestamp is more than {limit} ahead. Check the clock."
        )
    return signed_at


def _signatures(value: str) -> list[bytes]:
    """Return the v1 signatures of the header, as bytes: compare_digest refuses strings outside ASCII."""
    signatures = [part.encode("utf-8", "replace") for part in value.split() if part.startswith("v1,")]
    if not signatures:
        raise unauthorized(
            "webhook-signature-missing", "webhook-signature holds no signature of version v1 (`v1,<base64>`)."
        )
    return signatures[:_MAX_SIGNATURES]
