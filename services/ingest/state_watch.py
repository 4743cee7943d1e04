"""Watches whether Redis holds what is known of the articles, and gives it back what it lost of the latest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest.recent import RecentSubmits
from shared.erasing import Erased
from shared.events import DeadLetter, decode_event
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.erasing import erased_since
from shared.runtime.scripts import Call, run_all
from shared.runtime.state import RESTORE, marker_value, read_generation, state_from_event
from shared.streams import RAW, partition_of

log = get_logger(__name__)

INTERVAL_S = 0.25
_CHUNK = 200
# Of two index services in a row, the clock of the second may be behind.
_SAME_MOMENT_S = 60.0


class _Sight(NamedTuple):
    """One look: which process Redis is, and of which generation its state."""

    run_id: str
    generation: str | None


class StateWatch:
    """`generation` is the marker of the state in Redis, and empty while nothing can be taken.

    Where the generation or Redis itself has changed, entries that had been acknowledged to a submitter may be
    gone. So what is remembered is published again before anything new is taken; what Redis or the archive
    still know of is passed over by the script.
    """

    def __init__(
        self,
        redis: Redis,
        recent: RecentSubmits,
        *,
        partitions: int,
        ttl_s: int,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self._redis = redis
        self._recent = recent
        self._partitions = partitions
        self._ttl_s = ttl_s
        self._metrics = metrics
        self._now = now
        self._seen: _Sight | None = None
        self._forgotten: set[tuple[str, float]] = set()
        self._erased_to = 0.0
        self.generation = ""

    async def run(self) -> None:
        """Look until cancelled. A Redis that does not answer is the business of the backlog's sampler."""
        while True:
            try:
                await self.look()
            except (RedisError, OSError) as error:
                log.debug("state not read", error=str(error))
            await asyncio.sleep(INTERVAL_S)

    async def look(self) -> None:
        await self._forget_erased()
        info = await self._redis.info("server")
        sight = _Sight(str(info.get("run_id")), await read_generation(self._redis, self._partitions))
        if sight == self._seen:
            return
        self.generation = ""
        if sight.generation is None:
            say = log.info if self._seen is None else log.warning
            say("redis does not hold the state of the articles; the index service is to restore it")
        else:
            if self._seen is not None:
                await self._publish_again()
            self.generation = marker_value(sight.generation, self._partitions)
        self._seen = sight

    async def _forget_erased(self) -> None:
        """Forget articles that were erased, before anything could publish them again."""
        found = await erased_since(self._redis, self._erased_to - _SAME_MOMENT_S)
        new = {id_: epoch for id_, epoch, at in found if (id_, at) not in self._forgotten}
        if new:
            dropped = self._recent.forget(Erased(new))
            log.info("erased articles forgotten", articles=len(new), events=dropped)
        self._forgotten = {(id_, at) for id_, _, at in found}
        self._erased_to = max((at for _, _, at in found), default=self._erased_to)

    def problem(self) -> str | None:
        """Return why nothing can be taken, None when it can. For readiness."""
        if self.generation:
            return None
        return "Redis does not hold the state of the articles; the index service restores it when it runs"

    async def _publish_again(self) -> None:
        events = self._recent.events()
        published = 0
        for start in range(0, len(events), _CHUNK):
            calls = await asyncio.to_thread(self._calls, events[start : start + _CHUNK])
            published += sum(await run_all(self._redis, RESTORE, calls))
        if published:
            log.error(
                "redis had lost accepted articles; they were published again",
                published=published,
                remembered=len(events),
            )
            self._metrics.inc("wireroom_articles_republished_total", published)

    def _calls(self, payloads: Sequence[bytes]) -> list[Call]:
        calls = []
        for payload in payloads:
            event = decode_event(payload)
            if isinstance(event, DeadLetter):
                raise TypeError("a dead letter was remembered as a submit")
            state = state_from_event(event)
            keep_s = state.seconds_to_keep(self._now(), self._ttl_s)
            if keep_s is None or keep_s > 0:
                stream = RAW.key(partition_of(event.article_id, self._partitions))
                calls.append(state.publish_call(payload, stream, partitions=self._partitions, keep_s=keep_s))
        return calls
