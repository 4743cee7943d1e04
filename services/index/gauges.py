"""How much there is, for /metrics: articles that can be found, and bytes of the archive."""

from __future__ import annotations

import asyncio
from typing import Final

from services.index.archive import Archive
from services.index.engine.home import size_bytes
from services.index.engine.protocol import IndexFailed, SearchEngine
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

# To count the articles of a large index takes a millisecond or two.
MEASURE_S: Final = 15.0


class IndexGauges:
    def __init__(self, engine: SearchEngine, archive: Archive, metrics: Metrics) -> None:
        self._engine = engine
        self._archive = archive
        self._metrics = metrics

    async def run(self) -> None:
        """Measure now and then until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.measure)
            except (IndexFailed, OSError) as error:
                log.warning("index not measured", error=str(error))
            await asyncio.sleep(MEASURE_S)

    def measure(self) -> None:
        self._metrics.set("wireroom_index_documents", self._engine.stats().articles)
        self._metrics.set("wireroom_archive_bytes", size_bytes(self._archive.path))
