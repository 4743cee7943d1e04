"""A stream or a consumer group that is gone (DEL, XGROUP DESTROY) while the article hashes stayed.

Entries may be gone with it, and the hashes do not tell: a submit of the same content would be called a
duplicate of what nobody will ever read. In both cases the group is missing, so whoever makes one again
says in place of the partition's generation that it was lost. The index service then restores the state, and
ingest, which takes nothing meanwhile, publishes again what it remembers.
"""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from shared.runtime.scripts import Call, Script, run_all
from shared.streams import restoring_key, state_key

# What the marker says then. It is no generation: those come after a number of partitions.
LOST = b"lost"
_CHUNK = 500

# Makes a group at the beginning of its stream. Where the state is there, or is being restored, the group must
# have been lost: that is said in the same step, so that nobody who dies in between hides it.
# KEYS: stream, marker, token of a restoration. ARGV: group. The reply: 1 if it was made.
MAKE_GROUP = Script.of("""
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err then
  if string.find(made.err, 'BUSYGROUP', 1, true) then return 0 end
  return made
end
if redis.call('EXISTS', KEYS[2], KEYS[3]) > 0 then
  redis.call('SET', KEYS[2], 'lost')
  redis.call('DEL', KEYS[3])
end
return 1
""")

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


def make_group_call(stream: str, partition: int, group: str) -> Call:
    return Call((stream, state_key(partition), restoring_key(partition)), (group,))


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
