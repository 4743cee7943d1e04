"""From an article to one atomic step in Redis: dedupe, revision, tombstone and XADD in a Lua script.

The fields of the article's hash are told in `shared.runtime.state`. Where Redis does not hold the hashes of
the generation that this process knows, nothing is taken: the outcome is `unrestored`. The script's rules
follow `shared.events.Precedence`, so that what ingest calls accepted is what index keeps:

| submit | against the latest event | outcome |
|---|---|---|
| any, taken down, no restore | | tombstoned |
| any, taken down, restore | | accepted in the next epoch |
| no revision | same content | duplicate |
| no revision | other content, older updated_at | stale |
| no revision | other content | accepted as the next revision |
| revision | higher | accepted |
| revision | equal, same content | duplicate |
| revision | equal, other content, later (updated_at, received_at) | accepted, replaces |
| revision | equal, withheld now | accepted as the next revision: withholding always takes effect |
| revision | otherwise | stale |
| withheld, nothing known | | accepted as revision 2 at least |

How long the hash is kept: what follows an expired hash starts at revision 1 of epoch 0 again, and the index,
which forgets nothing, drops what is lower than it holds. So the hash may go only where that start is enough.

| latest event | its hash |
|---|---|
| revision 0 or 1, epoch 0 | expires `ttl` after the last accepted or duplicate submit |
| any higher revision | is kept |
| restored (epoch 1 and on) | is kept |
| taken down | is kept |

After an expiry the next submit is revision 1, received later, and wins; a takedown is final in epoch 0 and
wins; a withheld one, which has no updated_at to win by, is revision 2 and wins. One case is left: an update
without revision whose updated_at is absent, or before that of the expired event, is superseded at the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from services.ingest.identity import article_id, content_hash
from services.ingest.schema import ReadArticle
from shared.events import ArticleEvent, ArticleRetracted, ArticleSubmitted, Door, Provenance
from shared.receipts import stage_value
from shared.runtime.scripts import Call, Script
from shared.runtime.state import WITHHELD_HASH, microseconds
from shared.streams import EVENT_FIELD, RAW, article_key, partition_of, state_key

Outcome = Literal["accepted", "duplicate", "stale", "tombstoned", "unrestored", "foreign"]

# The event comes without revision and epoch, which only the script knows, and gets them spliced in.
# XADD goes first: were it refused, nothing else has changed.
# KEYS: article hash, raw stream, state marker. ARGV: event, generation, field, content hash, revision or "",
# updated_at, received_at, "1" to restore, "1" if withheld, seconds to keep the hash, receipt value,
# milliseconds now, who submits or "". The reply: outcome, revision, epoch.
# A settled entry may bring an expired hash back as a mere receipt, without rev: that is nothing known.
SUBMIT = Script.of("""
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return {'unrestored', 0, 0} end
local function keep(rev, epoch)
  if rev <= 1 and epoch == 0 then
    redis.call('EXPIRE', KEYS[1], ARGV[10])
  else
    redis.call('PERSIST', KEYS[1])
  end
end
local s = redis.call('HMGET', KEYS[1], 'rev', 'epoch', 'hash', 'tomb', 'upd', 'at')
local seen, rev, epoch = s[1], tonumber(s[1] or '0'), tonumber(s[2] or '0')
local asked, upd, at = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local held_upd, held_at = tonumber(s[5] or '0'), tonumber(s[6] or '0')
local same = s[3] == ARGV[4]
local next_rev
if s[4] then
  if ARGV[8] ~= '1' then return {'tombstoned', rev, epoch} end
  epoch = epoch + 1
  next_rev = asked or rev + 1
elseif not seen then
  next_rev = asked or 1
  if ARGV[9] == '1' and next_rev < 2 then next_rev = 2 end
elseif same and (not asked or asked == rev) then
  redis.call('HINCRBY', KEYS[1], 'duplicates', 1)
  redis.call('HSET', KEYS[1], 'duplicate_at', ARGV[12])
  keep(rev, epoch)
  return {'duplicate', rev, epoch}
elseif not asked then
  if upd > 0 and upd < held_upd then return {'stale', rev, epoch} end
  next_rev = rev + 1
elseif asked > rev then
  next_rev = asked
elseif asked < rev then
  return {'stale', rev, epoch}
elseif ARGV[9] == '1' then
  next_rev = rev + 1
elseif upd > held_upd or (upd == held_upd and at > held_at) then
  next_rev = rev
else
  return {'stale', rev, epoch}
end
local version = string.format('%.0f', epoch) .. '.' .. string.format('%.0f', next_rev)
local head = string.format('{"revision":%.0f,"epoch":%.0f,', next_rev, epoch)
redis.call('XADD', KEYS[2], '*', ARGV[3], head .. string.sub(ARGV[1], 2))
redis.call('HDEL', KEYS[1], 'tomb')
redis.call('HSET', KEYS[1], 'rev', string.format('%.0f', next_rev), 'epoch', epoch, 'hash', ARGV[4],
  'upd', ARGV[6], 'at', ARGV[7], 't:accepted:' .. version, ARGV[11])
if ARGV[13] ~= '' then redis.call('HSET', KEYS[1], 'b:accepted:' .. version, ARGV[13]) end
keep(next_rev, epoch)
return {'accepted', next_rev, epoch}
""")

# A takedown: of its epoch it is final, whatever else arrives. The tombstone never expires.
# KEYS as above. ARGV: event, generation, field, receipt value, who takes it down or "", and that name again
# if it may only take down what it alone has submitted. The reply as above; `foreign` if that is not so.
RETRACT = Script.of("""
if redis.call('GET', KEYS[3]) ~= ARGV[2] then return {'unrestored', 0, 0} end
local s = redis.call('HMGET', KEYS[1], 'rev', 'epoch', 'tomb')
local rev, epoch = tonumber(s[1] or '0'), tonumber(s[2] or '0')
if ARGV[6] ~= '' then
  local seen, fields = false, redis.call('HGETALL', KEYS[1])
  local by = {}
  for i = 1, #fields, 2 do by[fields[i]] = fields[i + 1] end
  for name in pairs(by) do
    if string.sub(name, 1, 11) == 't:accepted:' then
      seen = true
      if by['b' .. string.sub(name, 2)] ~= ARGV[6] then return {'foreign', rev, epoch} end
    end
  end
  if not seen then return {'foreign', rev, epoch} end
end
if s[3] then return {'duplicate', rev, epoch} end
local version = string.format('%.0f', epoch) .. '.' .. string.format('%.0f', rev)
local head = string.format('{"revision":%.0f,"epoch":%.0f,', rev, epoch)
redis.call('XADD', KEYS[2], '*', ARGV[3], head .. string.sub(ARGV[1], 2))
redis.call('HSET', KEYS[1], 'tomb', '1', 'rev', string.format('%.0f', rev), 'epoch', epoch,
  't:retracted:' .. version, ARGV[4])
if ARGV[5] ~= '' then redis.call('HSET', KEYS[1], 'b:retracted:' .. version, ARGV[5]) end
redis.call('PERSIST', KEYS[1])
return {'accepted', rev, epoch}
""")

# Only the script sets these.
_SPLICED = {"revision", "epoch"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Through which door a submit came, from whom, and when; where and when it was fetched, if it was."""

    door: Door
    submitted_by: str | None
    received_at: datetime
    fetched_from: str | None = None
    fetched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One step to run in Redis for one article."""

    article_id: str
    script: Script
    call: Call

    def event(self, submitted: Submitted) -> bytes:
        """Return the event as the script published it when it accepted this."""
        without_version: bytes = self.call.args[0]  # type: ignore[assignment] # by _without_version
        head = f'{{"revision":{submitted.revision},"epoch":{submitted.epoch},'
        return head.encode() + without_version[1:]


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of a submission; `revision` and `epoch` are those of the article's latest event."""

    article_id: str
    outcome: Outcome
    revision: int
    epoch: int


def submission_from_article(
    read: ReadArticle,
    origin: Origin,
    *,
    generation: str,
    restore: bool,
    partitions: int,
    ttl_s: int,
    own_only: bool = False,
    known_id: str | None = None,
) -> Submission:
    """Return the step that submits, withholds or takes down an article, as its `status` says.

    `known_id` is the article's id where the door knows it better than the article says.
    """
    id_ = known_id or article_id(read.article)
    if read.status == "canceled":
        reason = "canceled by its publisher"
        return retraction(
            id_, origin, generation=generation, reason=reason, partitions=partitions, own_only=own_only
        )
    event: ArticleEvent
    if read.status == "withheld":
        hash_ = WITHHELD_HASH
        detail: str | None = "withheld by its publisher"
        event = ArticleRetracted(
            article_id=id_,
            revision=0,
            received_at=origin.received_at,
            withheld=True,
            reason=detail,
            retracted_by=origin.submitted_by,
        )
    else:
        hash_ = content_hash(read.article)
        detail = None
        event = ArticleSubmitted(
            article_id=id_,
            revision=0,
            received_at=origin.received_at,
            content_hash=hash_,
            article=read.article,
            provenance=Provenance(
                door=_door(read, origin),
                format=read.format,
                submitted_by=origin.submitted_by,
                fetched_from=origin.fetched_from,
                fetched_at=origin.fetched_at,
            ),
        )
    updated_at = read.article.updated_at if read.status == "usable" else None
    receipt = stage_value(origin.received_at, detail)
    args = (
        _without_version(event),
        generation,
        EVENT_FIELD,
        hash_,
        "" if read.revision is None else read.revision,
        microseconds(updated_at),
        microseconds(origin.received_at),
        int(restore),
        int(read.status == "withheld"),
        ttl_s,
        receipt,
        receipt.partition("|")[0],
        origin.submitted_by or "",
    )
    return Submission(id_, SUBMIT, Call(_keys(id_, partitions), args))


def _door(read: ReadArticle, origin: Origin) -> Door:
    """Return the door of the article's provenance: ninjs has one of its own where it is posted by itself."""
    return (
        "ninjs" if origin.door == "api" and read.format and read.format.startswith("ninjs") else origin.door
    )


def retraction(
    id_: str,
    origin: Origin,
    *,
    generation: str,
    reason: str | None,
    partitions: int,
    own_only: bool = False,
) -> Submission:
    """Return the step that takes an article down, whether or not it was ever seen.

    With `own_only` its outcome is `foreign` unless the submitter, and nobody else, has submitted the article.
    """
    event = ArticleRetracted(
        article_id=id_,
        revision=0,
        received_at=origin.received_at,
        reason=reason,
        retracted_by=origin.submitted_by,
    )
    receipt = stage_value(origin.received_at, reason)
    by = origin.submitted_by or ""
    args = (_without_version(event), generation, EVENT_FIELD, receipt, by, by if own_only else "")
    return Submission(id_, RETRACT, Call(_keys(id_, partitions), args))


def submitted_from_reply(id_: str, reply: Any) -> Submitted:
    """Return what a script's reply says. Raises RuntimeError for a reply that no script gives."""
    outcome = reply[0].decode()
    if outcome not in get_args(Outcome):
        raise RuntimeError(f"unexpected outcome {outcome!r}")
    return Submitted(id_, outcome, int(reply[1]), int(reply[2]))


def _keys(id_: str, partitions: int) -> tuple[str, str, str]:
    partition = partition_of(id_, partitions)
    return article_key(id_, partitions), RAW.key(partition), state_key(partition)


def _without_version(event: ArticleEvent) -> bytes:
    serializer = type(event).__pydantic_serializer__
    return serializer.to_json(event, exclude=_SPLICED, exclude_none=True)
