"""Clients of Redis, all made the same way."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError

from shared.settings import ServiceSettings

SOCKET_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0


def redis_url(settings: ServiceSettings) -> str:
    """Return the Redis URL with the password from its own setting filled in."""
    if settings.redis_password is None:
        return settings.redis_url
    parts = urlsplit(settings.redis_url)
    host = parts.netloc.rpartition("@")[2]
    user = parts.username or ""
    password = quote(settings.redis_password.get_secret_value(), safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{password}@{host}"))


def connect(settings: ServiceSettings, *, socket_timeout_s: float = SOCKET_TIMEOUT_S) -> Redis:
    """Return a client that fails fast: one retry where the connection was lost, none after a timeout.

    After Redis restarts each pooled connection is dead, and would fail its first use. Repeating is safe:
    every write of ours is a script that finds what it did before (duplicate, fenced, already gone).
    """
    client: Redis = Redis.from_url(
        redis_url(settings),
        decode_responses=False,
        socket_timeout=socket_timeout_s,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        health_check_interval=0,
    )
    return client
