"""Both indexes of the same articles, and what writing them costs."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path

from bench.searching.fts5 import Fts5
from bench.searching.language import make_language
from bench.searching.news import Newsroom
from services.index.engine.tantivy_engine import TantivyEngine

BATCH = 500
SAY_EVERY = 50_000


@dataclass(frozen=True, slots=True)
class Built:
    """Seconds of processor and of the clock, writing and committing alone; bytes on disk."""

    documents: int
    ours_cpu_s: float
    ours_wall_s: float
    ours_bytes: int
    peer_cpu_s: float
    peer_wall_s: float
    peer_bytes: int
    earlier: bool = False
    """Whether an earlier run has built them."""


def engine_dir(directory: Path) -> Path:
    return directory / "wireroom"


def peer_file(directory: Path) -> Path:
    return directory / "fts5.sqlite"


def build(directory: Path, documents: int, say: Callable[[str], None]) -> Built:
    """Write the articles in batches, each committed durably, or say what an earlier run in here found.

    What one left that did not come to its end is removed.

    Our processor time is that of all threads, merges in the background too, but for what making the articles
    and writing the peer's took meanwhile, each of which has one thread.
    """
    summary = directory / "built.json"
    if summary.exists():
        return replace(Built(**json.loads(summary.read_text(encoding="utf-8"))), earlier=True)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    engine, peer = TantivyEngine(engine_dir(directory)), Fts5.open(peer_file(directory))
    made = Newsroom(make_language()).articles(documents)
    done, ours_wall, peer_wall, peer_cpu, making_cpu = 0, 0.0, 0.0, 0.0, 0.0
    process = time.process_time()
    while True:
        thread = time.thread_time()
        batch = list(islice(made, BATCH))
        making_cpu += time.thread_time() - thread
        if not batch:
            break
        wall = time.perf_counter()
        engine.upsert_many(batch, batch[-1].received_at)
        engine.commit()
        ours_wall += time.perf_counter() - wall
        wall, thread = time.perf_counter(), time.thread_time()
        peer.add(batch)
        peer_cpu += time.thread_time() - thread
        peer_wall += time.perf_counter() - wall
        done += len(batch)
        if done % SAY_EVERY == 0:
            say(f"{done:,} of {documents:,} articles in both indexes")
    engine.close()
    ours_cpu = time.process_time() - process - making_cpu - peer_cpu
    wall, thread = time.perf_counter(), time.thread_time()
    peer.finish()
    peer_cpu += time.thread_time() - thread
    peer_wall += time.perf_counter() - wall
    peer.connection.close()
    built = Built(
        done, ours_cpu, ours_wall, size_of(engine_dir(directory)), peer_cpu, peer_wall,
        peer_file(directory).stat().st_size,
    )  # fmt: skip
    summary.write_text(json.dumps(asdict(built)) + "\n", encoding="utf-8")
    return built


def size_of(directory: Path) -> int:
    return sum(
        (Path(folder) / name).stat().st_size for folder, _, names in os.walk(directory) for name in names
    )
