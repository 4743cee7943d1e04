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
                if await _exists(redis, spec.key(partition), group):
                    continue
                try:
                    await redis.xgroup_create(spec.key(partition), group, id="0", mkstream=True)
                except ResponseError as error:
                    if "BUSYGROUP" not in str(error):
                        raise


async def _exists(redis: Redis, stream: str, group: str) -> bool:
    """Asked first because XGROUP CREATE is refused when memory is full, even for a group that is there."""
    try:
        groups = await redis.xinfo_groups(stream)
    except ResponseError:  # no such key
        return False
    return any(info["name"] == group.encode() for info in groups)
