"""The memory of a feed's entries in Redis: what each said last, and which article it became.

A hash per feed, from an entry's key to 29 bytes: the digest of what it said (8), its article's id (16), when
it was last in the feed (4, seconds), and how often its page could not be had (1). It is bounded: what has not
been in the feed for longest goes first, and never what is in it now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from redis.asyncio import Redis

from services.ingest.feeds.entry_keys import DIGEST_BYTES
from services.ingest.feeds.store import seen_key

MOST_REMEMBERED = 5_000
_LENGTH = DIGEST_BYTES + 16 + 4 + 1


class Seen(NamedTuple):
    """What is remembered of an entry. An empty digest equals none: the entry is looked at again."""

    digest: bytes
    article_id: str
    at_s: int
    page_failures: int = 0

    def packed(self) -> bytes:
        return (
            (self.digest or bytes(DIGEST_BYTES))
            + bytes.fromhex(self.article_id)
            + self.at_s.to_bytes(4, "big")
            + bytes([min(self.page_failures, 255)])
        )


def seen_from_bytes(value: bytes) -> Seen | None:
    if len(value) != _LENGTH:
        return None
    at = DIGEST_BYTES
    return Seen(
        value[:at], value[at : at + 16].hex(), int.from_bytes(value[at + 16 : at + 20], "big"), value[-1]
    )


class SeenEntries:
    """The memory of one feed's entries."""

    def __init__(self, redis: Redis, feed_id: str) -> None:
        self._redis = redis
        self._key = seen_key(feed_id)

    async def look_up(self, keys: Sequence[bytes]) -> list[Seen | None]:
        if not keys:
            return []
        values: Any = await self._redis.hmget(self._key, list(keys))
        return [None if value is None else seen_from_bytes(value) for value in values]

    async def remember(self, entries: Mapping[bytes, Seen]) -> None:
        if entries:
            mapping = {key: seen.packed() for key, seen in entries.items()}
            await self._redis.hset(self._key, mapping=mapping)  # type: ignore[arg-type]

    async def forget_oldest(self, keep: int = MOST_REMEMBERED) -> int:
        """Leave the `keep` entries that were in the feed last; return how many went."""
        if await self._redis.hlen(self._key) <= keep:
            return 0
        held: Any = await self._redis.hgetall(self._key)
        ages = sorted(held, key=lambda key: held[key][DIGEST_BYTES + 16 : DIGEST_BYTES + 20])
        # A tenth more than needed, so that it need not be done at every poll.
        going = ages[: len(ages) - keep + keep // 10]
        await self._redis.hdel(self._key, *going)
        return len(going)
