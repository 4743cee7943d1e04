"""Search latency, in the engine and over HTTP, over an index that is built once per run.

Articles and questions are those of bench.search; one question at a time, each answered with ten hits. Over
HTTP the same questions go to the index service on one keep-alive connection, from request to whole answer.
The baseline's index holds the same articles (committed in batches, for time's sake) and is asked the
same texts, which Tantivy's own parser reads; it gives neither highlights nor facets.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import urlencode

from bench import search
from bench.baseline import document_from_event, open_index
from bench.client import Address, connections, request_bytes
from bench.failures import BenchFailed
from bench.measures import percentile
from services.index.engine.protocol import FacetName, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import parse

FACETS: tuple[FacetName, ...] = ("entities", "sources", "topics", "sentiment")
BASELINE_COMMIT = 5_000
WARM_UP = 100
# What people ask most of the time; the other kinds are reported beside it.
WITH_FACETS = "term + 4 facets"


@dataclass(frozen=True, slots=True)
class SearchTimes:
    """Milliseconds by kind of question."""

    by_kind: dict[str, list[float]]

    @property
    def all(self) -> list[float]:
        return [ms for times in self.by_kind.values() for ms in times]

    @property
    def worst(self) -> tuple[str, float]:
        """Return the kind with the highest p95, and that."""
        return max(
            ((kind, percentile(times, 0.95)) for kind, times in self.by_kind.items()),
            key=lambda pair: pair[1],
        )


def questions(per_kind: int) -> dict[str, list[str]]:
    asked = search.asked_words(search.material(), random.Random(23))
    return {kind: texts[:per_kind] for kind, texts in asked.items()}


@dataclass(frozen=True, slots=True)
class Built:
    """How many documents both indexes hold, fewer than asked for if time ran out, and our rate of writing."""

    documents: int
    ours_per_s: float


def build(ours: Path, baseline: Path, documents: int, limit_s: float) -> Built:
    """Index the same articles in both, ours with a commit each 500 as under load."""
    engine, index = TantivyEngine(ours), open_index(baseline)
    writer = index.writer()
    stream = search.articles(search.material(), documents)
    began, inside_s, done = time.perf_counter(), 0.0, 0
    try:
        while time.perf_counter() - began < limit_s and (batch := list(islice(stream, search.BATCH))):
            start = time.perf_counter()
            engine.upsert_many(batch, search.NOW)
            engine.commit()
            inside_s += time.perf_counter() - start
            for event in batch:
                writer.add_document(document_from_event(event))
            done += len(batch)
            if done % BASELINE_COMMIT == 0:
                writer.commit()
        writer.commit()
        writer.wait_merging_threads()
    finally:
        engine.close()
    return Built(done, done / inside_s)


def measure_engine(directory: Path, per_kind: int) -> tuple[SearchTimes, SearchTimes]:
    """Return times as waited for, and of processor time."""
    engine = TantivyEngine(directory)
    try:
        asked = questions(per_kind)
        search.measure(engine, asked["term"][:WARM_UP], search.node_of)
        times = {kind: search.measure(engine, texts, search.node_of) for kind, texts in asked.items()}
        times[WITH_FACETS] = search.measure(engine, asked["term"], _with_facets)
    finally:
        engine.close()
    wall = {kind: each.wall for kind, each in times.items()}
    return SearchTimes(wall), SearchTimes({kind: each.cpu for kind, each in times.items()})


def _with_facets(text: str) -> Query:
    return Query(parse(text, lenient=True).node, facets=FACETS)


async def measure_http(address: Address, per_kind: int, *, baseline: bool = False) -> SearchTimes:
    asked = {kind: [{"q": text} for text in texts] for kind, texts in questions(per_kind).items()}
    if not baseline:
        asked[WITH_FACETS] = [{**words, "facets": ",".join(FACETS)} for words in asked["term"]]
    async with connections(address, 1) as [connection]:

        async def time_one(words: dict[str, str]) -> float:
            request = request_bytes("GET", f"/v1/search?{urlencode(words)}")
            start = time.perf_counter()
            answer = await connection.send(request)
            # Tantivy's own parser refuses some names (O'Brien); the baseline is not blamed for its time then.
            if answer.status != 200 and not (baseline and answer.status == 400):
                raise BenchFailed(f"search {words} answered {answer.status}: {answer.body[:300]!r}")
            return (time.perf_counter() - start) * 1000

        for words in asked["term"][:WARM_UP]:
            await time_one(words)
        return SearchTimes({kind: [await time_one(words) for words in each] for kind, each in asked.items()})
