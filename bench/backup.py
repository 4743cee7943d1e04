"""How long a backup and a restore take: of an index and an archive of so many articles, and entries in Redis.

    PYTHONPATH=. .venv/bin/python -m bench.backup [--articles 100000] [--entries 5000]

Nothing else runs meanwhile; the private Redis is started for each. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from bench.search import BATCH, NOW, articles, material
from services.cli.backups.making import make_backup
from services.cli.backups.redis_access import redis_of
from services.cli.backups.restoring import restore_backup
from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from shared.events import encode_event
from shared.streams import EVENT_FIELD, RAW


def fill(data_dir: Path, count: int) -> None:
    engine, archive = TantivyEngine(data_dir), Archive(data_dir)
    events = articles(material(), count)
    while batch := list(islice(events, BATCH)):
        engine.upsert_many(batch, NOW)
        archive.append(batch, NOW)
        engine.commit()
    engine.close()
    archive.close()


async def queue(data_dir: Path, count: int) -> None:
    async with redis_of(data_dir) as redis:
        pipeline = redis.pipeline(transaction=False)
        for event in articles(material(), count):
            pipeline.xadd(RAW.key(0), {EVENT_FIELD: encode_event(event)})
        await pipeline.execute()


def timed(work: Any) -> dict[str, float]:
    wall, cpu = time.monotonic(), time.process_time()
    work()
    return {"wall_s": round(time.monotonic() - wall, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--entries", type=int, default=5_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        data_dir, backup, target = (Path(name) / part for part in ("data", "backup", "target"))
        data_dir.mkdir()
        fill(data_dir, wanted.articles)
        asyncio.run(queue(data_dir, wanted.entries))
        making = timed(lambda: make_backup(data_dir, backup))
        size = sum(path.stat().st_size for path in backup.rglob("*") if path.is_file())
        restoring = timed(lambda: restore_backup(backup, target, replace=False))
    report = {
        "articles": wanted.articles, "entries": wanted.entries, "size_mb": round(size / 1e6, 1),
        "backup": making, "restore": restoring,
    }  # fmt: skip
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
