"""How much the age of a match takes from its score; docs/ranking.md has what was measured."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from services.index.engine.documents import seconds_of
from services.index.engine.rows import SORT_KEY, Row, View

# What news is about changes within days: a report three days old has lost half of what age can take.
HALF_LIFE = timedelta(days=3)
# The rest is never lost. A title match weighs some four times a mention, so that an old article about a thing
# stands level with today's mention of it, and before a mention of last week: who looks for it finds it.
FLOOR = 0.25
# Only the best matches are weighed again. To collect 200 of 20,000 takes 0.02 ms longer than to collect ten.
CANDIDATES = 200
# Of a frequent word, they may all be old: the best of the last days are candidates too.
RECENT_SPAN = timedelta(days=14)
RECENT_CANDIDATES = 100


def freshness(half_lives: float) -> float:
    """Return what the score of a match of this age is multiplied with: from 1 down to FLOOR."""
    return FLOOR + (1.0 - FLOOR) * math.pow(0.5, max(half_lives, 0.0))


def fresh_first(view: View, best: list[Row], as_of: datetime) -> list[Row]:
    """Return the candidates, `best` and those of the last days, in the order of their scores with age."""
    since = max(seconds_of(as_of) - int(RECENT_SPAN.total_seconds()), 0) << 32
    rows = best + view.ranked(view.compiler.from_key(view.base, since), RECENT_CANDIDATES)
    if not rows:
        return rows
    keys = view.searcher.fast_field_values(SORT_KEY, [row.address for row in rows])
    now_s, half_life_s = seconds_of(as_of), HALF_LIFE.total_seconds()
    aged = {
        # What is in both has one key; that of another article in the same cluster is another one.
        (key, cluster): (value * freshness((now_s - (int(key or 0) >> 32)) / half_life_s), key, address)
        for (value, address, cluster), key in zip(rows, keys, strict=True)
    }
    # Of equal scores the newer comes first.
    order = sorted(aged.items(), key=lambda one: one[1][:2], reverse=True)
    return [Row(value, address, cluster) for (_, cluster), (value, _, address) in order]
