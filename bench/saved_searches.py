"""What saved searches cost where batches are stored, and how fast their webhooks are told, in one run.

    python -m bench.saved_searches [--searches N] [--documents N] [--batch N] [--deliveries N]

The store path is the service's own: archive, index, durable commit, and with saved searches the matching and
the durable record of what matched, one message for each match. Articles and searches are those of
bench.percolation. Then messages are sent to a receiver in this process, which shares its processor.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bench.percolation import SavedSearch, Wishes
from bench.search import articles, material
from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.handler import StoreHandler
from services.index.query.parser import QuerySyntaxError, parse
from services.index.saved_searches.parts import SavedSearchParts
from services.index.saved_searches.searches import Definition
from services.index.saved_searches.signing import new_secret
from services.index.settings import IndexSettings
from shared.clock import utc_now
from shared.events import ArticleEnriched
from shared.logging import configure_logging
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Entry
from shared.runtime.tasks import end_tasks

TARGET_SHARE = 0.10
# Every word is new to the percolator at first.
WARM_UP = 1_000


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of one store path."""

    cpu_s: float
    wall_s: float
    matching_s: float


@dataclass
class Bench:
    """An index service's storing side in a directory of its own."""

    directory: Path
    url: str

    def __post_init__(self) -> None:
        self.metrics = Metrics()
        self.engine, self.archive = TantivyEngine(self.directory), Archive(self.directory)
        settings = IndexSettings(data_dir=self.directory)
        self.saved = SavedSearchParts.open(settings, self.engine, self.metrics, utc_now)
        self.handler = StoreHandler(
            self.engine,
            self.archive,
            self.metrics,
            full_batch=500,
            commit_interval_s=0,
            stored=self.saved.matcher,
        )

    def save(self, searches: Sequence[SavedSearch]) -> None:
        for number, one in enumerate(searches):
            try:
                parse(one.text, lenient=False)
            except QuerySyntaxError:
                continue  # a name with a colon in it, which the API refuses
            self.saved.searches.add(
                Definition(f"Number {number}", one.text, one.filters, self.url, new_secret())
            )

    async def store(self, documents: Sequence[ArticleEnriched], batch: int) -> Spent:
        matching_s = self.matching_s()
        cpu, wall = time.process_time(), time.perf_counter()
        for start in range(0, len(documents), batch):
            events = documents[start : start + batch]
            await self.handler([Delivery(Entry(f"{n}-0", {}), event) for n, event in enumerate(events, 1)])
        return Spent(
            time.process_time() - cpu,
            time.perf_counter() - wall,
            self.matching_s() - matching_s,
        )

    def matching_s(self) -> float:
        stage = {"stage": "match_saved_searches"}
        return self.metrics.registry.get_sample_value("wireroom_stage_seconds_sum", stage) or 0.0

    async def close(self) -> None:
        await self.saved.close()
        self.engine.close()
        self.archive.close()
        # A merge of Tantivy may still be removing files.
        shutil.rmtree(self.directory, ignore_errors=True)


async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(size)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
    writer.close()


async def measure(options: argparse.Namespace) -> int:
    source = material()
    documents = list(islice(articles(source, options.documents), options.documents))
    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    spent: dict[int, Spent] = {}
    for count in (0, options.searches):
        bench = Bench(Path(tempfile.mkdtemp(prefix="wireroom-bench-")), url)
        bench.save(list(Wishes(source, random.Random(29)).some(count)))
        await bench.store(documents[:WARM_UP], options.batch)
        spent[count] = one = await bench.store(documents[WARM_UP:], options.batch)
        each = 1e6 / (len(documents) - WARM_UP)
        print(
            f"{count:6} searches: {one.cpu_s * each:6.0f} µs of processor per article, "
            f"{one.wall_s * each:.0f} waited, of which matching and recording {one.matching_s * each:.0f}"
        )
        if count:
            await spread(bench, len(documents))
            await tell(bench, options.deliveries)
        await bench.close()
    server.close()
    added = spent[options.searches].cpu_s / spent[0].cpu_s - 1
    verdict = "holds" if added <= TARGET_SHARE else "MISSED"
    print(f"saved searches add {added:.1%} of processor; target {TARGET_SHARE:.0%} {verdict}")
    return 0 if added <= TARGET_SHARE else 1


async def spread(bench: Bench, documents: int) -> None:
    """Make matches and messages of what was recorded, as the service does in the background."""
    cpu, wall = time.process_time(), time.perf_counter()
    await bench.saved.matcher.spread()
    cpu_s, wall_s = time.process_time() - cpu, time.perf_counter() - wall
    matches = bench.metrics.registry.get_sample_value("wireroom_saved_search_matches_total") or 0.0
    print(
        f"{matches / documents:6.1f} matches per article made messages in the background at "
        f"{cpu_s / max(matches, 1) * 1e6:.0f} µs of processor each "
        f"({wall_s / max(matches, 1) * 1e6:.0f} waited)"
    )


async def tell(bench: Bench, deliveries: int) -> None:
    """Deliver for a while, and print the rate."""

    def told() -> float:
        labels = {"outcome": "delivered"}
        return bench.metrics.registry.get_sample_value("wireroom_webhook_deliveries_total", labels) or 0.0

    bench.saved.deliverer.load()
    cpu, wall = time.process_time(), time.perf_counter()
    task = asyncio.create_task(bench.saved.deliverer.run())
    for _ in range(3_000):
        if told() >= deliveries:
            break
        await asyncio.sleep(0.02)
    sent, cpu_s, wall_s = told(), time.process_time() - cpu, time.perf_counter() - wall
    await end_tasks([task])
    print(
        f"{sent:6.0f} messages told to one origin in {wall_s:.1f} s: {sent / wall_s:.0f}/s, "
        f"{cpu_s / max(sent, 1) * 1000:.2f} ms of processor each, receiver included"
    )


def main() -> int:
    configure_logging("bench", log_format="console", level="WARNING")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--searches", type=int, default=10_000)
    parser.add_argument("--documents", type=int, default=5_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--deliveries", type=int, default=1_000)
    return asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
