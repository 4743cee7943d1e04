"""What Redis knows of each article, and how a Redis that has lost it is given it back.

The article's hash (`shared.streams.article_key`) holds, beside the receipt, what decides about the next
submit: `rev` and `epoch` of the latest event, `hash` of its content, `upd` and `at` (updated_at and
received_at in microseconds since 1970, 0 for none), and `tomb` while the article is taken down.

A Redis that was flushed, replaced or restored would take a correction for a first revision, and what was
taken down for something new. So each partition has a marker (`shared.streams.state_key`) that says: the
hashes are here. Its value, the generation, is new each time they were restored. Only the index service sets
it, after it has merged what the archive and the streams hold; without it ingest takes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis.asyncio import Redis

from shared.events import ArticleEnriched, ArticleRetracted
from shared.instants import instant_of, microseconds_of
from shared.receipts import Stage, by_field, stage_field, stage_value
from shared.runtime.delivery import ArticleEventType
from shared.runtime.scripts import Call, Script, run_all
from shared.streams import EVENT_FIELD, article_key, restoring_key, state_key

# Of a withheld article no content is known that could be the same.
WITHHELD_HASH = "withheld"

# Takes the given state unless the hash holds the same or a later one (shared.events.Precedence).
# KEYS: article hash, [stream]. ARGV: epoch, final, rev, upd, at, content hash or "", seconds to keep the hash
# or "", n, n receipt fields and values, [fields and values of the entry to publish if the state was taken].
RESTORE = Script.of("""
local s = redis.call('HMGET', KEYS[1], 'epoch', 'tomb', 'rev', 'upd', 'at')
local n = tonumber(ARGV[8])
local taken = 1
if s[3] then
  local held = {s[1] or '0', s[2] and '1' or '0', s[3], s[4] or '0', s[5] or '0'}
  for i = 1, 5 do
    local given, mine = tonumber(ARGV[i]), tonumber(held[i])
    if given > mine then break end
    -- Two takedowns of one epoch are one; the times in the hash are those of the article before it.
    if given < mine or i == 5 or (i == 2 and given == 1) then taken = 0 break end
  end
end
if taken == 1 then
  if KEYS[2] then redis.call('XADD', KEYS[2], '*', unpack(ARGV, 9 + 2 * n)) end
  if ARGV[2] == '1' then
    redis.call('HSET', KEYS[1], 'tomb', '1')
    if not s[3] then redis.call('HSET', KEYS[1], 'rev', ARGV[3]) end
  else
    redis.call('HDEL', KEYS[1], 'tomb')
    redis.call('HSET', KEYS[1], 'rev', ARGV[3], 'hash', ARGV[6], 'upd', ARGV[4], 'at', ARGV[5])
  end
  redis.call('HSET', KEYS[1], 'epoch', ARGV[1])
  if ARGV[7] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('EXPIRE', KEYS[1], ARGV[7]) end
end
for i = 9, 7 + 2 * n, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end
return taken
""")

# KEYS: token, marker. ARGV: token, value of the marker.
_MARK = Script.of("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[1])
return 1
""")


@dataclass(frozen=True, slots=True)
class ArticleState:
    """What an article's hash says after one event. `receipt` are fields of the hash and their values."""

    article_id: str
    epoch: int
    final: bool
    revision: int
    updated_us: int
    received_us: int
    content_hash: str
    receipt: tuple[str, ...] = ()

    def seconds_to_keep(self, now: datetime, ttl_s: int) -> int | None:
        """Return for how long the hash is still kept, None for ever; 0 or less when its time is over.

        Only a first revision may be forgotten: what follows it starts as a first revision again, and wins.
        """
        if self.final or self.epoch > 0 or self.revision > 1:
            return None
        age = now - instant_of(self.received_us)
        return ttl_s - int(age.total_seconds())

    def restore_call(self, *, partitions: int, keep_s: int | None) -> Call:
        """Return the call of RESTORE that merges this state into the article's hash."""
        return Call(
            (article_key(self.article_id, partitions),),
            (
                self.epoch, int(self.final), self.revision, self.updated_us, self.received_us,
                self.content_hash, "" if keep_s is None else keep_s, len(self.receipt) // 2, *self.receipt,
            ),
        )  # fmt: skip

    def publish_call(self, event: bytes, stream: str, *, partitions: int, keep_s: int | None) -> Call:
        """Return the call that merges this state and, if it was not known yet, publishes its event."""
        merge = self.restore_call(partitions=partitions, keep_s=keep_s)
        return Call((*merge.keys, stream), (*merge.args, EVENT_FIELD, event))


def state_from_event(event: ArticleEventType) -> ArticleState:
    """Return what ingest wrote into the hash when it accepted what became `event`."""
    if isinstance(event, ArticleRetracted):
        return state_of_retraction(
            event.article_id,
            epoch=event.epoch,
            revision=event.revision,
            received_at=event.received_at,
            withheld=event.withheld,
            reason=event.reason,
            by=event.retracted_by,
        )
    if isinstance(event, ArticleEnriched):
        submitted, enriched_at = event.submitted, event.article.enriched_at
        provenance = event.article.provenance
    else:
        submitted, enriched_at, provenance = event.article, None, event.provenance
    return state_of_article(
        event.article_id,
        epoch=event.epoch,
        revision=event.revision,
        received_at=event.received_at,
        updated_at=submitted.updated_at,
        content_hash=event.content_hash,
        enriched_at=enriched_at,
        by=provenance.submitted_by,
    )


def state_of_article(
    article_id: str,
    *,
    epoch: int,
    revision: int,
    received_at: datetime,
    updated_at: datetime | None,
    content_hash: str,
    enriched_at: datetime | None = None,
    by: str | None = None,
) -> ArticleState:
    """Return the state after a usable article. `updated_at` is the publisher's, as submitted."""
    receipt = [stage_field("accepted", epoch, revision), stage_value(received_at)]
    if by:
        receipt += [by_field("accepted", epoch, revision), by]
    if enriched_at is not None:
        receipt += [stage_field("enriched", epoch, revision), stage_value(enriched_at)]
    return ArticleState(
        article_id=article_id,
        epoch=epoch,
        final=False,
        revision=revision,
        updated_us=microseconds(updated_at),
        received_us=microseconds(received_at),
        content_hash=content_hash,
        receipt=tuple(receipt),
    )


def state_of_retraction(
    article_id: str,
    *,
    epoch: int,
    revision: int,
    received_at: datetime,
    withheld: bool,
    reason: str | None,
    by: str | None = None,
) -> ArticleState:
    """Return the state after a takedown, or after an article was withheld."""
    stage: Stage = "accepted" if withheld else "retracted"
    receipt = [stage_field(stage, epoch, revision), stage_value(received_at, reason)]
    if by:
        receipt += [by_field(stage, epoch, revision), by]
    return ArticleState(
        article_id=article_id,
        epoch=epoch,
        final=not withheld,
        revision=revision,
        updated_us=0,
        received_us=microseconds(received_at),
        content_hash=WITHHELD_HASH if withheld else "",
        receipt=tuple(receipt),
    )


def microseconds(at: datetime | None) -> int:
    """Return microseconds since 1970, 0 for no instant."""
    return 0 if at is None else microseconds_of(at)


async def read_generation(redis: Redis, partitions: int) -> str | None:
    """Return the generation that all partitions agree on; None while any of them lacks its state.

    With another number of partitions the articles have other keys, so that state is none.
    """
    pipeline = redis.pipeline(transaction=False)
    for partition in range(partitions):
        pipeline.get(state_key(partition))
    found: set[Any] = set(await pipeline.execute())
    marker = found.pop()
    if found or marker is None:
        return None
    count, _, generation = marker.decode().partition(":")
    return generation if count == str(partitions) else None


async def begin_restoring(redis: Redis, partitions: int, token: str) -> None:
    """Take the markers away, and leave a token: `write_generation` sees by it that nothing was lost since."""
    pipeline = redis.pipeline(transaction=False)
    for partition in range(partitions):
        pipeline.delete(state_key(partition))
        pipeline.set(restoring_key(partition), token)
    await pipeline.execute()


async def write_generation(redis: Redis, partitions: int, token: str) -> bool:
    """Say that the hashes of all partitions are here; the token becomes the generation.

    Returns False, and leaves the marker away, where the token is gone: Redis was emptied meanwhile.
    """
    args = token, marker_value(token, partitions)
    calls = [Call((restoring_key(p), state_key(p)), args) for p in range(partitions)]
    return all(await run_all(redis, _MARK, calls))


def marker_value(generation: str, partitions: int) -> str:
    return f"{partitions}:{generation}"
