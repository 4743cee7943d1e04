"""Consumer groups: made at the beginning of their stream, before anything reads or writes it."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.streams import STREAMS


async def ensure_groups(redis: Redis, partitions: int) -> None:
    """Create every group of the registry at id 0, with its stream.

    A group made at `$`, as FastStream would, never sees what was written before it.
    """
    for spec in STREAMS:
        for group in spec.groups:
            for partition in range(partitions):
                try:
                    await redis.xgroup_create(spec.key(partition), group, id="0", mkstream=True)
                except ResponseError as error:
                    if "BUSYGROUP" not in str(error):
                        raise
