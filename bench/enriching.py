"""What the steps of one enrich worker cost: processor time by step, and memory, in a process of its own.

    python -m bench.enriching --articles 2000 --words 380

Plain text, all steps on, in batches as the service takes them; events are decoded before and encoded after.
Finding neighbours in Redis is not part of it: `python -m bench.corpus` measures that.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.articles import make_articles
from bench.failures import BenchFailed
from services.enrich import pipeline
from services.enrich.corpus import Neighbours
from services.enrich.draft import Draft
from services.enrich.pipeline import Batched, Models
from shared.events import ArticleSubmitted, decode_event, encode_event

ROOT = Path(__file__).resolve().parents[1]
WORDS = 380
BATCH = 50
WARM_UP = 100
LIMIT_S = 300


@dataclass(frozen=True, slots=True)
class Enriching:
    """`ms_by_step` is processor time an article, `words` the mean length of a body."""

    articles: int
    words: float
    ms_by_step: Mapping[str, float]
    peak_mb: float

    @property
    def articles_per_cpu_second(self) -> float:
        return 1000 / sum(self.ms_by_step.values())


def measure_in_a_process(articles: int, words: int = WORDS) -> Enriching:
    """Raises BenchFailed when the process fails or takes longer than LIMIT_S."""
    command = [sys.executable, "-m", "bench.enriching", "--articles", str(articles), "--words", str(words)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=True)
    except subprocess.TimeoutExpired as error:
        raise BenchFailed(f"{articles} articles were not enriched within {LIMIT_S} s") from error
    except subprocess.CalledProcessError as error:
        raise BenchFailed(f"enriching ended with {error.returncode}: {error.stderr[-500:]}") from error
    return Enriching(**json.loads(done.stdout))


def measure(articles: int, words: int) -> Enriching:
    made = make_articles(
        WARM_UP + articles, series=f"enrich {articles}", newest_at=datetime.now(UTC), words=words
    )
    events = [encode_event(_event(number, article)) for number, article in enumerate(made)]
    models = Models.load()
    # As `shared.http.serve` does for the service: what is loaded once is not looked through again.
    gc.collect()
    gc.freeze()
    _enrich(events[:WARM_UP], models, _Clock())
    clock = _Clock()
    for start in range(WARM_UP, len(events), BATCH):
        _enrich(events[start : start + BATCH], models, clock)
    return Enriching(
        articles=articles,
        words=round(sum(len(_body(event).split()) for event in events[WARM_UP:]) / articles, 1),
        ms_by_step={name: round(spent / articles * 1000, 3) for name, spent in clock.spent_s.items()},
        peak_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    )


class _Clock:
    def __init__(self) -> None:
        self.spent_s: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        started = time.process_time()
        try:
            yield
        finally:
            self.spent_s[name] += time.process_time() - started


def _enrich(events: Sequence[bytes], models: Models, clock: _Clock) -> None:
    with clock.timed("decode"):
        submitted = [event for event in map(decode_event, events) if isinstance(event, ArticleSubmitted)]
    drafts = [Draft.of(event) for event in submitted]
    for step in pipeline.STEPS:
        if isinstance(step, Batched):
            with clock.timed(step.step.__name__):
                drafts = step.step(drafts, models)
        else:
            alone: Callable[[Draft, Models], Draft] = step
            with clock.timed(step.__name__):
                drafts = [alone(draft, models) for draft in drafts]
    with clock.timed("fingerprint"):
        for draft in drafts:
            pipeline.fingerprint_of(draft, models)
    with clock.timed("encode"):
        for draft in drafts:
            encode_event(
                pipeline.finish(draft, Neighbours(draft.event.article_id, (), ()), datetime.now(UTC))
            )


def _event(number: int, article: Mapping[str, Any]) -> ArticleSubmitted:
    return ArticleSubmitted.model_validate(
        {
            "article_id": f"{number:032x}",
            "revision": 1,
            "epoch": 0,
            "received_at": datetime.now(UTC),
            "content_hash": "0" * 64,
            "article": {name: value for name, value in article.items() if name != "id"},
            "provenance": {"door": "api"},
        }
    )


def _body(event: bytes) -> str:
    decoded = decode_event(event)
    return (decoded.article.body or "") if isinstance(decoded, ArticleSubmitted) else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--articles", type=int, default=2_000)
    parser.add_argument("--words", type=int, default=WORDS)
    options = parser.parse_args()
    print(json.dumps(asdict(measure(options.articles, options.words))))


if __name__ == "__main__":
    main()
