"""Chooses the thresholds of the corpus on one half of news-gold's stories and reports on the other.

    PYTHONPATH=. .venv/bin/python -m bench.corpus_thresholds [--gold ../shared/data/news-gold]

Prints one JSON object. Both halves are weighed by a background table counted on the first one, so that
nothing has seen the second. Each is placed twice: alone, and after a thousand articles of the first half's
words in random order, its dates drawn together fifty times, so that terms are as common as in a large
corpus. `chosen` has the highest sum of recall@5 and B-cubed F over both on the first half; `shipped` are
the thresholds of the service.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bench.corpus import ROOT, mean, place_all
from services.cli.evaluation.private_redis import private_redis
from services.enrich.corpus import Corpus, Fingerprint, fingerprint
from services.enrich.scoring import bcubed, recall_at
from services.enrich.steps.terms import BackgroundIdf
from services.enrich.training.idf import idf_table
from services.enrich.training.news_gold import GoldArticle, read_gold

SIMILAR = (0.02, 0.03, 0.04, 0.05)
STORY = (0.06, 0.07, 0.085, 0.1)
OTHERS = 1_000
SHIPPED = tuple(inspect.signature(Corpus).parameters[name].default for name in ("min_similar", "min_story"))


@dataclass(frozen=True, slots=True)
class Trial:
    """Articles in order of date, their fingerprints, and what is in the corpus before them."""

    articles: list[GoldArticle]
    prints: list[Fingerprint]
    others: list[Fingerprint]

    @classmethod
    def of(cls, articles: list[GoldArticle], idf: BackgroundIdf, others: int, words: list[str]) -> Trial:
        def at(date: datetime) -> datetime:
            return start + (date - start) / 50 if others else date

        start, rng = articles[0].date, random.Random(3)
        bodies = [" ".join(rng.choices(words, k=220)) for _ in range(others)]
        return cls(
            articles,
            [
                fingerprint(one.id, title=one.title, body=one.body, url=None, at=at(one.date), idf=idf)
                for one in articles
            ],
            [
                fingerprint(
                    f"other-{n}",
                    title=body[:60],
                    body=body,
                    url=None,
                    at=at(rng.choice(articles).date),
                    idf=idf,
                )
                for n, body in enumerate(bodies)
            ],
        )

    async def run(self, redis: Redis, thresholds: tuple[float, ...]) -> dict[str, Any]:
        await redis.flushall()
        corpus = Corpus(redis, min_similar=thresholds[0], min_story=thresholds[1])
        await place_all(corpus, self.others)
        earlier: dict[str, set[str]] = defaultdict(set)
        recalls, pairs, links = [], [], 0
        for one, found in zip(self.articles, await place_all(corpus, self.prints), strict=True):
            shown = [link.id for link in (*found.duplicates, *found.similar)][:5]
            links += len(shown)
            if one.story and earlier[one.story]:
                recalls.append(recall_at(shown, earlier[one.story], 5))
            earlier[one.story or one.id].add(one.id)
            pairs.append((one.story or one.id, found.story_id))
        return {
            "recall_at_5": mean(recalls),
            "b3_f1": round(bcubed(pairs).f1, 4),
            "links": links,
            "articles": len(self.articles),
            "with_earlier_reports": len(recalls),
        }


async def both(redis: Redis, trials: Sequence[Trial], thresholds: tuple[float, ...]) -> dict[str, Any]:
    alone, among = [await trial.run(redis, thresholds) for trial in trials]
    return {"min_similar": thresholds[0], "min_story": thresholds[1], "alone": alone, "among": among}


def total(found: dict[str, Any]) -> float:
    return sum(float(found[case][name]) for case in ("alone", "among") for name in ("recall_at_5", "b3_f1"))


async def measure(socket: str, directory: Path) -> dict[str, Any]:
    gold = sorted(read_gold(directory), key=lambda article: article.date)
    halves = [[one for one in gold if one.half == half] for half in (1, 2)]
    with tempfile.TemporaryDirectory() as models:
        (Path(models) / "idf.tsv").write_text(idf_table(halves[0]), encoding="utf-8")
        idf = BackgroundIdf.load(Path(models))
    words = [word for one in halves[0] for word in one.body.split()]
    first, second = ([Trial.of(half, idf, others, words) for others in (0, OTHERS)] for half in halves)
    async with Redis(unix_socket_path=socket) as redis:
        tried = [await both(redis, first, thresholds) for thresholds in product(SIMILAR, STORY)]
        best = max(tried, key=total)
        chosen = best["min_similar"], best["min_story"]
        return {
            "first_half": {"chosen": best, "shipped": await both(redis, first, SHIPPED)},
            "second_half": {
                "chosen": await both(redis, second, chosen),
                "shipped": await both(redis, second, SHIPPED),
            },
            "tried": [(one["min_similar"], one["min_story"], round(total(one) / 4, 4)) for one in tried],
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gold", type=Path, default=ROOT.parent / "shared" / "data" / "news-gold")
    options = parser.parse_args()
    with private_redis() as socket:
        print(json.dumps(asyncio.run(measure(socket, options.gold)), indent=1))


if __name__ == "__main__":
    main()
