"""The corpus gives way when Redis has no memory left: articles on their way matter more than related links.

Nothing is taken in while memory is short, so nothing would push old articles out of the corpus either; a
corpus that fills the memory would keep the pipeline closed for good.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from shared.logging import get_logger
from shared.runtime.scripts import Call, Script, run_all

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = get_logger(__name__)

# Of maxmemory. Ingest takes articles again at 81% (shared.runtime.backpressure: 0.95 of 85%).
ENOUGH: Final = 0.78
_AT_ONCE: Final = 50
_PAUSE_S: Final = 0.2


class Room:
    """Takes the oldest articles out of the corpus until there is room; `evict` is the script that does so."""

    def __init__(self, redis: Redis, evict: Script, prefix: bytes) -> None:
        self._redis = redis
        self._evict = evict
        self._prefix = prefix
        self._making: asyncio.Task[None] | None = None

    def refused(self, articles: int) -> None:
        """Note that so many articles found no room; begin to make some, unless that is under way."""
        log.warning("no room in redis for related articles; these have none", articles=articles)
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(self._make())

    async def _make(self) -> None:
        evicted = 0
        try:
            while await self._short():
                call = Call((self._prefix,), (_AT_ONCE,))
                ((count, left),) = await run_all(self._redis, self._evict, [call])
                evicted += count
                if not left:
                    break
                # Other workers may be at it as well, and what is freed is not seen at once.
                await asyncio.sleep(_PAUSE_S)
        except (RedisError, OSError) as error:
            log.warning("no room made", error=str(error))
        if evicted:
            log.warning("the oldest articles are related to nothing any more", articles=evicted)

    async def _short(self) -> bool:
        memory = await self._redis.info("memory")
        limit = int(memory.get("maxmemory", 0))
        return bool(limit) and int(memory["used_memory"]) > ENOUGH * limit
