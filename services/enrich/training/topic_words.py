"""Prior knowledge for the topic model: words that tell a topic; 652 annotated articles hold too few."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.terms import term_of
from services.enrich.steps.topics import BUCKETS, MEDIA_TOPICS, bucket_of

WORDS: Final = Path(__file__).with_name("topic_words.txt")
Rows = tuple[NDArray[np.intp], NDArray[np.float64]]


def read_topic_words(path: Path = WORDS) -> dict[str, frozenset[str]]:
    """Return the terms of each topic. Raises ValueError for a line that names no topic."""
    found: dict[str, frozenset[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        topic, _, words = line.partition(":")
        if topic not in MEDIA_TOPICS:
            raise ValueError(f"{path}: {topic!r} is no topic")
        found[topic] = frozenset(filter(None, map(term_of, words.split())))
    return found


class TopicWords:
    """Adds one feature a topic to an article's terms: how much of the article are words of that topic.

    A word of several topics counts for each by its share. The features are linear in the terms, so the
    weights they get fold back into those of the terms, and nothing of this is needed to classify.
    """

    def __init__(self, words: dict[str, frozenset[str]], weight: float) -> None:
        topics = tuple(MEDIA_TOPICS)
        table = np.zeros((BUCKETS, len(topics)))
        for topic, terms in words.items():
            for term in terms:
                table[bucket_of(term), topics.index(topic)] = 1.0
        table /= np.maximum(table.sum(axis=1, keepdims=True), 1.0)
        # Of interest is which topic has more than the others, not how many listed words there are.
        self._table = weight * (table - table.mean(axis=1, keepdims=True))
        self.columns = BUCKETS + len(topics)

    def extended(self, features: Rows) -> Rows:
        """Return the features with those of the topics behind them."""
        rows, values = features
        added = values @ self._table[rows]
        return np.concatenate([rows, np.arange(BUCKETS, self.columns)]), np.concatenate([values, added])

    def folded(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return weights (buckets, topics) that give terms alone the logits of (columns, topics)."""
        folded: NDArray[np.float64] = weights[:BUCKETS] + self._table @ weights[BUCKETS:]
        return folded
