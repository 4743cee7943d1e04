"""Sentiment of sentences, of the whole article, and towards each entity, by one hashed linear model.

The tone of a sentence comes from its words alone; the sentiment towards an entity also from what stands
near it. Words of a small valence lexicon weigh by their valence too, not only by their hash. All features
of an article are computed once, with numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.model_file import load_model_file
from services.enrich.steps.targets import Target, targets_of, with_sentiments
from services.enrich.steps.terms import MODELS
from services.enrich.steps.tone_features import (
    BUCKETS,
    FeatureIds,
    TokenTable,
    distance_weights,
    feature_ids,
    sentence_norms,
    tabulate,
)
from services.enrich.text import split_sentences
from shared.events import Entity, Sentiment, Tone

# Columns of the weight table: the logits negative, neutral, positive towards a target, and the tone.
COLUMNS: Final = 4
CLASSES: Final = 3
NEAR_WEIGHT: Final = 0.25
NEAR_VALENCE_WEIGHT: Final = 0.3
# Rows of the lexicon's weights, pairs of (positive, negative): sentence, near, left of and right of a target.
VALENCE_ROWS: Final = 8
_SENTENCE_ROW, _NEAR_ROW, _LEFT_ROW, _RIGHT_ROW = 0, 2, 4, 6
NEGATED_VALENCE: Final = -0.5
NEUTRAL_BAND: Final = 0.2
# Words farther from a target than this weigh less than a double can tell (e^-42). Without such a bound,
# hundreds of mentions in one endless sentence make pairs with every word of it: gigabytes.
REACH_WORDS: Final = 250
MAX_CHARS: Final = 40_000
_MAX_MENTIONS: Final = 400
_TITLE_WEIGHT: Final = 2.0
_LEAD_WEIGHT: Final = 1.5
_LEAD_SENTENCES: Final = 2
_MIN_SENTENCE_TOKENS: Final = 3

Floats = NDArray[np.float64]


class Lexicon(NamedTuple):
    """Valences −4…4 of words: `keys` are ascending crc32 hashes as in TokenTable.hashes."""

    keys: NDArray[np.uint64]
    valences: Floats

    def of(self, table: TokenTable) -> tuple[Floats, Floats]:
        """Return each token's valence, plain and with negation; 0 for words that have none."""
        at = np.minimum(np.searchsorted(self.keys, table.hashes), len(self.keys) - 1)
        plain = np.where(self.keys[at] == table.hashes, self.valences[at], 0.0)
        return plain, np.where(table.negated, NEGATED_VALENCE * plain, plain)


class _Read(NamedTuple):
    """What the model computes once per text: its tokens, features, valences and sums for each sentence."""

    table: TokenTable
    ids: FeatureIds
    plain: Floats
    negated: Floats
    base: Floats


class SentimentModel:
    """`weights` has shape (buckets, 4), `valence_weights` (8, 4), `bias` (4,).

    `gain` turns the linear tone of an article, `sentence_gain` that of a sentence, into −1…1.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: Floats,
        lexicon: Lexicon,
        valence_weights: Floats,
        gains: tuple[float, float],
        version: str,
    ) -> None:
        self._weights = weights
        self._bias = bias
        self._lexicon = lexicon
        self._valence_weights = valence_weights
        self._gain, self._sentence_gain = gains
        self.version = version

    @classmethod
    def load(cls, model_dir: Path | None = None) -> Self:
        """Read `sentiment.npz`. Raises ConfigurationError when it is missing or is no such model."""
        data = load_model_file(
            (model_dir or MODELS) / "sentiment.npz",
            "python -m services.enrich.training.sentiment",
            {
                "weights": (BUCKETS, COLUMNS),
                "scale": (COLUMNS,),
                "bias": (COLUMNS,),
                "valence_weights": (VALENCE_ROWS, COLUMNS),
                "gains": (2,),
            },
        )
        return cls(
            weights=data["weights"].astype(np.float32) * data["scale"].astype(np.float32),
            bias=data["bias"].astype(np.float64),
            lexicon=Lexicon(data["lexicon_keys"].astype(np.uint64), data["lexicon_valences"] / 10.0),
            valence_weights=data["valence_weights"].astype(np.float64),
            gains=(float(data["gains"][0]), float(data["gains"][1])),
            version=str(data["version"]),
        )

    def score_sentences(self, texts: Sequence[str]) -> Floats:
        """Return the tone of each text, taken as one sentence: shape (n,), -1…1."""
        joined = "\n".join(texts)
        spans: list[tuple[int, int]] = []
        start = 0
        for text in texts:
            spans.append((start, start + len(text)))
            start += len(text) + 1
        read = self._read(tabulate(joined, spans))
        return squash(self._sentence_gain * self._tones(read))

    def article(self, body: str, title: str, sentences: Sequence[tuple[int, int]]) -> Sentiment:
        """Return the tone of an article whose body has `sentences`; its title and lead count more."""
        return self.annotate(title, body, (), sentences)[0]

    def annotate(
        self,
        title: str,
        body: str,
        entities: tuple[Entity, ...],
        sentences: Sequence[tuple[int, int]] | None = None,
    ) -> tuple[Sentiment, tuple[Entity, ...]]:
        """Return the article's sentiment, and the entities each with the mean over its mention sentences.

        Entities that only the title mentions keep no sentiment. The first 40,000 characters are read.
        """
        title = title[:500]
        offset = len(title) + 1
        text = f"{title}\n{body[:MAX_CHARS]}"
        if sentences is None:
            sentences = split_sentences(body[:MAX_CHARS])
        spans = [
            (0, len(title)),
            *((start + offset, end + offset) for start, end in sentences if end <= MAX_CHARS),
        ]
        mentions = [
            (at, mention.start + offset, mention.end + offset)
            for at, entity in enumerate(entities)
            for mention in entity.mentions
            if mention.end <= MAX_CHARS
        ][:_MAX_MENTIONS]
        read = self._read(tabulate(text, spans, sorted((start, end) for _, start, end in mentions)))
        sentiment = self._article_sentiment(read)
        targets = targets_of(read.table, mentions)
        if not targets:
            return sentiment, entities
        return sentiment, with_sentiments(entities, targets, self._chances(read, targets))

    def target_sentiment(self, text: str, start: int, end: int) -> Floats:
        """Return the chances negative, neutral, positive towards the span [start, end) of one sentence."""
        table = tabulate(text, [(0, len(text))], [(start, end)])
        targets = targets_of(table, [(0, start, end)])
        if not targets:
            return np.full(CLASSES, 1.0 / CLASSES)
        chances: Floats = self._chances(self._read(table), targets)[0]
        return chances

    def _read(self, table: TokenTable) -> _Read:
        """Compute the features; `base` is what each token adds to its sentence's sum, shape (tokens, 4)."""
        ids = feature_ids(table)
        plain, negated = self._lexicon.of(table)
        base = self._weights[ids.base].sum(axis=0, dtype=np.float64) + self._by_valence(
            negated, _SENTENCE_ROW
        )
        return _Read(table, ids, plain, negated, base)

    def _by_valence(self, valences: Floats, row: int) -> Floats:
        """Return what valences add, (tokens, 4); positive and negative ones have weights of their own."""
        weights = self._valence_weights
        added: Floats = np.maximum(valences, 0.0)[:, None] * weights[row]
        added += np.minimum(valences, 0.0)[:, None] * weights[row + 1]
        return added

    def _tones(self, read: _Read) -> Floats:
        """Return the linear tone of each sentence; 0 for those of fewer than three tokens."""
        lengths = read.table.lengths
        sums = np.bincount(read.table.sentences, weights=read.base[:, CLASSES], minlength=len(lengths))
        tones = sums / sentence_norms(lengths) + self._bias[CLASSES]
        return np.where(lengths >= _MIN_SENTENCE_TOKENS, tones, 0.0)

    def _article_sentiment(self, read: _Read) -> Sentiment:
        """Weigh the sentences' tones together; sentence 0 is the title."""
        weights = sentence_weights(read.table.lengths)
        if not weights.any():
            return Sentiment(label="neutral", score=0.0, confidence=0.0)
        score = float(squash(self._gain * (weights @ self._tones(read) / weights.sum())))
        # Far from the border between two labels, and over many sentences, a label is surer.
        margin = abs(abs(score) - NEUTRAL_BAND) / (1.0 - NEUTRAL_BAND)
        evidence = 1.0 - 0.5 ** (np.count_nonzero(weights) / 2.0)
        confidence = (0.5 + margin / 2.0) * float(evidence)
        return Sentiment(label=tone_label(score), score=round(score, 4), confidence=round(confidence, 4))

    def _chances(self, read: _Read, targets: Sequence[Target]) -> Floats:
        """Return the chances negative, neutral, positive towards each target: shape (targets, 3)."""
        table, base = read.table, read.base[:, :CLASSES]
        near, sided = self._nearby(read)
        _, sentence, begin, end = np.array(targets, dtype=np.int64).T
        # All pairs (target, token near it in its sentence) end to end.
        low = np.maximum(begin - REACH_WORDS, table.first[sentence])
        high = np.minimum(end + REACH_WORDS, table.first[sentence + 1])
        target_of = np.repeat(np.arange(len(targets)), high - low)
        before = np.concatenate(([0], np.cumsum(high - low)[:-1]))
        tokens = np.arange(len(target_of)) + (low - before)[target_of]
        begins, ends = begin[target_of], end[target_of]
        is_own = (tokens >= begins) & (tokens < ends)
        added = np.where(is_own[:, None], near[tokens], sided[(tokens >= ends).astype(np.intp), tokens])
        added *= NEAR_WEIGHT * distance_weights(tokens, begins, ends)[:, None]
        sums = [np.bincount(table.sentences, column, len(table.lengths))[sentence] for column in base.T]
        whole = np.stack(sums, axis=1) / sentence_norms(table.lengths[sentence])[:, None]
        logits = np.add.reduceat(added, before, axis=0) + whole + self._bias[:CLASSES]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances: Floats = powers / powers.sum(axis=1, keepdims=True)
        return chances

    def _nearby(self, read: _Read) -> tuple[Floats, Floats]:
        """Return what tokens add by nearness: inside a target (tokens, 3), left and right (2, tokens, 3)."""
        weights, ids = self._weights, read.ids
        ratio = NEAR_VALENCE_WEIGHT / NEAR_WEIGHT
        near = weights[ids.near].sum(axis=0, dtype=np.float64) + ratio * self._by_valence(
            read.negated, _NEAR_ROW
        )
        sides = ((ids.left, _LEFT_ROW), (ids.right, _RIGHT_ROW))
        sided = np.stack(
            [
                near + weights[side].sum(axis=0) + ratio * self._by_valence(read.plain, row)
                for side, row in sides
            ]
        )
        return near[:, :CLASSES], sided[:, :, :CLASSES]


def squash(tones: Floats) -> Floats:
    """Return x / √(1 + x²): −1…1 like tanh, but slower, so that even extreme texts stay apart."""
    squashed: Floats = tones / np.sqrt(1.0 + np.square(tones))
    return squashed


def tone_label(score: float) -> Tone:
    if score > NEUTRAL_BAND:
        return "positive"
    return "negative" if score < -NEUTRAL_BAND else "neutral"


def sentence_weights(lengths: NDArray[np.int64]) -> Floats:
    """Return the weight of each sentence in its article's tone; the first is the title, 0 drops fragments."""
    weights = np.ones(len(lengths))
    weights[0] = _TITLE_WEIGHT
    weights[1 : 1 + _LEAD_SENTENCES] = _LEAD_WEIGHT
    kept: Floats = np.where(lengths >= _MIN_SENTENCE_TOKENS, weights, 0.0)
    return kept
