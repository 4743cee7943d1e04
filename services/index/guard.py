"""Watches the files of the index while it serves, and makes it anew from the archive if one is damaged."""

from __future__ import annotations

import asyncio
import time

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.maintenance import Reindexer
from shared.http.problems import Problem
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

LOOK_S = 1.0
# A question that makes a sound index panic must not keep the disk busy.
BETWEEN_CHECKS_S = 30.0


class IndexGuard:
    """Compares checksums each `interval_s`, soon after a call has failed, and until the damage is mended."""

    def __init__(
        self, engine: TantivyEngine, reindexer: Reindexer, metrics: Metrics, *, interval_s: float
    ) -> None:
        self._engine = engine
        self._reindexer = reindexer
        self._metrics = metrics
        self._interval_s = interval_s
        self._checked_at = time.monotonic()  # at start all was checked

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            since = time.monotonic() - self._checked_at
            suspect = self._engine.suspect or self._engine.damage is not None
            if since > self._interval_s or (suspect and since > BETWEEN_CHECKS_S):
                await self.check()

    async def check(self) -> None:
        """Check all files, and rebuild the index if one is damaged. Searches go on with what there is."""
        try:
            known = self._engine.damage
            problem = await asyncio.to_thread(self._engine.check_files)
            if problem is None:
                return
            if known is None:
                self._metrics.inc("wireroom_index_damage_total")
            log.error("the index is damaged and is made anew from the archive", problem=problem)
            await self._reindexer.run()
        except Problem as refused:
            log.error("the damaged index is not made anew", why=refused.detail)
        except Exception:
            log.exception("the index could not be checked or made anew; it is tried again")
        finally:
            self._checked_at = time.monotonic()
