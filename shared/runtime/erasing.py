"""Erasing articles from Redis: from the streams, from what is known of each article, and from its files.

Everything may be done again, and finds nothing the second time. What the corpus of related articles holds
goes with the takedown that comes before (`services.enrich`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from shared.erasing import Erased
from shared.logging import get_logger
from shared.runtime.lag import parse_id
from shared.runtime.scripts import Call, Script, run_all
from shared.streams import DEAD, EVENT_FIELD, STREAMS, StreamSpec, article_key

log = get_logger(__name__)

# Members are `<id>:<epoch>`, scores when they were erased in seconds since 1970: each ingest looks, and
# forgets what it remembers of them (`services.ingest.recent`).
ERASED_KEY = "erased"
KEPT = timedelta(days=1)
REWRITE_TIMEOUT_S = 600.0
# A script holds up everybody else; above this many dead letters they are deleted, and not also rewritten.
MAX_LETTERS = 20_000
_CHUNK = 200

# Whoever is working on the entry finds it acknowledged, and its result is dropped at the fence.
# KEYS: stream. ARGV: entry id, groups. The reply: 1 if it was there.
_TAKE_OUT = Script.of("""
for i = 2, #ARGV do redis.pcall('XACK', KEYS[1], ARGV[i], ARGV[1]) end
return redis.call('XDEL', KEYS[1], ARGV[1])
""")

# XDEL marks an entry as deleted, and its bytes stay beside its neighbours', in memory and in what Redis
# writes to its files. So the stream is written anew, with its ids, and takes the old one's place.
# KEYS: dead stream, draft. ARGV: pairs of an entry id and its new event, empty to leave it out.
# The reply: entries changed or left out.
_REWRITE = Script.of("""
local changes, changed, kept = {}, 0, 0
for i = 1, #ARGV, 2 do changes[ARGV[i]] = ARGV[i + 1] end
redis.call('DEL', KEYS[2])
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do
  local fields, change = entry[2], changes[entry[1]]
  if change then
    changed = changed + 1
    for i = 1, #fields, 2 do if fields[i] == 'event' then fields[i + 1] = change end end
  end
  if change ~= '' then
    redis.call('XADD', KEYS[2], entry[1], unpack(fields))
    kept = kept + 1
  end
end
local info, last = redis.call('XINFO', 'STREAM', KEYS[1]), nil
for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
if kept == 0 then
  redis.call('XADD', KEYS[2], last, 'none', '')
  redis.call('XDEL', KEYS[2], last)
else
  redis.call('XSETID', KEYS[2], last)
end
redis.call('RENAME', KEYS[2], KEYS[1])
return changed
""")

# What remains is that there was an article, when its revisions came and went, and who took it down and why.
# KEYS: article hash. The reply: fields changed.
_SCRUB = Script.of("""
local fields, changed = redis.call('HGETALL', KEYS[1]), 0
for i = 1, #fields, 2 do
  local name, value = fields[i], fields[i + 1]
  local cut = string.find(value, '|', 1, true)
  if name == 'hash' or name == 'upd' or name == 'at' or name == 'duplicate_of' then
    changed = changed + redis.call('HDEL', KEYS[1], name)
  elseif cut and string.sub(name, 1, 2) == 't:' and string.sub(name, 1, 12) ~= 't:retracted:' then
    redis.call('HSET', KEYS[1], name, string.sub(value, 1, cut - 1))
    changed = changed + 1
  end
end
return changed
""")


async def erasable_epochs(redis: Redis, ids: Iterable[str], partitions: int) -> dict[str, int | None]:
    """Return the epoch of each article that is taken down, None for those that are not."""
    ordered = list(dict.fromkeys(ids))
    pipeline = redis.pipeline(transaction=False)
    for id_ in ordered:
        pipeline.hmget(article_key(id_, partitions), "tomb", "epoch")
    rows: list[Any] = await pipeline.execute()
    return {id_: int(epoch or 0) if tomb else None for id_, (tomb, epoch) in zip(ordered, rows, strict=True)}


async def tell_ingest(redis: Redis, erased: Erased, now: datetime) -> None:
    """Have every ingest that runs forget what it remembers of the articles."""
    at = now.timestamp()
    pipeline = redis.pipeline(transaction=False)
    pipeline.zadd(ERASED_KEY, {f"{id_}:{epoch}": at for id_, epoch in erased.epochs.items()})
    pipeline.zremrangebyscore(ERASED_KEY, "-inf", at - KEPT.total_seconds())
    await pipeline.execute()


async def erased_since(redis: Redis, score: float) -> list[tuple[str, int, float]]:
    """Return id, epoch and score of what was erased from that score on."""
    rows: Any = await redis.zrangebyscore(ERASED_KEY, score, "+inf", withscores=True)
    found = []
    for member, at in rows:
        id_, _, epoch = member.decode().partition(":")
        found.append((id_, int(epoch), float(at)))
    return found


async def erase_from_streams(redis: Redis, erased: Erased, partitions: int) -> dict[str, int]:
    """Take all content out of the streams; return how many entries that were, by the stream's name."""
    found = {}
    for spec in STREAMS:
        take_out = _erase_letters if spec is DEAD else _erase_entries
        found[spec.name] = sum([await take_out(redis, spec, erased, p) for p in range(partitions)])
    return found


async def _erase_entries(redis: Redis, spec: StreamSpec, erased: Erased, partition: int) -> int:
    key = spec.key(partition)
    calls = [
        Call((key,), (entry_id, *spec.groups))
        async for entry_id, payload in _entries(redis, key)
        if erased.without(payload) is None
    ]
    return sum(await run_all(redis, _TAKE_OUT, calls))


async def _erase_letters(redis: Redis, spec: StreamSpec, erased: Erased, partition: int) -> int:
    key = spec.key(partition)
    changes: list[bytes] = []
    async for entry_id, payload in _entries(redis, key):
        kept = erased.without_in_letter(payload)
        if kept is not payload:
            changes += [entry_id, kept or b""]
    if not changes:
        return 0
    if await redis.xlen(key) > MAX_LETTERS:
        log.warning("too many dead letters to write them anew: erased ones are deleted", stream=key)
        return int(await redis.xdel(key, *changes[::2]))
    try:
        (changed,) = await run_all(redis, _REWRITE, [Call((key, f"{key}:draft"), tuple(changes))])
    except ResponseError as error:
        # An entry by hand with more fields than Lua can pass on; the stream is as it was.
        log.warning("dead letters not written anew: erased ones are deleted", stream=key, error=str(error))
        await redis.delete(f"{key}:draft")
        changed = await redis.xdel(key, *changes[::2])
    return int(changed)


async def _entries(redis: Redis, key: str) -> AsyncIterator[tuple[bytes, bytes]]:
    """Yield id and event of each entry."""
    start = "-"
    while True:
        rows: Any = await redis.xrange(key, min=start, count=_CHUNK)
        if not rows:
            return
        for entry_id, fields in rows:
            yield entry_id, fields.get(EVENT_FIELD, b"")
        start = f"({rows[-1][0].decode()}"


async def count_left(redis: Redis, erased: Erased, partitions: int) -> int:
    """Return how many entries of the streams hold content, or links to it that the index will not take."""
    left = 0
    for spec in STREAMS:
        without = erased.without_in_letter if spec is DEAD else erased.without
        for partition in range(partitions):
            async for _, payload in _entries(redis, spec.key(partition)):
                left += without(payload) is not payload
    return left


async def scrub_articles(redis: Redis, ids: Iterable[str], partitions: int) -> int:
    """Drop what the articles' hashes tell of their content; return for how many there was any."""
    replies = await run_all(redis, _SCRUB, [Call((article_key(id_, partitions),), ()) for id_ in ids])
    return sum(reply > 0 for reply in replies)


async def wait_for_older_entries(redis: Redis, before: datetime, partitions: int, timeout_s: float) -> bool:
    """Wait until no entry from before that moment is on its way; return False when some still are.

    Entries share their memory with their neighbours, deleted ones too, until all of them are gone.
    """
    millis = int(before.timestamp() * 1000)
    deadline = time.monotonic() + timeout_s
    keys = [spec.key(p) for spec in STREAMS if spec is not DEAD for p in range(partitions)]
    while True:
        heads: list[Any] = [await redis.xrange(key, count=1) for key in keys]
        if all(not rows or parse_id(rows[0][0])[0] > millis for rows in heads):
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.2)


async def rewrite_files(redis: Redis, timeout_s: float = REWRITE_TIMEOUT_S) -> str | None:
    """Make Redis write its append-only file anew and forget its slow log; return why not, None when done."""
    try:
        await redis.slowlog_reset()
    except NoPermissionError as error:
        # It keeps the first 128 characters of arguments, until 128 slower calls have come.
        log.warning("the slow log of redis is not emptied", error=str(error))
    try:
        persistence = await _persistence(redis)
        if not persistence.get("aof_enabled"):
            return None
        deadline = time.monotonic() + timeout_s
        # One that is under way began before the last deletion: ours comes after it.
        while not await _began_rewriting(redis):
            if time.monotonic() > deadline:
                return "another rewrite of the append-only file did not end"
            await asyncio.sleep(0.2)
        while time.monotonic() < deadline:
            persistence = await _persistence(redis)
            if not persistence["aof_rewrite_in_progress"] and not persistence["aof_rewrite_scheduled"]:
                status = str(persistence.get("aof_last_bgrewrite_status"))
                return None if status == "ok" else f"rewriting the append-only file failed: {status}"
            await asyncio.sleep(0.1)
    except NoPermissionError as error:
        return f"this user of Redis may not: {error}"
    return "rewriting the append-only file did not end"


async def _began_rewriting(redis: Redis) -> bool:
    try:
        await redis.bgrewriteaof()
    except ResponseError as error:
        if "in progress" in str(error):
            return False
        raise
    return True


async def _persistence(redis: Redis) -> Mapping[str, Any]:
    info: Mapping[str, Any] = await redis.info("persistence")
    return info
