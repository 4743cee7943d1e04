"""X-Hub-Signature: whether a hub that knows the secret sent this. Pure."""

from __future__ import annotations

import hashlib
import hmac

METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})


def is_signed(header: str | None, secret: str, body: bytes) -> bool:
    """Whether the header's value is a signature of `body`, by any method of the recommendation."""
    method, _, given = (header or "").strip().partition("=")
    method, given = method.strip().lower(), given.strip().lower()
    if method not in METHODS or not given.isascii():
        return False
    expected = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(expected, given)
