"""Dead letters: kept with their bytes until a person replays or discards them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from shared.errors import InvalidEvent, PermanentError, UnexpectedEvent
from shared.events import ArticleEvent, DeadLetter, decode_event
from shared.receipts import stage_field, stage_value
from shared.runtime.lag import parse_id
from shared.runtime.scripts import Call, Script, run_all
from shared.streams import DEAD, EVENT_FIELD, STREAMS, article_key

# Puts the bytes back where they came from and removes the letter, once. XADD goes first: were it refused, the
# letter is still there. KEYS: dead stream, origin stream, [article hash]; ARGV: letter id, n, n receipt
# fields and values, entry fields and values.
_REPLAY = Script.of("""
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return 0 end
local n = tonumber(ARGV[2])
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3 + 2 * n))
redis.call('XDEL', KEYS[1], ARGV[1])
if n > 0 then redis.call('HSET', KEYS[3], unpack(ARGV, 3, 2 + 2 * n)) end
return 1
""")


class DeadLetters:
    """The dead letters of all partitions. An id is `<partition>-<entry id>`, newest first in lists."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions

    async def list(
        self, *, reason: str | None = None, limit: int = 100, before: str | None = None
    ) -> list[tuple[str, DeadLetter]]:
        """Return up to `limit` letters older than `before`, with `reason` if given.

        Raises ValueError if `before` is no dead letter id.
        """
        found: list[tuple[str, DeadLetter]] = []
        for partition in range(self._partitions):
            found.extend(await self._list_partition(partition, reason, limit, before))
        found.sort(key=lambda row: parse_id(row[0].split("-", 1)[1]), reverse=True)
        return found[:limit]

    async def _list_partition(
        self, partition: int, reason: str | None, limit: int, before: str | None
    ) -> Sequence[tuple[str, DeadLetter]]:
        end = "+" if before is None else f"({_split_id(before)[1]}"
        found: list[tuple[str, DeadLetter]] = []
        while len(found) < limit:
            rows = _rows(await self._redis.xrevrange(DEAD.key(partition), max=end, min="-", count=200))
            for entry_id, fields in rows:
                letter = _decode(entry_id, fields)
                if reason is None or letter.reason == reason:
                    found.append((f"{partition}-{entry_id.decode()}", letter))
            if len(rows) < 200:
                break
            end = f"({rows[-1][0].decode()}"
        return found[:limit]

    async def count(self) -> int:
        total = 0
        for partition in range(self._partitions):
            total += int(await self._redis.xlen(DEAD.key(partition)))
        return total

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Raises ValueError if `letter_id` is no dead letter id."""
        partition, entry_id = _split_id(letter_id)
        rows = _rows(await self._redis.xrange(DEAD.key(partition), min=entry_id, max=entry_id))
        return _decode(*rows[0]) if rows else None

    async def replay(self, letter_id: str) -> bool:
        """Put the entry back on its stream; False if there is no such letter (any more)."""
        letter = await self.get(letter_id)
        if letter is None:
            return False
        partition, entry_id = _split_id(letter_id)
        if letter.stream not in {spec.key(partition) for spec in STREAMS}:
            raise InvalidEvent(f"dead letter {letter_id} names an unknown stream {letter.stream!r}")
        keys: tuple[str, ...] = (DEAD.key(partition), letter.stream)
        receipt: tuple[str, ...] = ()
        event = _event_in(letter)
        if event is not None:
            keys += (article_key(event.article_id, self._partitions),)
            receipt = stage_field("replayed", event.epoch, event.revision), stage_value(datetime.now(UTC))
        entry: list[bytes] = []
        for name, value in letter.fields.items():
            entry += [name.encode("latin-1"), value]
        (moved,) = await run_all(
            self._redis,
            _REPLAY,
            [
                Call(keys, (entry_id, len(receipt) // 2, *receipt, *entry)),
            ],
        )
        return bool(moved)

    async def discard(self, letter_id: str) -> bool:
        """Delete the letter for good; False if there is no such letter."""
        partition, entry_id = _split_id(letter_id)
        return bool(await self._redis.xdel(DEAD.key(partition), entry_id))


def _event_in(letter: DeadLetter) -> ArticleEvent | None:
    try:
        event = decode_event(letter.fields.get(EVENT_FIELD.decode(), b""))
    except PermanentError:  # replayed because another version may be able to read it
        return None
    return None if isinstance(event, DeadLetter) else event


def _rows(reply: Any) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Return a range reply with the types that a client without decode_responses really gives."""
    return list(reply or ())


def _decode(entry_id: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    """Return the letter; one that cannot be read, since another version wrote it, as one that says so."""
    try:
        event = decode_event(fields.get(EVENT_FIELD, b""))
        if isinstance(event, DeadLetter):
            return event
        raise UnexpectedEvent(f"{type(event).__name__} found among dead letters")
    except PermanentError as error:
        return DeadLetter(
            stream="unknown",
            group="unknown",
            entry_id=entry_id.decode(),
            reason=error.reason,
            error=f"this dead letter cannot be read: {error}",
            attempts=0,
            died_at=datetime.fromtimestamp(parse_id(entry_id)[0] / 1000, UTC),
            fields={name.decode("latin-1"): value for name, value in fields.items()},
        )


def _split_id(letter_id: str) -> tuple[int, str]:
    partition, _, entry_id = letter_id.partition("-")
    millis, _, sequence = entry_id.partition("-")
    if not (partition.isdecimal() and millis.isdecimal() and sequence.isdecimal()) or len(letter_id) > 60:
        raise ValueError(f"{letter_id!r} is no dead letter id; they look like 0-1700000000000-0")
    return int(partition), entry_id
