"""Parked entries: those of a schema version that nobody could read when they came.

They are dead letters with the reason `unsupported_schema`. A consumer that can read one puts it back on its
stream, so after an upgrade nobody has to remember them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from shared.errors import PermanentError, UnsupportedSchema
from shared.events import DeadLetter, decode_event
from shared.logging import get_logger
from shared.runtime.deadletters import DeadLetters
from shared.runtime.tasks import wait_or_stop
from shared.streams import DEAD, EVENT_FIELD, StreamSpec

log = get_logger(__name__)

# During a rolling upgrade an older consumer may park what a newer one, already running, can read.
INTERVAL_S = 15.0
_CHUNK = 20
# What Lua says of an entry with thousands of fields.
_UNPACKABLE = "too many results to unpack"


class ParkedReplayer:
    """Replays what was parked for one group of one family of streams, as far as this version can read it."""

    def __init__(self, redis: Redis, *, spec: StreamSpec, group: str, partitions: int) -> None:
        self._redis = redis
        self._group = group
        self._keys = {spec.key(partition) for partition in range(partitions)}
        self._letters = DeadLetters(redis, partitions)
        self._seen = dict.fromkeys(range(partitions), "-")

    async def run(self, stopping: asyncio.Event) -> None:
        """Replay at once, and then what is parked later, until stopped."""
        while not stopping.is_set():
            try:
                await self.replay()
            except (RedisError, OSError) as error:
                log.warning("parked entries not looked at", error=str(error))
            await wait_or_stop(stopping, INTERVAL_S)

    async def replay(self) -> int:
        """Replay what this version can read of the dead letters not seen before; return how many."""
        replayed = 0
        for partition, seen in self._seen.items():
            start = seen
            while True:
                rows: Any = await self._redis.xrange(DEAD.key(partition), min=start, count=_CHUNK)
                if not rows:
                    break
                for entry_id, fields in rows:
                    if self._is_for_us(fields):
                        replayed += await self._replay_one(f"{partition}-{entry_id.decode()}")
                start = f"({rows[-1][0].decode()}"
                self._seen[partition] = start
        if replayed:
            log.warning("parked entries replayed: this version can read them", entries=replayed)
        return replayed

    async def _replay_one(self, letter_id: str) -> bool:
        """Replay one letter; one that was damaged, or written by hand, keeps no other from its turn."""
        try:
            return await self._letters.replay(letter_id)
        except (PermanentError, ValueError) as error:
            log.error("parked entry cannot be replayed", letter=letter_id, error=str(error))
        except ResponseError as error:
            if _UNPACKABLE not in str(error):
                raise
            log.error("parked entry cannot be replayed", letter=letter_id, error=str(error))
        return False

    def _is_for_us(self, fields: dict[bytes, bytes]) -> bool:
        try:
            letter = decode_event(fields.get(EVENT_FIELD, b""))
            if not isinstance(letter, DeadLetter) or letter.reason != UnsupportedSchema.reason:
                return False
            if letter.group != self._group or letter.stream not in self._keys:
                return False
            decode_event(letter.fields.get(EVENT_FIELD.decode(), b""))
        except PermanentError:
            return False
        return True
