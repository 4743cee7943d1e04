"""Memory of a corpus of a million articles, that its bound holds, and what a placement takes there.

    PYTHONPATH=. .venv/bin/python -m bench.corpus_fill --articles 1000000 [--limit 1000000] [--days 14]

Prints one JSON object: Redis's memory at each tenth, then its own time for a placement (INFO latencystats, of
Redis 7). `--limit` is WIREROOM_CORPUS_ARTICLES; the articles arrive when they are published, evenly over
`--days`.

Ten thousand articles are made up and fingerprinted as enrich does it. The corpus is filled with copies of
their fingerprints: the words and names that all news shares stay, those of one event are made others in each
copy, and so are the near-duplicate sketches. They are recorded by place.lua without its search for
neighbours, which takes most of its time and leaves nothing behind; each founds a story, which is the most
that stories can take. At the end articles never seen are placed by the whole script.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import struct
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any
from unittest.mock import patch

from redis.asyncio import Redis

from services.cli.evaluation.private_redis import private_redis
from services.enrich.corpus import Corpus, Fingerprint, fingerprint, store
from services.enrich.corpus.store import PLACE
from services.enrich.steps.terms import MODELS, BackgroundIdf
from shared.runtime.scripts import Script

BATCH = 50
TEMPLATES, PROBES = 10_000, 2_000
SEARCH = "ipairs(candidates())"
RECORD = Script.of(PLACE.source.replace(SEARCH, "ipairs({})"))
START = datetime(2026, 1, 1, tzinfo=UTC)
RARE_WORDS, NAMES, EVENTS_AT_ONCE = 200_000, 100_000, 2_000
_SYLLABLES = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"]


def made_up_articles(rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (title, body) of 235 words for ever.

    Three in five words have the frequency they have in news, one in ten is from a long Zipfian tail; the rest
    are the words and names of an event that some earlier articles were about as well. Of eight names of an
    event three are its own, as new names never end.
    """
    rows = (line.split("\t") for line in (MODELS / "idf.tsv").read_text(encoding="utf-8").splitlines()[1:])
    common, frequencies = zip(*((word, int(df)) for word, df in rows), strict=True)
    of_common = list(accumulate(frequencies))
    rare = ["".join(rng.choices(_SYLLABLES, k=4)) for _ in range(RARE_WORDS)]
    of_rare = list(accumulate(1 / (rank + 50) for rank in range(RARE_WORDS)))
    names = ["".join(rng.choices(_SYLLABLES, k=3)).capitalize() for _ in range(NAMES)]
    of_names = list(accumulate(1 / (rank + 20) for rank in range(NAMES)))
    events: deque[list[str]] = deque(maxlen=EVENTS_AT_ONCE)
    number = 0
    while True:
        if not events or rng.random() < 0.4:
            number += 1
            own = [f"Own{number}n{k}" for k in range(3)]
            events.append(
                own
                + rng.choices(names, cum_weights=of_names, k=5)
                + rng.choices(common, cum_weights=of_common, k=15)
            )
        event = events[max(0, len(events) - 1 - int(rng.expovariate(1 / 200)))]
        words = (
            rng.choices(common, cum_weights=of_common, k=150)
            + rng.choices(rare, cum_weights=of_rare, k=25)
            + rng.choices(event, k=60)
        )
        rng.shuffle(words)
        yield " ".join(words[:9]), " ".join(words)


def fingerprints(count: int, seed: int, idf: BackgroundIdf) -> list[Fingerprint]:
    return [
        fingerprint(
            f"{seed:08x}{number:024x}",
            title=title,
            body=body,
            url=f"https://example.org/news/{number}",
            at=START,
            idf=idf,
        )
        for number, (title, body) in enumerate(islice(made_up_articles(random.Random(seed)), count))
    ]


def copies(templates: Sequence[Fingerprint], count: int, step: timedelta) -> Iterator[Fingerprint]:
    """Yield `count` articles of other events than the templates', a step of time apart."""
    own = [[6 * k for k, term in enumerate(one.terms) if term.startswith("own")] for one in templates]
    for number in range(count):
        turn, at = divmod(number, len(templates))
        one, vector = templates[at], bytearray(templates[at].vector)
        for offset in own[at]:
            (term,) = struct.unpack_from("<I", vector, offset)
            struct.pack_into("<I", vector, offset, term ^ (turn * 0x9E3779B1) & 0xFFFFFFFF)
        name = f"{number:032x}"
        yield replace(
            one,
            id=name,
            story_id=name[::-1],
            at=START + number * step,
            vector=bytes(vector),
            bands=os.urandom(len(one.bands)),
            sketch=one.sketch[:1] + os.urandom(len(one.sketch) - 1),
            digest=number.to_bytes(16, "big"),
        )


async def used_memory(redis: Redis) -> int:
    return int((await redis.info("memory"))["used_memory"])


async def cpu_seconds(redis: Redis) -> float:
    """Return the processor time of Redis: other processes do not add to it, as they do to wall time."""
    cpu = await redis.info("cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


async def placement_ms(redis: Redis) -> dict[str, float]:
    """Return Redis's own percentiles of a placement since CONFIG RESETSTAT; empty before Redis 7."""
    stats = (await redis.info("latencystats")).get("latency_percentiles_usec_evalsha", {})
    return {f"{name}_ms": round(float(value) / 1000, 3) for name, value in stats.items()}


class Filling:
    """A corpus with a clock that shows the publication of the latest article."""

    def __init__(self, redis: Redis, limit: int) -> None:
        self._redis = redis
        self._now = START
        self._corpus = Corpus(redis, max_articles=limit, clock=lambda: self._now)

    async def place(self, source: Iterator[Fingerprint]) -> int:
        """Place all there are, the next ones made while Redis works; return how many."""
        placed, batch = 0, list(islice(source, BATCH))
        while batch:
            self._now = batch[-1].at
            placing = asyncio.create_task(self._corpus.place_many(batch))
            await asyncio.sleep(0)
            placed, batch = placed + len(batch), list(islice(source, BATCH))
            await placing
        return placed


async def fill(redis: Redis, count: int, limit: int, days: float, idf: BackgroundIdf) -> dict[str, Any]:
    """Fill a corpus of at most `limit` with `count` articles, then place PROBES more."""
    await redis.flushall()
    before, began = await used_memory(redis), time.perf_counter()
    step = timedelta(days=days) / count
    source = copies(fingerprints(TEMPLATES, 11, idf), count, step)
    filling, rows, placed = Filling(redis, limit), [], 0
    with recording_only():
        while part := await filling.place(islice(source, max(count // 10, BATCH))):
            placed += part
            rows.append({"placed": placed, **await held(redis, before)})
            print(json.dumps(rows[-1]), f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    probes = [replace(one, at=START + count * step) for one in fingerprints(PROBES, 12, idf)]
    await redis.config_resetstat()
    cpu_began = await cpu_seconds(redis)
    await filling.place(iter(probes))
    cost = {
        "placements": PROBES,
        "redis_cpu_ms": round((await cpu_seconds(redis) - cpu_began) / PROBES * 1000, 3),
        **await placement_ms(redis),
        **await held(redis, before),
        "load_average": os.getloadavg()[0],
    }
    return {"limit": limit, "days": days, "fill": rows, "placement": cost}


@contextmanager
def recording_only() -> Iterator[None]:
    """Let a corpus record articles without a search for their neighbours."""
    if RECORD.sha == PLACE.sha:
        raise RuntimeError(f"place.lua has no {SEARCH}: this benchmark is to be changed with it")
    with patch.object(store, "PLACE", RECORD):
        yield


async def held(redis: Redis, before: int) -> dict[str, Any]:
    articles = int(await redis.hget("{corpus}:state", "count") or 0)
    memory = await used_memory(redis) - before
    return {"held": articles, "memory_mb": round(memory / 1e6, 1), "bytes_per_article": memory // articles}


async def measure(socket: str, options: argparse.Namespace) -> dict[str, Any]:
    async with Redis(unix_socket_path=socket) as redis:
        limit = options.limit or options.articles
        return await fill(redis, options.articles, limit, options.days, BackgroundIdf.load())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--limit", type=int, default=0, help="articles kept at most; 0: all of them")
    parser.add_argument("--days", type=float, default=14.0)
    with private_redis() as socket:
        print(json.dumps(asyncio.run(measure(socket, parser.parse_args())), indent=1))


if __name__ == "__main__":
    main()
