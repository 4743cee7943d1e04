"""API keys: who may call, from a settings value that holds hashes only.

The value is text, one key a line: `name sha256:<hex>`, and `revoked` after it for a key that is no longer
taken but should be told so. Blank lines and `#` comments are skipped. Several keys may share a name.
A key has 256 random bits, so one round of SHA-256 keeps it secret; a slow hash would only slow us.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Self

from starlette.datastructures import Headers

from shared.errors import ConfigurationError
from shared.http.problems import Problem

_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_MAX_KEY_CHARS = 512
_CHALLENGE = {"www-authenticate": 'Bearer realm="wireroom"'}


def new_api_key() -> str:
    """Return a new key. Show it once, store its `hash_api_key`."""
    return "wr_" + secrets.token_urlsafe(32)


def hash_api_key(key: str) -> str:
    return "sha256:" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def unauthorized(slug: str, detail: str) -> Problem:
    """Return a 401 that says what is wrong with the credentials."""
    return Problem(401, slug, detail, headers=_CHALLENGE)


def settings_lines(text: str) -> list[tuple[int, list[str]]]:
    """Return the words of each line that is neither blank nor a comment, with its number from 1."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            rows.append((number, words))
    return rows


def check_name(setting: str, number: int, name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{setting} line {number}: a name is up to 64 letters, digits or . _ @ -, starting with one of "
            "the first two kinds"
        )
    return name


def presented_key(headers: Headers) -> str | None:
    """Return the key of `Authorization: Bearer KEY` or `X-API-Key: KEY`, or None if there is neither."""
    authorization = headers.get("authorization")
    if authorization is not None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            raise unauthorized(
                "bad-authorization", "The Authorization header must read: Bearer, a space, the key."
            )
        return key.strip()
    return headers.get("x-api-key")


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    digest: str
    revoked: bool


class ApiKeys:
    """The keys of one settings value."""

    def __init__(self, entries: tuple[_Entry, ...]) -> None:
        self._entries = entries

    @classmethod
    def parse(cls, text: str, setting: str) -> Self:
        """Read the value of `setting`. Raises ConfigurationError, naming the line but never its content."""
        entries = []
        for number, words in settings_lines(text):
            revoked = len(words) == 3 and words[2].lower() == "revoked"
            if len(words) != 2 + revoked or not _HASH.fullmatch(words[1].lower()):
                raise ConfigurationError(
                    f"{setting} line {number}: expected `name sha256:<64 hex digits>`, "
                    "and `revoked` after it for a key that is no longer taken"
                )
            entries.append(_Entry(check_name(setting, number, words[0]), words[1].lower(), revoked))
        return cls(tuple(entries))

    def __len__(self) -> int:
        return len(self._entries)

    def name_of(self, key: str) -> str:
        """Return whose key this is. Raises a 401 Problem for an unknown or a revoked key.

        Every entry is compared, each in constant time, so that timing tells nothing about the hashes.
        """
        presented = hash_api_key(key[: _MAX_KEY_CHARS + 1])
        found: _Entry | None = None
        for entry in self._entries:
            if hmac.compare_digest(entry.digest, presented) and (found is None or found.revoked):
                found = entry
        if found is None:
            raise unauthorized("unknown-api-key", "This API key is not known here.")
        if found.revoked:
            raise unauthorized("revoked-api-key", "This API key was revoked. Ask for a new one.")
        return found.name

    def authenticate(self, headers: Headers) -> str:
        """Return the name of the caller. Raises a 401 Problem when there is no key or it is not taken."""
        key = presented_key(headers)
        if key is None:
            raise unauthorized(
                "credentials-missing",
                "An API key is needed here: send `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
            )
        return self.name_of(key)
