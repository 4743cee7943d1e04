"""Erases articles everywhere that this installation can reach, again and again until nothing is left.

    takedown has arrived ─► ingest forgets ─► streams, letters, hashes ─► archive ─► index ─► files of Redis

Each step finds nothing when it is done again, so that an interruption costs only time: what is asked for is
written down before (`erasures`), and begun anew at the next start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.index.archive import Archive, ArchiveLocked, new_compressor
from services.index.archive_erasing import (
    ArchiveErasure,
    erase_from_segments,
    find_in_segment,
    remove_drafts,
)
from services.index.archive_reading import list_segments, segment_path
from services.index.engine.protocol import SearchEngine, Tombstone
from services.index.erasures import Erasure, Erasures, Place, erased_by
from services.index.maintenance import Reindexer
from services.index.staging import discard
from services.index.state import StateRestorer
from shared.clock import utc_now
from shared.erasing import Erased
from shared.errors import TransientError
from shared.http.problems import Problem
from shared.logging import get_logger
from shared.runtime.erasing import (
    count_left,
    erasable_epochs,
    erase_from_streams,
    rewrite_files,
    scrub_articles,
    tell_ingest,
    wait_for_older_entries,
)

log = get_logger(__name__)

ARRIVAL_TIMEOUT_S = 60.0
DRAIN_TIMEOUT_S = 30.0
RETRY_S = 10.0
# Ingest looks four times a second.
FORGETTING_S = 1.0
NOT_REACHED = (
    Place(place="backups", left=None, note="not reached: delete them, or erase again after a restore"),
    Place(place="logs and terminals", left=None, note="not searched; services log ids, not texts"),
    Place(
        place="nearly the same texts under other ids",
        left=None,
        note="other articles: erase them as well if they are to go",
    ),
)


class NotTakenDown(TransientError):
    """An article is still served, so it cannot be erased."""


class Eraser:
    """Works off the requests, one at a time. `writing` is held by whoever stores batches."""

    def __init__(
        self,
        erasures: Erasures,
        redis: Redis,
        engine: SearchEngine,
        archive: Archive,
        reindexer: Reindexer,
        states: StateRestorer,
        writing: asyncio.Lock,
        *,
        partitions: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._erasures = erasures
        self._redis = redis
        self._engine = engine
        self._archive = archive
        self._reindexer = reindexer
        self._states = states
        self._writing = writing
        self._partitions = partitions
        self._now = now
        self._asked = asyncio.Event()

    async def ask(self, ids: list[str]) -> Erasure:
        """Write a request down and return it; it is begun at once.

        Raises NotTakenDown, naming the articles that are not.
        """
        epochs = await erasable_epochs(self._redis, ids, self._partitions)
        served = [id_ for id_, epoch in epochs.items() if epoch is None]
        if served:
            raise NotTakenDown(f"not taken down: {', '.join(served[:5])}{' …' if len(served) > 5 else ''}")
        # No batch that was begun before may still be stored with links to them.
        async with self._writing:
            erasure = await asyncio.to_thread(
                self._erasures.ask, {id_: epoch or 0 for id_, epoch in epochs.items()}, self._now()
            )
        self._asked.set()
        return erasure

    async def run(self) -> None:
        """Erase what is asked for, until cancelled; what fails is tried again."""
        while True:
            self._asked.clear()
            for erasure in self._erasures.pending:
                await self._attempt(erasure)
            timeout = RETRY_S if self._erasures.pending else None
            try:
                await asyncio.wait_for(self._asked.wait(), timeout)
            except TimeoutError:
                continue

    async def _attempt(self, erasure: Erasure) -> None:
        erasure = erasure.model_copy(update={"attempts": erasure.attempts + 1})
        try:
            done = await self._erase(self._erasures.update(erasure))
            self._erasures.update(done.model_copy(update={"done_at": self._now(), "problem": None}))
            log.info("articles erased", number=erasure.number, articles=len(erasure.epochs))
        except (RedisError, OSError, TransientError, Problem) as error:
            self._tell(erasure, error)
        except Exception as error:
            log.exception("erasing failed", number=erasure.number)
            self._tell(erasure, error)

    def _tell(self, erasure: Erasure, error: Exception) -> None:
        log.warning("articles not erased yet", number=erasure.number, error=str(error))
        held = self._erasures.get(erasure.number) or erasure
        try:
            self._erasures.update(held.model_copy(update={"problem": f"{error}" or type(error).__name__}))
        except OSError as unwritable:
            log.warning("the list of erasures cannot be written", error=str(unwritable))

    async def _erase(self, erasure: Erasure) -> Erasure:
        erased, began_at = erased_by(erasure), self._now()
        await self._wait_for_takedown(erasure)
        await tell_ingest(self._redis, erased, began_at)
        await asyncio.sleep(FORGETTING_S)
        for name, entries in (await erase_from_streams(self._redis, erased, self._partitions)).items():
            erasure = self._note(erasure, Place(place=f"stream {name}", removed=entries))
        scrubbed = await scrub_articles(self._redis, erasure.epochs, self._partitions)
        receipts = Place(place="receipts", removed=scrubbed, note="words of failures, and hashes")
        erasure = self._note(erasure, receipts)
        erasure = await self._erase_archive(erasure, erased)
        drained = await wait_for_older_entries(self._redis, began_at, self._partitions, DRAIN_TIMEOUT_S)
        # Once more: what came from a dead letter that somebody replayed meanwhile, or from a late ingest.
        await erase_from_streams(self._redis, erased, self._partitions)
        problem = await rewrite_files(self._redis)
        files = Place(place="files of Redis", left=None if problem else 0, note=problem or "written anew")
        return await self._verified(self._note(erasure, files), erased, drained=drained)

    async def _wait_for_takedown(self, erasure: Erasure) -> None:
        """Wait until the takedown has gone all the way, and so has taken the article out of the corpus."""
        deadline = asyncio.get_running_loop().time() + ARRIVAL_TIMEOUT_S
        while waiting := await asyncio.to_thread(self._not_yet_gone, erasure):
            if asyncio.get_running_loop().time() > deadline:
                raise NotTakenDown(f"the takedown has not come to the index yet: {', '.join(waiting[:5])}")
            await asyncio.sleep(0.2)

    def _not_yet_gone(self, erasure: Erasure) -> list[str]:
        """Return which articles the index still serves, or has not heard of."""
        held = {id_: self._engine.get(id_) for id_ in erasure.epochs}
        return [id_ for id_, found in held.items() if not isinstance(found, Tombstone) or found.withheld]

    async def _erase_archive(self, erasure: Erasure, erased: Erased) -> Erasure:
        """Erase from the archive, and make the index anew from it if it held any of that."""
        async with self._reindexer.paused(), self._states.reading:
            staged = await asyncio.to_thread(self._discard_staged)
            sealed = await asyncio.to_thread(self._archive.seal)
            found = await asyncio.to_thread(self._rewrite, sealed, erased)
            self._states.read_anew()
        erasure = self._note(erasure, staged)
        erasure = self._note(erasure, _archive_place(found))
        if self._archive.stats().size_bytes:
            report = await self._rebuild()
            note = f"made anew from the archive in {report['seconds']:g} s"
            erasure = self._note(erasure, Place(place="index", removed=len(erasure.epochs), note=note))
        return erasure

    def _discard_staged(self) -> Place:
        """A re-enrichment that was not switched to holds texts, too; its next run makes them again."""
        try:
            removed = discard(self._archive.path.parent)
        except ArchiveLocked as error:
            raise TransientError(
                "wireroom re-enrich is running and holds texts: wait for it, or stop it"
            ) from error
        return Place(place="staged re-enrichment", removed=int(removed), note="discarded" if removed else "")

    def _rewrite(self, sealed: list[int], erased: Erased) -> ArchiveErasure:
        remove_drafts(self._archive.path)
        return erase_from_segments(self._archive.path, sealed, erased, new_compressor())

    async def _rebuild(self) -> dict[str, float]:
        while True:
            try:
                return await self._reindexer.run()
            except Problem as problem:
                if problem.slug != "reindex-running":
                    raise
            # One that was begun before has read what is erased by now.
            await asyncio.sleep(0.5)

    async def _verified(self, erasure: Erasure, erased: Erased, *, drained: bool) -> Erasure:
        """Look everywhere once more. Raises TransientError when something is left."""
        streams = await count_left(self._redis, erased, self._partitions)
        archive = await asyncio.to_thread(self._find, erased)
        places = tuple(
            place.model_copy(update={"left": archive.left}) if place.place == "archive" else place
            for place in erasure.places
        )
        if streams or archive.left:
            raise TransientError(f"found again: {streams} entries, {archive.left} records")
        note = "" if drained else "older entries still wait there; deleted ones share their memory until then"
        places = (
            *places,
            Place(place="corpus of related articles", note="left with the takedown"),
            Place(place="what ingest remembers", note="every ingest that runs has been told"),
            Place(place="answers to idempotency keys", note="hold no text"),
            Place(place="saved searches", note="hold no text; receivers that were told know of the takedown"),
            Place(place="memory of Redis", note=note),
            *NOT_REACHED,
            *_copies(self._archive.path.parent),
        )
        return erasure.model_copy(update={"places": places})

    def _find(self, erased: Erased) -> ArchiveErasure:
        found = ArchiveErasure()
        for number in list_segments(self._archive.path):
            one = find_in_segment(segment_path(self._archive.path, number), erased)
            found.records += one.records
            found.links += one.links
        return found

    def _note(self, erasure: Erasure, place: Place) -> Erasure:
        """Write down what was found in a place; what an interrupted attempt has found there counts, too."""
        held = {one.place: one for one in erasure.places}
        if (before := held.get(place.place)) is not None:
            place = place.model_copy(update={"removed": max(place.removed, before.removed)})
        held[place.place] = place
        return self._erasures.update(erasure.model_copy(update={"places": tuple(held.values())}))


def _archive_place(found: ArchiveErasure) -> Place:
    links = f"links in other articles: {found.links}" if found.links else ""
    damaged = f"{found.damaged_frames} damaged parts cannot be read" if found.damaged_frames else ""
    note = "; ".join(filter(None, (links, damaged)))
    return Place(place="archive", removed=found.records, note=note)


def _copies(data_dir: Path) -> list[Place]:
    """Return what `wireroom restore` has moved aside, which nobody but its owner deletes."""
    aside = sorted(path.name for path in data_dir.glob("*.replaced-*"))
    if not aside:
        return []
    return [Place(place="moved aside by a restore", left=None, note=f"not reached: {', '.join(aside)}")]
