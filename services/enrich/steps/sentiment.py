"""Sentiment of the whole article and towards each entity, by one hashed linear model.

The tone of an article comes from which words it has; the sentiment towards an entity from its sentences and
from what stands near it in them. Words of a small valence lexicon weigh by their valence too, not only by
their hash. All features of an article are computed once, with numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.article_tone import (
    NEUTRAL_BAND,
    level,
    sentence_weights,
    token_shares,
    tone_label,
    word_bag,
)
from services.enrich.steps.model_file import load_model_file
from services.enrich.steps.targets import Target, sentiments_of, targets_of
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
from shared.events import Entity, EntitySentiment, Sentiment

# Columns of the weight table: the logits negative, neutral, positive towards a target, and the tone.
COLUMNS: Final = 4
CLASSES: Final = 3
NEAR_WEIGHT: Final = 0.25
NEAR_VALENCE_WEIGHT: Final = 0.3
# Rows of the lexicon's weights, pairs of (positive, negative): sentence, near, left of and right of a target.
VALENCE_ROWS: Final = 8
_SENTENCE_ROW, _NEAR_ROW, _LEFT_ROW, _RIGHT_ROW = 0, 2, 4, 6
# What the weights of known words are for: their sentence, negated in it, near, left of and right of a target.
WORD_CHANNELS: Final = 5
SENTENCE, NEGATED, NEAR, LEFT, RIGHT = range(WORD_CHANNELS)
NEGATED_VALENCE: Final = -0.5
# Words farther from a target than this weigh less than a double can tell (e^-42). Without such a bound,
# hundreds of mentions in one endless sentence make pairs with every word of it: gigabytes.
REACH_WORDS: Final = 250
MAX_CHARS: Final = 40_000
_MAX_MENTIONS: Final = 400

Floats = NDArray[np.float64]


class Lexicon(NamedTuple):
    """The words that the model knows by name: `keys` are ascending crc32 hashes as in TokenTable.hashes.

    `valences` −4…4 has one more element, and the last is 0: that of all other words.
    """

    keys: NDArray[np.uint64]
    valences: Floats

    def places(self, table: TokenTable) -> NDArray[np.intp]:
        """Return each token's place in the lexicon, len(keys) for a word that is not in it."""
        at = np.minimum(np.searchsorted(self.keys, table.hashes), len(self.keys) - 1)
        return np.where(self.keys[at] == table.hashes, at, len(self.keys))

    def of(self, places: NDArray[np.intp], negated: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Return the valences of words, plain and with negation."""
        plain = self.valences[places]
        return plain, np.where(negated, NEGATED_VALENCE * plain, plain)


class _Read(NamedTuple):
    """What the model computes once per text: its tokens, features, valences and sums for each sentence."""

    table: TokenTable
    ids: FeatureIds
    by_word: NDArray[np.float32]
    plain: Floats
    negated: Floats
    base: Floats


class SentimentModel:
    """`weights` has shape (buckets, 4), `valence_weights` (8, 4), `bias` (4,).

    `word_weights` (words + 1, 5, 4) are what known words weigh besides; that of others, the last, is 0.

    `knees` are the linear tones between which an article is clearly, but not extremely, toned: see `level`.
    """

    def __init__(
        self,
        weights: NDArray[np.float32],
        bias: Floats,
        lexicon: Lexicon,
        word_weights: NDArray[np.float32],
        valence_weights: Floats,
        knees: tuple[float, float],
        version: str,
    ) -> None:
        self._weights = weights
        self._bias = bias
        self._lexicon = lexicon
        self._word_weights = word_weights
        self._valence_weights = valence_weights
        self._knees = knees
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
                "knees": (2,),
                "word_scale": (WORD_CHANNELS, COLUMNS),
            },
        )
        return cls(
            weights=data["weights"].astype(np.float32) * data["scale"].astype(np.float32),
            bias=data["bias"].astype(np.float64),
            lexicon=Lexicon(data["lexicon_keys"].astype(np.uint64), data["lexicon_valences"] / 10.0),
            word_weights=np.ascontiguousarray(
                (data["word_weights"] * data["word_scale"].astype(np.float32)[:, None]).transpose(1, 0, 2)
            ),
            valence_weights=data["valence_weights"].astype(np.float64),
            knees=(float(data["knees"][0]), float(data["knees"][1])),
            version=str(data["version"]),
        )

    def article(self, body: str, title: str, sentences: Sequence[tuple[int, int]]) -> Sentiment:
        """Return the tone of an article whose body has `sentences`; its title and lead count more."""
        return self.annotate(title, body, (), sentences)[0]

    def annotate(
        self,
        title: str,
        body: str,
        entities: tuple[Entity, ...],
        sentences: Sequence[tuple[int, int]] | None = None,
    ) -> tuple[Sentiment, tuple[EntitySentiment | None, ...]]:
        """Return the article's sentiment, and that towards each entity: the mean over its mention sentences.

        There is none towards entities that only the title mentions. The first 40,000 characters are read.
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
            return sentiment, (None,) * len(entities)
        return sentiment, sentiments_of(len(entities), targets, self._chances(read, targets))

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
        places = self._lexicon.places(table)
        plain, negated = self._lexicon.of(places, table.negated)
        by_word = self._word_weights.take(places, axis=0)
        base = self._weights.take(ids.base, axis=0).sum(axis=0, dtype=np.float64)
        base += self._by_valence(negated, _SENTENCE_ROW)
        base += by_word[:, SENTENCE]
        at = np.flatnonzero(table.negated)
        base[at] += by_word[at, NEGATED]
        return _Read(table, ids, by_word, plain, negated, base)

    def _by_valence(self, valences: Floats, row: int) -> Floats:
        """Return what valences add, (tokens, 4); positive and negative ones have weights of their own."""
        weights = self._valence_weights
        added: Floats = np.maximum(valences, 0.0)[:, None] * weights[row]
        added += np.minimum(valences, 0.0)[:, None] * weights[row + 1]
        return added

    def _article_sentiment(self, read: _Read) -> Sentiment:
        """Weigh the article's words together; sentence 0 is the title."""
        table = read.table
        weights = sentence_weights(table.lengths)
        if not weights.any():
            return Sentiment(label="neutral", score=0.0, confidence=0.0)
        tokens, values = word_bag(read.ids, table)
        weighed = self._weights[read.ids.base[0, tokens], CLASSES]
        weighed = weighed + read.by_word[tokens, SENTENCE, CLASSES]
        tone = values @ weighed + self._bias[CLASSES]
        by_valence = self._by_valence(read.negated, _SENTENCE_ROW)[:, CLASSES]
        score = float(level(tone + by_valence @ token_shares(table, weights), self._knees))
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
        near = weights.take(ids.near, axis=0).sum(axis=0, dtype=np.float64) + ratio * self._by_valence(
            read.negated, _NEAR_ROW
        )
        near += read.by_word[:, NEAR]
        sides = ((ids.left, _LEFT_ROW, LEFT), (ids.right, _RIGHT_ROW, RIGHT))
        sided = np.stack(
            [
                near
                + weights.take(side, axis=0).sum(axis=0)
                + ratio * self._by_valence(read.plain, row)
                + read.by_word[:, channel]
                for side, row, channel in sides
            ]
        )
        return near[:, :CLASSES], sided[:, :, :CLASSES]
