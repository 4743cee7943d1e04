"""Quality and cost of related articles, near duplicates and stories, on a private Redis.

    PYTHONPATH=. .venv/bin/python bench/corpus.py [--gold ../shared/data/news-gold] [--articles 20000]

Prints one JSON object. Without the gold collection only the cost on made-up articles is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from services.cli.evaluation.private_redis import private_redis
from services.enrich.corpus import Corpus, Fingerprint, Neighbours, fingerprint
from services.enrich.scoring import bcubed
from services.enrich.steps.terms import BackgroundIdf
from services.enrich.training.gold_to_jsonl import edited_copy
from services.enrich.training.news_gold import read_gold

ROOT = Path(__file__).resolve().parents[1]
BATCH = 50


def gold_articles(directory: Path) -> list[tuple[str, str, datetime, str, str]]:
    """Return (id, story, date, title, body) in order of date; a one-off is a story of its own."""
    articles = [
        (article.id, article.story or article.id, article.date, article.title, article.body)
        for article in read_gold(directory)
    ]
    return sorted(articles, key=lambda article: article[2])


async def place_all(corpus: Corpus, articles: Sequence[Fingerprint]) -> list[Neighbours]:
    placed: list[Neighbours] = []
    for start in range(0, len(articles), BATCH):
        placed += await corpus.place_many(articles[start : start + BATCH])
    return placed


async def gold_quality(redis: Redis, directory: Path, idf: BackgroundIdf, among: int = 0) -> dict[str, Any]:
    """Score related articles and stories on the gold collection, in order of date.

    With `among`, so many articles of its words in random order are there before, and the dates of the
    collection are drawn together fifty times: every term is common then, as in a large corpus.
    """
    await redis.flushall()
    gold = gold_articles(directory)
    corpus = Corpus(redis)
    if among:
        start, rng = gold[0][2], random.Random(3)
        gold = [(i, story, start + (at - start) / 50, t, b) for i, story, at, t, b in gold]
        words = [word for *_, body in gold for word in body.split()]
        shuffled = (" ".join(rng.choices(words, k=220)) for _ in range(among))
        await place_all(
            corpus,
            [
                fingerprint(f"other-{n}", title=b[:60], body=b, url=None, at=rng.choice(gold)[2], idf=idf)
                for n, b in enumerate(shuffled)
            ],
        )
    prints = [fingerprint(i, title=t, body=b, url=None, at=at, idf=idf) for i, _, at, t, b in gold]
    placed = await place_all(corpus, prints)
    earlier: dict[str, set[str]] = defaultdict(set)
    recalls, hits, shown = [], [], []
    for (article_id, story, *_), neighbours in zip(gold, placed, strict=True):
        top = {n.id for n in (*neighbours.duplicates, *neighbours.similar)[:5]}
        if expected := earlier[story]:
            recalls.append(len(top & expected) / min(5, len(expected)))
            hits.append(bool(top & expected))
        shown.append(len(top))
        earlier[story].add(article_id)
    found = [neighbours.story_id for neighbours in placed]
    clustering = bcubed([(story, story_id) for (_, story, *_), story_id in zip(gold, found, strict=True)])
    return {
        "articles": len(gold),
        "with_earlier_reports": len(recalls),
        "related_recall_at_5": mean(recalls),
        "related_hit_at_5": mean(hits),
        "links_shown": mean(shown),
        "false_duplicates": sum(len(n.duplicates) for n in placed),
        "story_bcubed": {
            "precision": round(clustering.precision, 4),
            "recall": round(clustering.recall, 4),
            "f": round(clustering.f1, 4),
        },
        "largest_story": Counter(found).most_common(1)[0][1],
    }


async def duplicate_recall(redis: Redis, directory: Path, idf: BackgroundIdf) -> dict[str, Any]:
    """Return the share of edited copies that are found, by Jaccard similarity."""
    gold = gold_articles(directory)
    rng = random.Random(7)
    found: dict[str, Any] = {}
    for jaccard in (0.8, 0.68, 0.59):
        await redis.flushall()
        corpus = Corpus(redis)
        originals = [fingerprint(i, title=t, body=b, url=None, at=at, idf=idf) for i, _, at, t, b in gold]
        await place_all(corpus, originals)
        copies = [
            fingerprint("copy-" + i, title="", body=edited_copy(b, jaccard, rng), url=None, at=at, idf=idf)
            for i, _, at, _, b in gold
        ]
        placed = await place_all(corpus, copies)
        right = [i in {n.id for n in p.duplicates} for (i, *_), p in zip(gold, placed, strict=True)]
        wrong = [n.id for (i, *_), p in zip(gold, placed, strict=True) for n in p.duplicates if n.id != i]
        found[str(jaccard)] = {"recall": mean(right), "wrong": len(wrong)}
    return found


def made_up_articles(count: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield (title, body) of 235 words: Zipfian words, and names that reports of one event share."""
    vocabulary = [
        f"{a}{b}{c}" for a in _syllables(40, rng) for b in _syllables(40, rng) for c in ("", "n", "ra", "to")
    ]
    rng.shuffle(vocabulary)
    cumulative = []
    total = 0.0
    for rank in range(1, len(vocabulary) + 1):
        total += 1 / (rank + 20)
        cumulative.append(total)
    events: list[list[str]] = []
    for number in range(count):
        if not events or rng.random() < 0.4:
            events.append([f"Name{number}x{k}" for k in range(10)] + rng.sample(vocabulary[200:], 15))
        names = events[max(0, len(events) - 1 - int(rng.expovariate(1 / 200)))]
        words = rng.choices(vocabulary, cum_weights=cumulative, k=195) + rng.choices(names, k=40)
        rng.shuffle(words)
        yield " ".join(words[:9]), " ".join(words)


def _syllables(count: int, rng: random.Random) -> list[str]:
    pairs = [c + v for c in "bcdfghjklmnprstvwz" for v in "aeiou"]
    return rng.sample(pairs, count)


async def cpu_seconds(redis: Redis) -> float:
    """Return the processor time of Redis: other processes do not add to it, as they do to wall time."""
    cpu = await redis.info("cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


async def cost(redis: Redis, count: int, idf: BackgroundIdf) -> dict[str, Any]:
    """Measure processor time and memory per article while the corpus fills with made-up articles."""
    await redis.flushall()
    rng = random.Random(11)
    start_memory = int((await redis.info("memory"))["used_memory"])
    at = datetime(2026, 1, 1, tzinfo=UTC)
    corpus = Corpus(redis)
    made = list(made_up_articles(count, rng))
    thread_s = client_s = 0.0
    worst_batch_s = 0.0
    cpu_before, placed_before = 0.0, 0
    for start in range(0, count, BATCH):
        began = time.thread_time()
        prints = [
            fingerprint(f"{start + k:032x}", title=t, body=b, url=f"https://example.org/{start + k}",
                        at=at + timedelta(seconds=30 * (start + k)), idf=idf)
            for k, (t, b) in enumerate(made[start : start + BATCH])
        ]  # fmt: skip
        thread_s += time.thread_time() - began
        if not cpu_before and start + BATCH > count * 9 // 10:
            cpu_before, placed_before = await cpu_seconds(redis), start
        began, wall = time.thread_time(), time.perf_counter()
        await corpus.place_many(prints)
        client_s += time.thread_time() - began
        worst_batch_s = max(worst_batch_s, time.perf_counter() - wall)
    redis_s = await cpu_seconds(redis) - cpu_before
    memory = int((await redis.info("memory"))["used_memory"]) - start_memory
    return {
        "articles": count,
        "fingerprint_cpu_ms": round(thread_s / count * 1000, 3),
        "redis_cpu_ms_in_last_tenth": round(redis_s / (count - placed_before) * 1000, 3),
        "place_client_cpu_ms": round(client_s / count * 1000, 3),
        "worst_batch_ms": round(worst_batch_s * 1000, 1),
        "memory_bytes_per_article": memory // count,
        "keys": await redis.dbsize(),
    }


def mean(values: Iterable[float]) -> float:
    items = list(values)
    return round(sum(items) / len(items), 4) if items else 0.0


async def measure(socket: str, gold: Path | None, articles: int) -> dict[str, Any]:
    redis: Redis = Redis(unix_socket_path=socket)
    idf = BackgroundIdf.load()
    try:
        report: dict[str, Any] = {}
        if gold is not None:
            report["gold"] = await gold_quality(redis, gold, idf)
            report["gold_among_10000_others"] = await gold_quality(redis, gold, idf, among=10_000)
            report["duplicates"] = await duplicate_recall(redis, gold, idf)
        report["cost"] = await cost(redis, articles, idf)
        return report
    finally:
        await redis.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, default=ROOT.parent / "shared" / "data" / "news-gold")
    parser.add_argument("--articles", type=int, default=20_000)
    options = parser.parse_args()
    gold = options.gold if options.gold.is_dir() else None
    with private_redis() as socket:
        print(json.dumps(asyncio.run(measure(socket, gold, options.articles)), indent=1))


if __name__ == "__main__":
    main()
