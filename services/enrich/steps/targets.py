"""Entities as targets of sentiment: from mentions to tokens, and from chances back to entities."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.tone_features import TokenTable
from shared.events import EntitySentiment

Floats = NDArray[np.float64]


class Target(NamedTuple):
    """A mention as tokens [begin, end) of sentence `sentence`."""

    entity: int
    sentence: int
    begin: int
    end: int


def targets_of(table: TokenTable, mentions: Sequence[tuple[int, int, int]]) -> list[Target]:
    """Return the mentions (entity, start, end in characters) that lie on tokens of a sentence."""
    if not mentions or not len(table.starts):
        return []
    columns = np.array(mentions, dtype=np.int64)
    begins = np.searchsorted(table.starts, columns[:, 1])
    ends = np.searchsorted(table.starts, columns[:, 2])
    return [
        Target(
            entity, int(table.sentences[begin]), begin, min(end, int(table.first[table.sentences[begin] + 1]))
        )
        for (entity, _, _), begin, end in zip(mentions, begins.tolist(), ends.tolist(), strict=True)
        if begin < end
    ]


def sentiments_of(
    count: int, targets: Sequence[Target], chances: Floats
) -> tuple[EntitySentiment | None, ...]:
    """Return the sentiment towards each of `count` entities, None for those without a target."""
    scores = (chances[:, 2] - chances[:, 0]).tolist()
    sureness = chances.max(axis=1).tolist()
    by_entity: dict[int, dict[int, list[int]]] = {}
    for at, target in enumerate(targets):
        by_entity.setdefault(target.entity, {}).setdefault(target.sentence, []).append(at)
    result: list[EntitySentiment | None] = [None] * count
    for entity, by_sentence in by_entity.items():
        result[entity] = EntitySentiment(
            score=round(_mean_of_means(scores, by_sentence.values()), 4),
            confidence=round(min(_mean_of_means(sureness, by_sentence.values()), 1.0), 4),
            mentions=len(by_sentence),
        )
    return tuple(result)


def _mean_of_means(values: Sequence[float], groups: Collection[Sequence[int]]) -> float:
    return sum(sum(values[at] for at in group) / len(group) for group in groups) / len(groups)
