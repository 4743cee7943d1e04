"""Topics: which of the 17 top-level IPTC Media Topics an article belongs to, by a hashed linear model."""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Final, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.model_file import load_model_file
from services.enrich.steps.terms import MODELS, terms
from shared.events import Topic
from shared.media_topics import TOP_LEVEL

# Enough that the few thousand words which tell a topic hardly share a bucket with others.
BUCKETS: Final = 1 << 17
MAX_TOPICS: Final = 3
_TITLE_WEIGHT: Final = 3
_MAX_BODY_CHARS: Final = 20_000
_MIN_TERMS: Final = 3
# However plain the words, some readers would file the article elsewhere: no share is nearer to 1 than this.
_DOUBT: Final = 0.01

# What the model's labels call the topics: the short names of news-gold, by code.
_SHORT_NAMES: Final = (
    ("arts", "01000000"),
    ("crime", "02000000"),
    ("disaster", "03000000"),
    ("economy", "04000000"),
    ("education", "05000000"),
    ("environment", "06000000"),
    ("health", "07000000"),
    ("human-interest", "08000000"),
    ("labour", "09000000"),
    ("lifestyle", "10000000"),
    ("politics", "11000000"),
    ("religion", "12000000"),
    ("science", "13000000"),
    ("society", "14000000"),
    ("sport", "15000000"),
    ("conflict", "16000000"),
    ("weather", "17000000"),
)
MEDIA_TOPICS: Final[dict[str, tuple[str, str]]] = {
    short: (code, TOP_LEVEL[code]) for short, code in _SHORT_NAMES
}


@lru_cache(maxsize=1 << 16)
def bucket_of(term: str) -> int:
    return crc32(term.encode("utf-8", "replace")) & (BUCKETS - 1)


def topic_features(title: str, body: str) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return rows of the weight table and their values: 1 + ln of a term's count, of unit length together.

    A title's term counts three times; 20,000 characters of the body are read.
    """
    counts = terms(body[:_MAX_BODY_CHARS])
    for term, count in terms(title).items():
        counts[term] = counts.get(term, 0) + _TITLE_WEIGHT * count
    rows = np.fromiter(map(bucket_of, counts), dtype=np.intp, count=len(counts))
    values = np.fromiter(
        (1.0 + math.log(count) for count in counts.values()), dtype=np.float64, count=len(counts)
    )
    norm = float(np.sqrt(values @ values))
    return rows, values / norm if norm else values


class TopicModel:
    """A multinomial logistic model. `weights` has shape (buckets, topics), `bias` (topics,)."""

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: NDArray[np.float32],
        labels: tuple[str, ...],
        threshold: float,
        version: str,
    ) -> None:
        self._weights = weights
        self._bias = bias
        self._topics = [MEDIA_TOPICS[label] for label in labels]
        self._threshold = threshold
        self.version = version

    @classmethod
    def load(cls, model_dir: Path | None = None) -> Self:
        """Read `topics.npz`. Raises ConfigurationError when it is missing or is no such model."""
        path = (model_dir or MODELS) / "topics.npz"
        data = load_model_file(
            path,
            "python -m services.enrich.training.topics",
            {
                "weights": (BUCKETS, len(MEDIA_TOPICS)),
                "bias": (len(MEDIA_TOPICS),),
                "scale": (len(MEDIA_TOPICS),),
            },
        )
        return cls(
            weights=data["weights"].astype(np.float32) * data["scale"].astype(np.float32),
            bias=data["bias"].astype(np.float32),
            labels=tuple(map(str, data["labels"])),
            threshold=float(data["threshold"]),
            version=str(data["version"]),
        )

    def shares(self, title: str, body: str) -> NDArray[np.float64]:
        """Return the chance of each topic, in the model's order; they add up to 1."""
        return self._shares(*topic_features(title, body))

    def _shares(self, rows: NDArray[np.intp], values: NDArray[np.float64]) -> NDArray[np.float64]:
        return shares_of(values @ self._weights[rows] + self._bias)

    def classify(self, title: str, body: str) -> tuple[Topic, ...]:
        """Return the topics above the model's threshold, most likely first, at most three.

        The likeliest is given even below it unless the text has fewer than three terms.
        """
        rows, values = topic_features(title, body)
        if len(rows) < _MIN_TERMS:
            return ()
        shares = self._shares(rows, values)
        order = np.argsort(-shares)[:MAX_TOPICS]
        return tuple(
            Topic(code=self._topics[at][0], name=self._topics[at][1], score=round(float(shares[at]), 4))
            for rank, at in enumerate(order)
            if rank == 0 or shares[at] >= self._threshold
        )


def shares_of(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chances of topics, along the last axis: a softmax that leaves each topic a little."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = (1.0 - _DOUBT) * powers / powers.sum(axis=-1, keepdims=True)
    shares += _DOUBT / logits.shape[-1]
    return shares
