"""How much the age of a match takes from its score; docs/ranking.md has what was measured."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

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


def freshness(half_lives: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what the scores of matches of these ages are multiplied with: from 1 down to FLOOR."""
    return FLOOR + (1.0 - FLOOR) * np.exp2(-np.maximum(half_lives, 0.0))


def fresh_first(view: View, best: list[Row], as_of: datetime, *, best_are_all: bool) -> list[Row]:
    """Return the candidates, `best` and those of the last days, in the order of their scores with age."""
    rows = best
    if not best_are_all:
        since = max(seconds_of(as_of) - int(RECENT_SPAN.total_seconds()), 0) << 32
        rows = best + view.ranked(view.compiler.from_key(view.base, since), RECENT_CANDIDATES)
    if not rows:
        return rows
    found = view.searcher.fast_field_values(SORT_KEY, [row.address for row in rows])
    keys = np.array(found, np.uint64)
    ages_s = seconds_of(as_of) - (keys >> np.uint64(32)).astype(np.float64)
    scores = np.array([row.value for row in rows]) * freshness(ages_s / HALF_LIFE.total_seconds())
    # Of equal scores the newer comes first. What is a candidate twice stands twice, side by side.
    order = np.lexsort((keys, scores))[::-1].tolist()
    aged = scores.tolist()
    # What is in both has one key; that of another article in the same cluster is another one.
    once = {(found[number], rows[number].cluster): number for number in order}
    return [Row(aged[number], rows[number].address, rows[number].cluster) for number in once.values()]
