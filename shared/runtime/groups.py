"""Consumer groups: made at the beginning of their stream, before anything reads or writes it."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.runtime.lost_streams import MAKE_GROUP, make_group_call
from shared.runtime.scripts import run_all
from shared.streams import STREAMS


async def ensure_groups(redis: Redis, partitions: int) -> None:
    """Create every group of the registry at id 0, with its stream.

    A group made at `$`, as FastStream would, never sees what was written before it. One that is missing
    although the state is there was lost, perhaps with its stream, and its partition's state is restored. (A
    group that a new version adds looks the same: restoring then takes some seconds, and changes nothing.)
    """
    for spec in STREAMS:
        for group in spec.groups:
            for partition in range(partitions):
                if await _exists(redis, spec.key(partition), group):
                    continue
                await run_all(redis, MAKE_GROUP, [make_group_call(spec.key(partition), partition, group)])


async def _exists(redis: Redis, stream: str, group: str) -> bool:
    """Asked first because XGROUP CREATE is refused when memory is full, even for a group that is there."""
    try:
        groups = await redis.xinfo_groups(stream)
    except ResponseError:  # no such key
        return False
    return any(info["name"] == group.encode() for info in groups)
