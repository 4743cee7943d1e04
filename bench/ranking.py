"""How well searches are ranked, by a judged set: plain BM25 beside BM25 with age.

    python -m bench.ranking [--sweep] [--json]

tests/data/ranking/judged.json holds searches with articles that match them, how old each is and how much a
newsroom wants it (3 is what was looked for, 0 what nobody wanted). All articles make one index. Printed per
kind of search: nDCG over the first five, and the share of pairs of different grades in the right order.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest import mock

from services.index.engine import recency
from services.index.engine.protocol import Query, SearchEngine
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import parse
from shared.events import Article, ArticleEnriched, Language, Provenance, Sentiment, SubmittedArticle

JUDGED = Path(__file__).resolve().parents[1] / "tests" / "data" / "ranking" / "judged.json"
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DEPTH = 5
Grades = Mapping[str, int]


def judged() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(JUDGED.read_text(encoding="utf-8"))
    return found


def article_id(title: str) -> str:
    return hashlib.blake2b(title.encode(), digest_size=16).hexdigest()


def _event(article: Mapping[str, Any]) -> ArticleEnriched:
    published_at = NOW - timedelta(days=article["days"])
    served = Article(
        id=article_id(article["title"]),
        revision=1,
        title=article["title"],
        body=article["body"],
        received_at=published_at,
        published_at=published_at,
        language=Language(code="en", confidence=1.0),
        sentiment=Sentiment(label="neutral", score=0.0, confidence=1.0),
        provenance=Provenance(door="api"),
    )
    return ArticleEnriched(
        article_id=served.id,
        revision=1,
        received_at=published_at,
        content_hash=served.id,
        submitted=SubmittedArticle(title=served.title, body=served.body),
        article=served,
    )


@contextmanager
def stocked() -> Iterator[SearchEngine]:
    """Yield an engine that holds the articles of the judged set."""
    with tempfile.TemporaryDirectory(prefix="wireroom-ranking-") as directory:
        engine = TantivyEngine(Path(directory))
        engine.upsert_many([_event(article) for each in judged() for article in each["articles"]], NOW)
        engine.commit()
        yield engine
        engine.close()


def ndcg(grades: Sequence[int], wanted: Grades) -> float:
    """Return the normalised discounted cumulative gain of what was found, by its first DEPTH grades."""
    best = _gain(sorted(wanted.values(), reverse=True))
    return _gain(grades) / best if best else 1.0


def _gain(grades: Sequence[int]) -> float:
    return sum((2.0**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades[:DEPTH]))


def pairs_in_order(grades: Sequence[int]) -> float:
    """Return the share of pairs of different grades that are in the right order."""
    pairs = [(first, second) for first, second in combinations(grades, 2) if first != second]
    return fmean(first > second for first, second in pairs) if pairs else 1.0


def measure(engine: SearchEngine, as_of: datetime | None) -> dict[str, tuple[float, float]]:
    """Return nDCG and pairs in order: by kind of search, and of all."""
    found: dict[str, list[tuple[float, float]]] = {}
    for each in judged():
        wanted = {article_id(article["title"]): article["grade"] for article in each["articles"]}
        hits = engine.search(Query(parse(each["q"], lenient=False).node, size=100, as_of=as_of)).hits
        grades = [wanted.get(hit.id, 0) for hit in hits]
        values = ndcg(grades, wanted), pairs_in_order(grades)
        for kind in (each["kind"], "all"):
            found.setdefault(kind, []).append(values)
    return {kind: (fmean(a for a, _ in each), fmean(b for _, b in each)) for kind, each in found.items()}


def sweep(engine: SearchEngine) -> None:
    """Print what other half-lives and floors would make of it."""
    for days in (1, 3, 7, 14, 30):
        for floor in (0.0, 0.1, 0.25, 0.5):
            with mock.patch.multiple(recency, HALF_LIFE=timedelta(days=days), FLOOR=floor):
                found = measure(engine, NOW)
            line = "  ".join(f"{kind} {values[0]:.3f}" for kind, values in sorted(found.items()))
            print(f"half-life {days:2} d  floor {floor:.2f}  {line}  pairs {found['all'][1]:.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sweep", action="store_true", help="Try other half-lives and floors.")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with stocked() as engine:
        if options.sweep:
            sweep(engine)
            return 0
        plain, aged = measure(engine, None), measure(engine, NOW)
    if options.json:
        print(json.dumps({"plain": plain, "aged": aged}))
        return 0
    print(f"{'':12} {'nDCG@5':>16} {'pairs in order':>18}")
    print(f"{'searches':12} {'plain':>8} {'aged':>7} {'plain':>10} {'aged':>7}")
    for kind in sorted(plain):
        values = plain[kind][0], aged[kind][0], plain[kind][1], aged[kind][1]
        print("{:12} {:8.3f} {:7.3f} {:10.3f} {:7.3f}".format(kind, *values))
    return 0


if __name__ == "__main__":
    sys.exit(main())
