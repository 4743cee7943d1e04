"""What the index service tells of its size."""

from __future__ import annotations

from pathlib import Path

from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.gauges import IndexGauges
from shared.metrics import Metrics
from tests.support import NOW, enriched, retracted


def test_articles_that_can_be_found_and_bytes_of_the_archive_are_told(tmp_path: Path) -> None:
    engine, archive, metrics = TantivyEngine(tmp_path), Archive(tmp_path), Metrics()
    events = [enriched("a"), enriched("b"), retracted("c")]
    engine.upsert_many(events, NOW)
    engine.commit()
    archive.append(events, NOW)
    IndexGauges(engine, archive, metrics).measure()
    written = sum(path.stat().st_size for path in archive.path.iterdir())
    value = metrics.registry.get_sample_value
    assert value("wireroom_index_documents") == 2
    assert value("wireroom_archive_bytes") == written > 0
    engine.close()
    archive.close()
