"""A stream or a consumer group that is gone (DEL, XGROUP DESTROY) while the article hashes stayed.

Entries may be gone with it, and the hashes do not tell: a submit of the same content would be called a
duplicate of what nobody will ever read. In both cases the group is missing, so whoever makes one again
declares the partition's state lost; the index service then restores it, and ingest publishes again what it
remembers.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from shared.runtime.scripts import Call, Script, run_all
from shared.runtime.state import LOST
from shared.streams import state_key

_CHUNK = 500

# Forgets an article unless its latest event is known to be in the index: what the archive and the streams
# know of it is merged afterwards. Of takedowns the hash does not tell, so each is looked up in the archive.
# KEYS: article hash. The reply: 1 if it was forgotten.
FORGET_UNINDEXED = Script.of("""
local s = redis.call('HMGET', KEYS[1], 'epoch', 'rev', 'tomb')
if s[2] and not s[3] then
  if redis.call('HEXISTS', KEYS[1], 't:indexed:' .. (s[1] or '0') .. '.' .. s[2]) == 1 then return 0 end
end
return redis.call('DEL', KEYS[1])
""")


async def declare_lost(redis: Redis, partition: int) -> None:
    """Say that entries of the partition may be gone; nothing to say where its state is not there anyway."""
    await redis.set(state_key(partition), LOST, xx=True)


async def lost_partitions(redis: Redis, partitions: int) -> list[int]:
    pipeline = redis.pipeline(transaction=False)
    for partition in range(partitions):
        pipeline.get(state_key(partition))
    markers: list[Any] = await pipeline.execute()
    return [partition for partition, marker in enumerate(markers) if marker == LOST]


async def forget_unindexed(redis: Redis, partition: int) -> int:
    """Forget every article of the partition that may have been on its way; return how many."""
    # Collected first: a scan may show a key twice, and keys take some 50 bytes each.
    keys = sorted({key async for key in redis.scan_iter(match=f"article:{{{partition}}}:*", count=1000)})
    forgotten = 0
    for start in range(0, len(keys), _CHUNK):
        calls = [Call((key,), ()) for key in keys[start : start + _CHUNK]]
        forgotten += sum(await run_all(redis, FORGET_UNINDEXED, calls))
    return forgotten
