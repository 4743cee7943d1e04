"""Processor time of timeline, stories and trends over 200,000 articles: p50 and p99, nothing cached.

    python -m bench.overviews [--documents N] [--keep DIR]

The articles are those of bench.search: two years, four to a story on average, without near-duplicates.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.search import NOW, asked_words, built, material
from services.index.engine.aggregations import Aggregations, StoryQuery
from services.index.engine.protocol import Filters
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_overview import entity_overview
from services.index.query.nodes import MATCH_ALL, Node
from services.index.query.parser import parse
from services.index.stories import story_document, story_page
from services.index.timeline import timeline_of
from services.index.trends import trend_query, trends_document

QUESTIONS = 100
WHOLE_CORPUS = 30


def processor_ms(engine: TantivyEngine, calls: Sequence[Callable[[], object]]) -> list[float]:
    times = []
    for call in calls:
        engine.aggregations.clear()
        began = time.thread_time()
        call()
        times.append((time.thread_time() - began) * 1000)
    return sorted(times)


def report(name: str, times: list[float]) -> None:
    p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
    print(f"{name:44} p50 {statistics.median(times):7.2f}  p99 {p99:7.2f} ms of a processor")


def kinds(aggregations: Aggregations) -> dict[str, Callable[[Node], object]]:
    return {
        "timeline": lambda node: timeline_of(aggregations, node, Filters(), "auto"),
        "timeline by day, two years": lambda node: timeline_of(aggregations, node, Filters(), "day"),
        "page of ten stories, newest": lambda node: story_page(aggregations, StoryQuery(node)),
        "page of ten stories, by size": lambda node: story_page(aggregations, StoryQuery(node, "size")),
        "trends 24h against 14d": lambda node: trends_document(
            aggregations, trend_query(node, Filters(), NOW)
        ),
        "trends 7d against 90d": lambda node: trends_document(
            aggregations, trend_query(node, Filters(), NOW, window="7d", baseline="90d")
        ),
    }


def run(engine: TantivyEngine) -> None:
    source = material()
    nodes = [parse(text, lenient=True).node for text in asked_words(source, random.Random(23))["term"]]
    for name, ask in kinds(engine.aggregations).items():
        for what, asked in (("a term", nodes[:QUESTIONS]), ("the whole corpus", [MATCH_ALL] * WHOLE_CORPUS)):
            report(f"{name}: {what}", processor_ms(engine, [partial(ask, node) for node in asked]))
    listed = engine.aggregations.stories(StoryQuery(MATCH_ALL, size=100)).stories
    stories = [partial(story_document, engine.aggregations, story.id) for story in listed]
    report("one story", processor_ms(engine, stories))
    named = random.Random(23).choices(source.entities, k=QUESTIONS)
    entities = [
        partial(entity_overview, engine, f"{label}:{name}", MATCH_ALL, Filters()) for label, name in named
    ]
    report("one entity", processor_ms(engine, entities))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="Build in this directory, or reuse what is in it.")
    options = parser.parse_args()
    with built(options.keep, options.documents) as engine:
        run(engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
