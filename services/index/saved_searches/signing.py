"""Secrets of webhooks, and the signatures that they make.

https://github.com/standard-webhooks/standard-webhooks: the signature is over id, timestamp and body; while a
secret is being exchanged there are two of them, apart by a space.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from standardwebhooks import Webhook

_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
# Bounds of the specification.
_MIN_BYTES, _MAX_BYTES = 24, 64


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def check_secret(text: str) -> None:
    """Raises ValueError that says what a secret is; never what was given."""
    form = f"a secret is {_PREFIX} and the base64 of {_MIN_BYTES} to {_MAX_BYTES} bytes"
    if not text.startswith(_PREFIX):
        raise ValueError(form)
    try:
        size = len(base64.b64decode(text.removeprefix(_PREFIX), validate=True))
    except (binascii.Error, ValueError):
        raise ValueError(form) from None
    if not _MIN_BYTES <= size <= _MAX_BYTES:
        raise ValueError(form)


def signed_headers(webhook_id: str, at: datetime, body: bytes, signing: Sequence[str]) -> dict[str, str]:
    """Return the headers that prove `body` to be ours, signed with each of the secrets."""
    text = body.decode()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(webhook_id, at, text) for secret in signing),
    }
