"""Filling a corpus for measurements: it records what the service records, and the bound holds."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from bench import corpus_fill
from services.enrich.corpus import Corpus
from services.enrich.steps.terms import BackgroundIdf

IDF = BackgroundIdf.load()


async def test_a_filled_corpus_is_one_that_the_service_searches(redis: Redis) -> None:
    templates = corpus_fill.fingerprints(20, 1, IDF)
    filling = corpus_fill.Filling(redis, 1_000)
    with corpus_fill.recording_only():
        assert await filling.place(corpus_fill.copies(templates, 60, timedelta(minutes=1))) == 60
    again = list(corpus_fill.copies(templates, 60, timedelta(minutes=1)))[45]
    corpus = Corpus(redis, clock=lambda: corpus_fill.START)
    (found,) = await corpus.place_many([again])
    known = {one.id for one in found.similar}
    assert known and again.id not in known, "its neighbours are found, and it is there itself"
    assert await redis.hget("{corpus}:state", "count") == b"60"


async def test_the_bound_holds_while_more_articles_come_than_it_allows(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus_fill, "TEMPLATES", 30)
    monkeypatch.setattr(corpus_fill, "PROBES", 10)
    report = await corpus_fill.fill(redis, 1_000, 400, 14.0, IDF)
    assert [row["placed"] for row in report["fill"]] == list(range(100, 1_001, 100))
    assert max(row["held"] for row in report["fill"]) == 350, "an eighth is kept for articles of years ago"
    memory = [row["memory_mb"] for row in report["fill"] if row["held"] == 350]
    assert max(memory) <= 1.15 * min(memory)
    assert report["placement"]["held"] == 350 and report["placement"]["redis_cpu_ms"] > 0
