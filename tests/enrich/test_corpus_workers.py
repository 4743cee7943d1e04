"""Several enrich workers and one corpus: four processes place one stream, and some of them are killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from services.enrich.corpus import Corpus, Fingerprint, fingerprint
from services.enrich.scoring import bcubed
from services.enrich.steps.terms import BackgroundIdf
from tests.support import eventually

ROOT = Path(__file__).resolve().parents[2]
WORKERS, BATCH = 4, 5
STORIES, REPORTS, COPIES = 12, 5, 3
AT = datetime(2026, 3, 1, tzinfo=UTC)


def stream() -> list[tuple[str, str, str]]:
    """Return (story, report, text) of 240 articles in random order: stories, their reports, and copies."""
    rng = random.Random(5)
    syllables = [c + v for c in "bcdfghklmnprstv" for v in "aeiou"]

    def words(count: int) -> list[str]:
        return ["".join(rng.choices(syllables, k=4)) for _ in range(count)]

    articles = []
    for story in range(STORIES):
        own = words(12)
        for report in range(REPORTS):
            text = rng.choices(own, k=30) + words(40)
            rng.shuffle(text)
            for _ in range(COPIES + 1):
                copy = list(text)
                copy[rng.randrange(len(copy))] = words(1)[0]
                articles.append((f"s{story}", f"s{story}r{report}", " ".join(copy)))
    rng.shuffle(articles)
    return articles


ARTICLES = stream()


def prints() -> list[Fingerprint]:
    idf = BackgroundIdf.load()
    return [
        fingerprint(f"{n:032x}", title=original, body=text, url=None, at=AT + timedelta(minutes=n), idf=idf)
        for n, (_, original, text) in enumerate(ARTICLES)
    ]


def a_corpus(redis: Redis) -> Corpus:
    return Corpus(redis, clock=lambda: AT + timedelta(days=1))


async def work(socket_url: str, numbers: Sequence[int]) -> None:
    """Place the articles of those numbers; print a line of JSON for each, once Redis has answered."""
    async with Redis.from_url(socket_url) as redis:
        corpus, made = a_corpus(redis), prints()
        for start in range(0, len(numbers), BATCH):
            batch = numbers[start : start + BATCH]
            await asyncio.sleep(0.03)  # so that all are at it when some are killed
            for number, found in zip(batch, await corpus.place_many([made[n] for n in batch]), strict=True):
                copies = [int(link.id, 16) for link in found.duplicates]
                print(json.dumps([number, found.story_id, copies]), flush=True)  # noqa: T201


def start(redis_url: str, numbers: Sequence[int]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.enrich.test_corpus_workers", redis_url, json.dumps(list(numbers))],
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def shares() -> list[list[int]]:
    """Deal the stream out to the workers as a consumer group does, a batch at a time."""
    return [[n for n in range(len(ARTICLES)) if n // BATCH % WORKERS == worker] for worker in range(WORKERS)]


def replies(output: bytes) -> Iterator[tuple[int, str, list[int]]]:
    for line in output.splitlines():
        number, story, copies = json.loads(line)
        yield number, story, copies


async def held(redis: Redis) -> dict[str, Any]:
    """Return what the corpus holds: ids of its documents, and the postings that lead to no document."""
    numbers: dict[str, int] = {}
    for key in await redis.keys("{corpus}:i*"):
        numbers |= {article.decode(): int(number) for article, number in (await redis.hgetall(key)).items()}
    postings: dict[int, int] = defaultdict(int)
    for key in await redis.keys("{corpus}:t*"):
        packed = await redis.get(key)
        for at in range(0, len(packed), 4):
            postings[int.from_bytes(packed[at : at + 4], "little")] += 1
    stories = [await redis.hgetall(key) for key in await redis.keys("{corpus}:s???")]
    return {
        "ids": set(numbers),
        "postings": {article: postings.pop(number, 0) for article, number in numbers.items()},
        "stray_postings": dict(postings),
        "documents": len(await redis.keys("{corpus}:d*")),
        "count": int(await redis.hget("{corpus}:state", "count")),
        "members": sum(int(members) for story in stories for members in story.values()),
    }


async def assert_every_article_is_held_once(redis: Redis) -> None:
    found, made = await held(redis), prints()
    assert found["ids"] == {one.id for one in made}
    assert found["postings"] == {one.id: len(one.terms) for one in made}, "no posting is lost or doubled"
    assert found["stray_postings"] == {}
    assert found["documents"] == found["count"] == found["members"] == len(made)


async def one_worker(redis: Redis) -> dict[int, str]:
    """Return the story of each article when a single worker places them all, and empty Redis again."""
    placed = await a_corpus(redis).place_many(prints())
    await redis.flushall()
    return {number: found.story_id for number, found in enumerate(placed)}


def truth(number: int) -> str:
    return ARTICLES[number][0]


def quality(stories: dict[int, str]) -> float:
    return bcubed([(truth(number), story) for number, story in stories.items()]).f1


async def test_four_workers_lose_no_posting_and_link_each_pair_of_copies_once(
    redis: Redis, redis_url: str
) -> None:
    alone = await one_worker(redis)
    workers = [start(redis_url, share) for share in shares()]
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WORKERS
    await assert_every_article_is_held_once(redis)

    answers = {number: (story, copies) for out in outputs for number, story, copies in replies(out)}
    assert answers.keys() == set(range(len(ARTICLES)))
    links = [frozenset((number, copy)) for number, (_, copies) in answers.items() for copy in copies]
    # Of two copies whichever is placed later has the link: which one it is depends on the workers' pace.
    wanted = {
        frozenset((a, b)) for a in range(len(ARTICLES)) for b in range(a) if ARTICLES[a][1] == ARTICLES[b][1]
    }
    assert set(links) == wanted and len(links) == len(wanted)

    together = {number: story for number, (story, _) in answers.items()}
    by_report: dict[str, set[str]] = defaultdict(set)
    for number, story in together.items():
        by_report[ARTICLES[number][1]].add(story)
    assert all(len(stories) == 1 for stories in by_report.values()), "copies are always of one story"
    assert quality(together) >= quality(alone) - 0.05


@pytest.mark.parametrize("kills", [2])
async def test_workers_killed_in_the_middle_leave_no_doubles_when_their_share_comes_again(
    redis: Redis, redis_url: str, kills: int
) -> None:
    alone = await one_worker(redis)
    workers = [start(redis_url, share) for share in shares()]

    async def under_way() -> bool:
        return int(await redis.hget("{corpus}:state", "count") or 0) > len(ARTICLES) // 4

    await eventually(under_way, within_s=60)
    for worker in workers[:kills]:
        worker.send_signal(signal.SIGKILL)
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    # All of their entries come again, those that they had placed included.
    again = [start(redis_url, share) for share in shares()[:kills]]
    redelivered = [worker.communicate(timeout=60)[0] for worker in again]
    assert [worker.returncode for worker in again] == [0] * kills
    await assert_every_article_is_held_once(redis)

    before = {number: story for out in outputs for number, story, _ in replies(out.rpartition(b"\n")[0])}
    after = {number: story for out in redelivered for number, story, _ in replies(out)}
    assert {n: after[n] for n in before.keys() & after.keys()} == {
        n: before[n] for n in before.keys() & after.keys()
    }, "an article that was placed before the kill keeps its story"
    assert quality(before | after) >= quality(alone) - 0.05


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], json.loads(sys.argv[2])))
