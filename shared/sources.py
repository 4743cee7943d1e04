"""Sources: who submits, with which secrets, how much, and for which hosts. Pure.

A source is what `wireroom sources` manages in a file (`shared.sources_file`) and ingest reads while it runs.
API keys are kept as their SHA-256, like those of the settings. A webhook secret signs on both sides, so it is
kept as it is, in a file that only its owner may read. `docs/decisions/0007-sources.md` tells why.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import urlsplit

import idna
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.errors import WireroomError
from shared.http.auth import hash_api_key, new_api_key

MAX_SOURCES = 1000
MAX_NAME_CHARS = 64
MAX_HOSTS = 100
MAX_PER_MINUTE = 1_000_000
# Who submits with the key that `wireroom` itself uses on this machine.
OPERATOR = "operator"
# The newest and the one it replaces.
VALID_AT_ONCE = 2


S = TypeVar("S", bound="Secret")
M = TypeVar("M", bound=BaseModel)


class SourceRefused(WireroomError):
    """What was asked cannot be done with the sources there are; the message says why."""


def check_source_name(name: str) -> str:
    """Return the name, composed (NFC). Raises ValueError, saying what a name may be."""
    name = unicodedata.normalize("NFC", name)
    if not (0 < len(name) <= MAX_NAME_CHARS and name.isprintable() and name == name.strip()):
        raise ValueError(
            f"a source's name is 1 to {MAX_NAME_CHARS} printable characters, without spaces at its ends"
        )
    return name


def normal_host(text: str) -> str:
    """Return a host as the canonical URL writes it; a whole URL names its host. Raises ValueError."""
    problem = ValueError(f"{text[:80]!r} is no host: write it like example.com")
    try:
        host = (urlsplit(text if "//" in text else f"//{text}").hostname or "").rstrip(".")
    except ValueError:
        raise problem from None
    host = host.removeprefix("*.")
    try:
        return f"[{ip_address(host).compressed}]" if ":" in host else _ascii_host(host)
    except (ValueError, UnicodeError):
        raise problem from None


def _ascii_host(host: str) -> str:
    if host.replace(".", "").isdecimal():
        return ip_address(host).compressed
    return idna.encode(host, uts46=True, transitional=False).decode("ascii")


Host = Annotated[str, AfterValidator(normal_host)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Secret(_Part):
    """A secret of a source. From `ends_at` on it is taken no more; None is for good."""

    made_at: AwareDatetime
    ends_at: AwareDatetime | None = None

    def valid(self, now: datetime) -> bool:
        return self.ends_at is None or now < self.ends_at

    def ending(self, at: datetime) -> Self:
        """Return the secret with its end at `at`, unless it ends before that."""
        return self if self.ends_at is not None and self.ends_at < at else _with(self, ends_at=at)


class KeyHash(Secret):
    """An API key by its hash, as `shared.http.auth.hash_api_key` makes it."""

    hash: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class WebhookSecret(Secret):
    """A Standard Webhooks secret."""

    secret: Annotated[str, Field(pattern=r"^whsec_[A-Za-z0-9+/]{22,}={0,2}$", max_length=200, repr=False)]


class Source(_Part):
    """One submitter. Without `hosts` its articles may be anywhere, without `per_minute` there is no limit.

    A host allows its subdomains, too. An article that has no URL is on no host, so none refuses it.
    """

    name: Annotated[str, AfterValidator(check_source_name)]
    made_at: AwareDatetime
    keys: tuple[KeyHash, ...] = ()
    webhook_secrets: tuple[WebhookSecret, ...] = ()
    per_minute: Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)] | None = None
    hosts: Annotated[tuple[Host, ...], Field(max_length=MAX_HOSTS)] = ()

    def allows_host(self, host: str) -> bool:
        """Tell whether articles may be on `host`, in its canonical form."""
        return not self.hosts or any(host == one or host.endswith(f".{one}") for one in self.hosts)


class Sources(_Part):
    """All sources. `operator` is the hash of the key with which this machine's commands submit."""

    version: Annotated[int, Field(ge=1, le=1)] = 1
    operator: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")] | None = None
    sources: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES)] = ()

    @model_validator(mode="after")
    def _names_are_distinct(self) -> Self:
        names = [source.name.casefold() for source in self.sources]
        if len(set(names)) < len(names):
            raise ValueError("two sources have the same name")
        return self

    def named(self, name: str) -> Source:
        """Raises SourceRefused when there is no such source."""
        folded = unicodedata.normalize("NFC", name).casefold()
        for source in self.sources:
            if source.name.casefold() == folded:
                return source
        raise SourceRefused(f"there is no source {name!r}")

    def adding(self, source: Source) -> Self:
        """Raises SourceRefused when there is one of that name, or no room for another."""
        if any(held.name.casefold() == source.name.casefold() for held in self.sources):
            raise SourceRefused(f"there is a source {source.name!r} already: rotate its secret, or remove it")
        if source.name.casefold() == OPERATOR:
            raise SourceRefused(f"{source.name!r} is the name of this machine's own commands")
        if len(self.sources) >= MAX_SOURCES:
            raise SourceRefused(f"there are {MAX_SOURCES:,} sources already")
        return _with(self, sources=(*self.sources, source))

    def replacing(self, source: Source) -> Self:
        return _with(self, sources=tuple(source if s.name == source.name else s for s in self.sources))

    def without(self, name: str) -> Self:
        """Raises SourceRefused when there is no such source."""
        gone = self.named(name)
        return _with(self, sources=tuple(source for source in self.sources if source is not gone))


class NewSecrets(_Part):
    """What was just made, for its owner: shown once."""

    key: str | None = None
    webhook_secret: str | None = None


def new_source(
    name: str, now: datetime, *, key: bool, webhook: bool, per_minute: int | None, hosts: tuple[str, ...]
) -> tuple[Source, NewSecrets]:
    """Return a source with a key, a webhook secret, or both. Raises ValueError for what none may have."""
    source = Source(name=name, made_at=now, per_minute=per_minute, hosts=hosts)
    return with_new_secrets(source, now, key=key, webhook=webhook)


def with_new_secrets(
    source: Source, now: datetime, *, key: bool, webhook: bool, overlap: timedelta = timedelta(0)
) -> tuple[Source, NewSecrets]:
    """Return the source with new secrets of those kinds; the one before each is taken for `overlap` more."""
    changes: dict[str, Any] = {}
    made_key = new_api_key() if key else None
    made_secret = f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}" if webhook else None
    if made_key:
        new_key = KeyHash(hash=hash_api_key(made_key), made_at=now)
        changes["keys"] = (*_kept(source.keys, now, now + overlap), new_key)
    if made_secret:
        new_secret = WebhookSecret(secret=made_secret, made_at=now)
        changes["webhook_secrets"] = (*_kept(source.webhook_secrets, now, now + overlap), new_secret)
    return _with(source, **changes), NewSecrets(key=made_key, webhook_secret=made_secret)


def _kept(held: tuple[S, ...], now: datetime, until: datetime) -> tuple[S, ...]:
    """Return the secrets that are valid beside a new one: the newest, until its time is over."""
    valid = [secret for secret in held if secret.valid(now)][-(VALID_AT_ONCE - 1) :]
    return tuple(secret.ending(until) for secret in valid) if until > now else ()


def _with(model: M, **changes: Any) -> M:
    return type(model).model_validate(model.model_dump() | changes)
