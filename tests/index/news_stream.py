"""Two weeks and a day of made-up news in which it is known who rises, falls, and only seems to rise."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from shared.events import ArticleEnriched, Entity, Related
from tests.index.articles import article_id, enriched, entity

# A Sunday, so that weekends are two of the days before.
NOW = datetime(2026, 11, 22, 23, 59, 30, tzinfo=UTC)
RISING = ("PERSON:Steep Riser", "ORG:Steady Doubler", "GPE:New Place")
NOT_RISING = {
    "PERSON:Falling Star": "three times as much was written before",
    "PERSON:Sunday Striker": "named each weekend, and on no other day",
    "ORG:Copied Company": "one text, in 50 copies",
    "PERSON:Seldom Seen": "2 texts after none",
    "GPE:Capital": "in half of all texts, and the day is a busy one",
    "ORG:Slow Grower": "a tenth more than before, of very many",
}
_BACKGROUND = 120
_TEXTS_PER_DAY, _TEXTS_ON_BUSY_DAY = 100, 300


def _named(name: str) -> Entity:
    label, _, canonical = name.partition(":")
    return entity(label, canonical)  # type: ignore[arg-type]


def _texts(day: int, planted_share: float) -> dict[str, int]:
    """Return how many texts of a day name whom; day 0 is today, a busy one, and each has its own volume."""
    weekend = day % 7 in (0, 1)
    usual = {
        "PERSON:Steep Riser": 1, "ORG:Steady Doubler": 10, "PERSON:Falling Star": 15,
        "GPE:Capital": 50, "ORG:Slow Grower": 40, "PERSON:Sunday Striker": 12 if weekend else 0,
    }  # fmt: skip
    if day:
        return {name: round(count * planted_share) for name, count in usual.items()}
    times = _TEXTS_ON_BUSY_DAY // _TEXTS_PER_DAY
    return {
        "PERSON:Steep Riser": 40, "ORG:Steady Doubler": 70, "GPE:New Place": 15, "PERSON:Falling Star": 15,
        "GPE:Capital": 50 * times, "ORG:Slow Grower": 44 * times, "PERSON:Sunday Striker": 12 * times,
        "PERSON:Seldom Seen": 2,
    }  # fmt: skip


def news_stream(seed: int = 3) -> Iterator[ArticleEnriched]:
    """Return the articles, the oldest first: 1,500 texts of five outlets, and 50 copies of one of today's.

    Weekends have half of what weekdays have; today has three times as much. Names beside the planted ones are
    drawn by Zipf's law.
    """
    rng = random.Random(seed)
    names = [f"PERSON:Background {number}" for number in range(_BACKGROUND)]
    weights = [1 / rank for rank in range(1, _BACKGROUND + 1)]
    for day in range(15, -1, -1):
        share = 0.5 if day % 7 in (0, 1) else 1.0
        volume = round(_TEXTS_PER_DAY * share) if day else _TEXTS_ON_BUSY_DAY
        naming: list[set[str]] = [set(rng.choices(names, weights, k=2)) for _ in range(volume)]
        for name, count in _texts(day, share).items():
            for place in rng.sample(range(volume), min(count, volume)):
                naming[place].add(name)
        for number, named in enumerate(naming):
            at = NOW - timedelta(days=day, minutes=rng.randint(1, 1_430))
            yield _article(f"{day}-{number}", at, named, f"Outlet {rng.randint(1, 5)}")
    for copy in range(50):
        at = NOW - timedelta(minutes=60 + copy)
        yield _article(
            f"copy-{copy}", at, {"ORG:Copied Company"}, f"Local {copy}", "copy-0" if copy else None
        )


def _article(
    key: str, at: datetime, named: set[str], source: str, copied: str | None = None
) -> ArticleEnriched:
    link = (Related(kind="duplicate", id=article_id(copied), title="", score=0.9, why=""),) if copied else ()
    return enriched(
        key,
        title=f"Text {key}",
        published_at=at,
        received_at=at,
        source=source,
        entities=tuple(map(_named, sorted(named))),
        related=link,
    )
