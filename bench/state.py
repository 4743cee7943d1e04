"""How long a Redis that has lost its state is without it: restoring from an archive of many articles.

    PYTHONPATH=. .venv/bin/python -m bench.state [--articles 100000]

Every tenth article has a second revision and every hundredth is taken down. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bench.search import BATCH, NOW, articles, material
from services.cli.evaluation.private_redis import private_redis
from services.index.archive import Archive
from services.index.state import StateRestorer
from shared.events import ArticleEnriched, ArticleRetracted
from shared.metrics import Metrics


def history(count: int) -> Iterator[ArticleEnriched | ArticleRetracted]:
    for number, event in enumerate(articles(material(), count)):
        yield event
        if number % 10 == 0:
            yield event.model_copy(update={"revision": 2})
        if number % 100 == 0:
            yield ArticleRetracted(article_id=event.article_id, revision=2, received_at=NOW)


def fill(archive: Archive, count: int) -> int:
    records = 0
    events = history(count)
    while batch := list(islice(events, BATCH)):
        archive.append(batch, NOW)
        records += len(batch)
    return records


async def measure(socket: str, archive: Archive, directory: Path) -> dict[str, Any]:
    redis: Redis = Redis.from_url(f"unix://{socket}")
    restorer = StateRestorer(
        redis,
        archive,
        asyncio.Lock(),
        file=directory / "STATE",
        partitions=1,
        ttl_s=365 * 86_400,
        batch_timeout_s=60,
        metrics=Metrics(),
        now=lambda: NOW + timedelta(hours=1),
    )
    began, cpu = time.monotonic(), time.process_time()
    await restorer.look()
    took = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
    used = (await redis.info("cpu"))["used_cpu_user"] + (await redis.info("cpu"))["used_cpu_sys"]
    keys = await redis.dbsize()
    await redis.aclose()
    return took | {"redis_cpu_s": used, "hashes": keys - 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--articles", type=int, default=100_000)
    count: int = parser.parse_args().articles
    with tempfile.TemporaryDirectory() as name, private_redis() as socket:
        archive = Archive(Path(name))
        records = fill(archive, count)
        size = archive.stats().size_bytes
        figures = asyncio.run(measure(socket, archive, Path(name)))
        archive.close()
    print(json.dumps({"articles": count, "records": records, "archive_mb": size / 1e6} | figures, indent=1))


if __name__ == "__main__":
    main()
