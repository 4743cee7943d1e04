"""Lua scripts that make a step of the way atomic, and running many of them in one round trip.

Every script touches keys of one partition only, so all of them run on Redis Cluster too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and its SHA-1, by which Redis knows it."""

    source: str
    sha: str

    @classmethod
    def of(cls, source: str) -> Script:
        return cls(source, sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True, slots=True)
class Call:
    keys: tuple[str | bytes, ...]
    args: tuple[str | bytes | float, ...]


# The fence: only the consumer whose XACK counts may pass its result on. Another that worked on the same
# entry, because it was reclaimed meanwhile, gets 0 and its result is dropped. Where the group itself is gone
# (a flushed Redis) there is nothing to fence: the result is all that is left of the entry, so it goes on.
# KEYS: stream, article hash, [next stream]; ARGV: group, entry id, n, n field/value pairs of the receipt,
# then field/value pairs of the next entry.
SETTLE = Script.of("""
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then
  local summary = redis.pcall('XPENDING', KEYS[1], ARGV[1])
  if not summary.err then return 0 end
end
local n = tonumber(ARGV[3])
local at = 4
if n > 0 then
  -- A hash that is none must not cost the entry, which is acknowledged by now.
  redis.pcall('HSET', KEYS[2], unpack(ARGV, at, at + 2 * n - 1))
  at = at + 2 * n
end
if KEYS[3] then redis.call('XADD', KEYS[3], '*', unpack(ARGV, at)) end
return 1
""")

# Deletes a consumer only if nothing is pending for it: XGROUP DELCONSUMER would forget its entries.
# KEYS: stream; ARGV: group, consumer.
FORGET_CONSUMER = Script.of("""
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
if #pending > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1
""")


async def run_many(redis: Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run `script` once per call in one pipeline; return each reply, or the exception it failed with.

    Raises redis.exceptions.ConnectionError or TimeoutError if the round trip itself fails: then any of
    the calls may or may not have run.
    """
    replies = await _pipeline(redis, script, calls)
    missing = [i for i, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
    if missing:
        # Redis restarted and forgot its scripts.
        await redis.script_load(script.source)
        again = await _pipeline(redis, script, [calls[i] for i in missing])
        for i, reply in zip(missing, again, strict=True):
            replies[i] = reply
    return replies


async def run_all(redis: Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    """Run `script` as `run_many` does, where one failure is the failure of all. Raises the first one."""
    replies = await run_many(redis, script, calls)
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies


async def _pipeline(redis: Redis, script: Script, calls: Sequence[Call]) -> list[Any]:
    pipeline = redis.pipeline(transaction=False)
    for call in calls:
        pipeline.execute_command("EVALSHA", script.sha, len(call.keys), *call.keys, *call.args)
    replies: list[Any] = await pipeline.execute(raise_on_error=False)
    return replies
