"""Feeds in Redis: what is kept of them, when each is due, and who polls it now.

A feed that is due is claimed by setting when it is due again to the end of a lease, in one step. So whoever
dies while polling has put it off until then, and however many replicas there are, one of them polls it. What
a poll found is saved only by whoever holds the lease still. Times are those of Redis.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic_core import to_json
from redis.asyncio import Redis

from services.ingest.feeds.record import FeedConfig, FeedRecord, FeedState, WebSub
from shared.runtime.scripts import Call, Script, run_all

PREFIX = "feed:{feeds}:"
DUE = "feeds:{feeds}:due"
URLS = "feeds:{feeds}:urls"
# Longer than the page of an entry may take; whoever polls renews it each BEAT_S seconds.
LEASE_S = 45.0
BEAT_S = 10.0

_NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + math.floor(t[2] / 1000) "
# KEYS: urls, due, feed. ARGV: url, id, config, state. Returns the id that the URL has, and 1 if it is new.
_ADD = Script.of(
    _NOW
    + """
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then return {held, 0} end
if redis.call('EXISTS', KEYS[3]) == 1 then return {ARGV[2], 0} end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[3], 'config', ARGV[3], 'state', ARGV[4])
redis.call('ZADD', KEYS[2], now, ARGV[2])
return {ARGV[2], 1}
"""
)
# KEYS: due. ARGV: prefix of feeds, most, milliseconds of lease. Returns ids, each with its lease.
_CLAIM = Script.of(
    _NOW
    + """
local claimed = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])) do
  if redis.call('EXISTS', ARGV[1] .. id) == 1 then
    local lease = string.format('%.0f', now + ARGV[3])
    redis.call('ZADD', KEYS[1], lease, id)
    redis.call('HSET', ARGV[1] .. id, 'lease', lease)
    table.insert(claimed, {id, lease})
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return claimed
"""
)
# Claims one feed out of its turn. KEYS: due, feed. ARGV: id, milliseconds of lease. Returns the lease or "".
_CLAIM_ONE = Script.of(
    _NOW
    + """
if redis.call('EXISTS', KEYS[2]) == 0 then return '' end
local held = redis.call('HGET', KEYS[2], 'lease')
if held and tonumber(held) > now then return '' end
local lease = string.format('%.0f', now + ARGV[2])
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'lease', lease, 'due', due or '')
if due then redis.call('ZADD', KEYS[1], lease, ARGV[1]) end
return lease
"""
)
# KEYS: due, feed. ARGV: id, lease, milliseconds of lease. Returns the new lease, or "" if it was lost.
_RENEW = Script.of(
    _NOW
    + """
if redis.call('HGET', KEYS[2], 'lease') ~= ARGV[2] then return '' end
local lease = string.format('%.0f', now + ARGV[3])
redis.call('HSET', KEYS[2], 'lease', lease)
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then redis.call('ZADD', KEYS[1], lease, ARGV[1]) end
return lease
"""
)
# KEYS: due, feed. ARGV: id, lease, state or "", when the next poll is (in so many milliseconds, "" for never,
# "keep" for when it was due before), "1" if this was a poll.
# Returns 0 if the lease was lost: then nothing is saved.
_RELEASE = Script.of(
    _NOW
    + """
if redis.call('HGET', KEYS[2], 'lease') ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'state', ARGV[3]) end
local again, due = redis.call('HGET', KEYS[2], 'again'), redis.call('HGET', KEYS[2], 'due')
redis.call('HDEL', KEYS[2], 'lease', 'due')
if ARGV[5] == '1' then redis.call('HINCRBY', KEYS[2], 'polls', 1) end
if again then
  redis.call('HDEL', KEYS[2], 'again')
  redis.call('ZADD', KEYS[1], now, ARGV[1])
elseif ARGV[4] == 'keep' then
  if due and due ~= '' then redis.call('ZADD', KEYS[1], due, ARGV[1]) end
elseif ARGV[4] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
end
return 1
"""
)
# KEYS: due, feed. ARGV: id. Returns which poll will be the first to begin after this call; -1 without feed.
_POLL_NOW = Script.of(
    _NOW
    + """
if redis.call('EXISTS', KEYS[2]) == 0 then return -1 end
local polls = tonumber(redis.call('HGET', KEYS[2], 'polls') or '0')
local held = redis.call('HGET', KEYS[2], 'lease')
if held and tonumber(held) > now then
  redis.call('HSET', KEYS[2], 'again', '1')
  return polls + 2
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
return polls + 1
"""
)
# KEYS: urls, due, feed, seen. ARGV: id. Returns whether there was one.
_REMOVE = Script.of("""
local urls = redis.call('HGETALL', KEYS[1])
for i = 1, #urls, 2 do
  if urls[i + 1] == ARGV[1] then redis.call('HDEL', KEYS[1], urls[i]) end
end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[4])
return redis.call('DEL', KEYS[3])
""")
# KEYS: urls. ARGV: new url, id. Returns the id that the URL belongs to now.
_MOVE = Script.of("""
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then return held end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return ARGV[2]
""")
# KEYS: feed. ARGV: field, new value ("" to delete), the value that it must have ("" for any).
_SET_IF = Script.of("""
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if ARGV[3] ~= '' and redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[3] then return 0 end
if ARGV[2] == '' then redis.call('HDEL', KEYS[1], ARGV[1])
else redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 1
""")


class Claim(NamedTuple):
    """The right to poll one feed, for as long as the lease lasts."""

    feed_id: str
    lease: bytes


def feed_key(id_: str) -> str:
    return f"{PREFIX}{id_}"


def seen_key(id_: str) -> str:
    return f"{PREFIX}{id_}:seen"


class FeedStore:
    """Feeds in Redis. Each method raises redis's errors when Redis does not answer."""

    def __init__(self, redis: Redis, *, lease_s: float = LEASE_S) -> None:
        self._redis = redis
        self._lease_ms = int(lease_s * 1000)

    async def add(self, id_: str, config: FeedConfig) -> tuple[str, bool]:
        """Keep a feed, due at once. Returns its id, and False if its URL was known: then nothing changes."""
        state = FeedState(url=config.url)
        keys = (URLS, DUE, feed_key(id_))
        held, new = await self._run(_ADD, keys, config.url, id_, _json(config), _json(state))
        return held.decode(), bool(new)

    async def configure(self, id_: str, config: FeedConfig) -> bool:
        """Replace what the operator says of a feed. Returns False when there is none."""
        return bool(await self._run(_SET_IF, (feed_key(id_),), "config", _json(config), ""))

    async def remove(self, id_: str) -> bool:
        return bool(await self._run(_REMOVE, (URLS, DUE, feed_key(id_), seen_key(id_)), id_))

    async def get(self, id_: str) -> FeedRecord | None:
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.hgetall(feed_key(id_))
        pipeline.zscore(DUE, id_)
        fields, due = await pipeline.execute()
        return _record(id_, fields, due)

    async def all(self) -> list[FeedRecord]:
        """Return all feeds, in the order of their URLs."""
        held: Any = await self._redis.hvals(URLS)
        ids = sorted({id_.decode() for id_ in held})
        pipeline = self._redis.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hgetall(feed_key(id_))
            pipeline.zscore(DUE, id_)
        replies = await pipeline.execute() if ids else []
        records = (
            _record(id_, fields, due)
            for id_, fields, due in zip(ids, replies[::2], replies[1::2], strict=True)
        )
        return sorted((record for record in records if record is not None), key=lambda r: r.config.url)

    async def claim(self, most: int) -> list[Claim]:
        """Claim up to `most` feeds that are due, those that waited longest first."""
        claimed = await self._run(_CLAIM, (DUE,), PREFIX, most, self._lease_ms)
        return [Claim(id_.decode(), lease) for id_, lease in claimed]

    async def claim_one(self, id_: str) -> Claim | None:
        """Claim a feed that need not be due; None while it is being polled, or when there is none."""
        lease = await self._run(_CLAIM_ONE, (DUE, feed_key(id_)), id_, self._lease_ms)
        return Claim(id_, lease) if lease else None

    async def renew(self, claim: Claim) -> Claim | None:
        """Return the claim with a new lease; None when it was lost."""
        keys = (DUE, feed_key(claim.feed_id))
        lease = await self._run(_RENEW, keys, claim.feed_id, claim.lease, self._lease_ms)
        return claim._replace(lease=lease) if lease else None

    async def save(
        self, claim: Claim, state: FeedState, next_in_s: float | None, *, counts: bool = True
    ) -> bool:
        """End a poll; `next_in_s` None stops polling. Returns False when the lease was lost meanwhile."""
        next_ms = "" if next_in_s is None else int(next_in_s * 1000)
        return await self._release(claim, _json(state), next_ms, counts=counts)

    async def give_back(self, claim: Claim, state: FeedState | None = None) -> bool:
        """End a claim that was no poll: the feed is due when it was due before."""
        return await self._release(claim, b"" if state is None else _json(state), "keep")

    async def hand_over(self, claim: Claim) -> bool:
        """End a poll before it was done, so that another process begins anew at once."""
        return await self._release(claim, b"", 0)

    async def _release(self, claim: Claim, state: bytes, next_: str | int, *, counts: bool = False) -> bool:
        keys = (DUE, feed_key(claim.feed_id))
        args = (claim.feed_id, claim.lease, state, next_, int(counts))
        return bool(await self._run(_RELEASE, keys, *args))

    async def poll_now(self, *ids: str) -> dict[str, int]:
        """Make feeds due. Returns how many polls each has had once one has begun and ended after this."""
        replies = await run_all(self._redis, _POLL_NOW, [Call((DUE, feed_key(id_)), (id_,)) for id_ in ids])
        return {id_: polls for id_, polls in zip(ids, replies, strict=True) if polls >= 0}

    async def move(self, id_: str, url: str) -> str:
        """Let a feed have another URL. Returns the id of the feed that has it then, maybe another's."""
        owner: bytes = await self._run(_MOVE, (URLS,), url, id_)
        return owner.decode()

    async def set_websub(self, id_: str, websub: WebSub | None, *, instead_of: WebSub | None = None) -> bool:
        """Keep a subscription, where `instead_of` is given only if it is what is kept now."""
        value = b"" if websub is None else _json(websub)
        given = b"" if instead_of is None else _json(instead_of)
        return bool(await self._run(_SET_IF, (feed_key(id_),), "websub", value, given))

    async def _run(self, script: Script, keys: tuple[str, ...], *args: str | bytes | float) -> Any:
        return (await run_all(self._redis, script, [Call(keys, args)]))[0]


def _json(value: FeedConfig | FeedState | WebSub) -> bytes:
    return to_json(value, exclude_none=True)


def _record(id_: str, fields: dict[bytes, bytes], due: float | None) -> FeedRecord | None:
    if b"config" not in fields:
        return None
    config = FeedConfig.model_validate_json(fields[b"config"])
    websub = fields.get(b"websub")
    return FeedRecord(
        id=id_,
        config=config,
        state=FeedState.model_validate_json(fields[b"state"])
        if b"state" in fields
        else FeedState(url=config.url),
        websub=None if websub is None else WebSub.model_validate_json(websub),
        polls=int(fields.get(b"polls", 0)),
        polling=b"lease" in fields,
        next_poll_at=None if due is None else datetime.fromtimestamp(due / 1000, UTC),
    )
