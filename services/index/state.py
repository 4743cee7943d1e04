"""Gives Redis back what it should know of the articles, from the archive and from what is on the streams.

See `shared.runtime.state` for what that is, and for the marker that says it is there. The generation is also
kept in DATA/index/STATE, so that a Redis that belongs to another archive is told from ours.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.index.archive import Archive
from services.index.archive_reading import ArchiveReader
from services.index.known_states import archived_states, state_from_entry
from shared.clock import utc_now
from shared.durable import write_durably
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.groups import ensure_groups
from shared.runtime.lag import read_lags, read_unacknowledged
from shared.runtime.lost_streams import forget_unindexed, lost_partitions
from shared.runtime.scripts import run_all
from shared.runtime.state import (
    RESTORE,
    ArticleState,
    begin_restoring,
    read_generation,
    write_generation,
)
from shared.streams import DEAD, STREAMS, StreamSpec

log = get_logger(__name__)

INTERVAL_S = 0.5
_LOST_STATE = "redis has lost its state"
_LOST_STREAM = "redis has lost a consumer group, or a stream with its group"
_FOREIGN = "redis belongs to another archive"
# What `wireroom restore` writes into STATE: no generation, and no loss to tell of.
RESTORED = "restored"
_CHUNK = 500


class StateRestorer:
    """Watches the marker, and restores the state when it is missing.

    `writing` is held by whoever stores batches; `batch_timeout_s` is how long storing one may take.
    """

    def __init__(
        self,
        redis: Redis,
        archive: Archive,
        writing: asyncio.Lock,
        *,
        file: Path,
        partitions: int,
        ttl_s: int,
        batch_timeout_s: float,
        metrics: Metrics,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._redis = redis
        self._archive = archive
        self._writing = writing
        self._file = file
        self._partitions = partitions
        self._ttl_s = ttl_s
        self._batch_timeout_s = batch_timeout_s
        self._metrics = metrics
        self._now = now
        self._in_flight: int | None = None
        self._reader: ArchiveReader | None = None
        self._read_again_at = 0.0
        self._told = False
        self.reading = asyncio.Lock()
        """Held while it matters how far the archive was read."""
        self._problem: str | None = "it was not looked at yet whether Redis holds the state of the articles"

    async def check(self) -> str | None:
        """Return what is wrong, for readiness."""
        return self._problem

    async def run(self) -> None:
        """Look until cancelled; what fails is tried again."""
        while True:
            try:
                await self.look()
            except (RedisError, OSError) as error:
                log.warning("state of the articles not looked at", error=str(error))
            except Exception as error:
                # Nothing is taken in while the state is missing, so this loop must go on.
                self._problem = (
                    f"the state of the articles cannot be restored: {type(error).__name__}: {error}"
                )
                log.exception("state of the articles not restored")
            await asyncio.sleep(INTERVAL_S)

    async def look(self) -> None:
        """Restore the state if Redis lacks it, else note what is in flight."""
        async with self.reading:
            await self._look()

    async def _look(self) -> None:
        if lost := await lost_partitions(self._redis, self._partitions):
            await self._restore(_LOST_STREAM, lost=lost)
            return
        held, own = await read_generation(self._redis, self._partitions), self._own_generation()
        if held is not None and own is None and self._archive.stats().size_bytes:
            # The index directory was lost and made anew; the archive, and so Redis, is still ours.
            write_durably(self._file, held + "\n")
        elif held is None or held != own:
            what = _LOST_STATE if held is None else _FOREIGN
            await self._restore(what, told=own == RESTORED)
            return
        self._problem = None
        self._told = False
        await self._note_in_flight()
        if self._reader is not None and time.monotonic() > self._read_again_at:
            # What was being stored when the state was lost is in the archive by now.
            reader, self._reader = self._reader, self._archive.read(self._reader.position)
            await self._merge(archived_states(reader))
            self._reader = None

    def read_anew(self) -> None:
        """Forget how far the archive was read: it is being changed by whoever holds `reading`."""
        if self._reader is not None:
            self._reader = self._archive.read()

    def _own_generation(self) -> str | None:
        try:
            return self._file.read_text(encoding="ascii").strip() or None
        except (FileNotFoundError, ValueError):
            return None

    async def _note_in_flight(self) -> None:
        lags = await read_lags(self._redis, self._partitions)
        if len(lags) < sum(len(spec.groups) for spec in STREAMS) * self._partitions:
            return  # a group has gone: what was there before is what may be lost
        letters = [await self._redis.xlen(DEAD.key(partition)) for partition in range(self._partitions)]
        self._in_flight = sum(lag.backlog for lag in lags) + sum(letters)

    async def _restore(self, what: str, *, lost: Sequence[int] = (), told: bool = False) -> None:
        """Make the hashes say what the archive and the streams do; `told`: a person has restored a backup.

        Of `lost` partitions, what may have been on its way is forgotten before the marker that says so is.
        """
        self._problem = "Redis does not hold the state of the articles; it is being restored from the archive"
        if not told and not self._told and (what != _LOST_STATE or self._archive.stats().size_bytes):
            self._tell_loss(what)
        began = time.monotonic()
        for partition in lost:
            await forget_unindexed(self._redis, partition)
        # Made before there is a token: to whoever makes one later, it would look lost.
        await ensure_groups(self._redis, self._partitions)
        generation = secrets.token_hex(16)
        await begin_restoring(self._redis, self._partitions, generation)
        if what == _FOREIGN:
            await self._forget_articles()
        reader = self._archive.read()
        records = await self._merge(archived_states(reader))
        entries = await self._merge_streams()
        async with self._writing:
            records += await self._merge(archived_states(reader))
            write_durably(self._file, generation + "\n")
            if not await write_generation(self._redis, self._partitions, generation):
                log.warning("redis was emptied while its state was restored; it is done again")
                return
        self._reader, self._read_again_at = reader, time.monotonic() + self._batch_timeout_s
        self._problem = None
        log.info(
            "the state of the articles is in redis",
            records=records,
            entries=entries,
            damaged_frames=reader.damaged_frames,
            damaged_records=reader.damaged_records,
            seconds=round(time.monotonic() - began, 3),
        )

    def _tell_loss(self, what: str) -> None:
        """Say it once, however often the restoration is tried."""
        log.error(
            f"{what}: entries in flight and dead letters are gone, except for what ingest publishes again; "
            "revisions, takedowns and receipts are restored from the archive",
            entries_lost_at_most="unknown" if self._in_flight is None else self._in_flight,
        )
        self._metrics.inc("wireroom_state_losses_total")
        self._metrics.inc("wireroom_state_lost_entries_total", self._in_flight or 0)
        self._in_flight = None
        self._told = True

    async def _forget_articles(self) -> None:
        """Delete hashes of articles that our archive may lack, or sending them again would change nothing.

        Takedowns stay: they are final whoever keeps the article.
        """
        batch: list[bytes] = []
        async for key in self._redis.scan_iter(match="article:{*", count=1000):
            batch.append(key)
            if len(batch) >= _CHUNK:
                await self._forget(batch)
                batch = []
        await self._forget(batch)

    async def _forget(self, keys: list[bytes]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for key in keys:
            pipeline.hexists(key, "tomb")
        gone = [key for key, final in zip(keys, await pipeline.execute(), strict=True) if not final]
        if gone:
            await self._redis.unlink(*gone)

    async def _merge(self, states: Iterator[ArticleState]) -> int:
        """Merge all states and return how many there were."""
        count = 0
        while chunk := await asyncio.to_thread(lambda: list(islice(states, _CHUNK))):
            await self._merge_chunk(chunk)
            count += len(chunk)
        return count

    async def _merge_chunk(self, states: Iterable[ArticleState]) -> None:
        calls = []
        for state in states:
            keep_s = state.seconds_to_keep(self._now(), self._ttl_s)
            if keep_s is None or keep_s > 0:
                calls.append(state.restore_call(partitions=self._partitions, keep_s=keep_s))
        await run_all(self._redis, RESTORE, calls)

    async def _merge_streams(self) -> int:
        """Merge what is on its way and what is dead, which the archive does not have. Return how many."""
        # Dead letters once more at the end: one that is replayed meanwhile is in neither place otherwise.
        places = [(spec, partition) for spec in (DEAD, *STREAMS) for partition in range(self._partitions)]
        return sum([await self._merge_stream(spec, partition) for spec, partition in places])

    async def _merge_stream(self, spec: StreamSpec, partition: int) -> int:
        # What is acknowledged went on to the next stream, and is no more than that one knows: it may be gone.
        left = await read_unacknowledged(self._redis, spec, partition)
        count, start = 0, "-"
        while True:
            rows: Any = await self._redis.xrange(spec.key(partition), min=start, count=_CHUNK)
            if not rows:
                return count
            found = (state_from_entry(fields) for entry_id, fields in rows if entry_id in left)
            states = [state for state in found if state]
            await self._merge_chunk(states)
            count += len(states)
            start = f"({rows[-1][0].decode()}"
