"""The Redis to back up or to restore into: a named one, that of a running Wireroom, or ours, for the time."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from services.supervisor.instance import Instance, read_instance
from services.supervisor.stack import StackSettings, running_stack
from shared.runtime.connection import connect
from shared.settings import ServiceSettings, load_settings


def redis_settings(instance: Instance | None) -> ServiceSettings:
    """Return the settings from the environment, with the Redis of a running `wireroom up` filled in."""
    settings = load_settings(ServiceSettings)
    if instance is None:
        return settings
    values: dict[str, Any] = {**settings.model_dump(), "redis_url": instance.redis_url}
    if instance.redis_password_file is not None:
        values["redis_password"] = Path(instance.redis_password_file).read_text(encoding="utf-8").strip()
    return ServiceSettings(**values)


def is_named() -> bool:
    """Whether the environment names a Redis."""
    return bool(os.environ.get("WIREROOM_REDIS_URL") or os.environ.get("WIREROOM_REDIS_URL_FILE"))


@asynccontextmanager
async def redis_of(data_dir: Path) -> AsyncIterator[Redis]:
    """Yield a client. The private Redis of `data_dir`, an absolute path, is started if Wireroom does not run.

    Raises ConfigurationError when it cannot be reached or started.
    """
    instance = read_instance(data_dir)
    if instance is not None or is_named():
        client = connect(redis_settings(instance), socket_timeout_s=60.0)
        try:
            await client.ping()
            yield client
        finally:
            await client.aclose()
        return
    settings = StackSettings(
        data_dir=data_dir,
        environment=dict(os.environ),
        ingest_port=0,
        enrich_port=0,
        index_port=0,
        enrich_workers=1,
    )
    async with running_stack(settings, lambda _: None) as stack:
        await stack.start_redis()
        stack.write_run_file()
        started = redis_settings(read_instance(data_dir))
        client = connect(started, socket_timeout_s=60.0)
        try:
            yield client
        finally:
            await client.aclose()
