"""The tone of a whole article: its words as a bag, the weights of its sentences, and the scale of scores."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.tone_features import FeatureIds, TokenTable, sentence_norms
from shared.events import Tone

NEUTRAL_BAND: Final = 0.2
_TITLE_WEIGHT: Final = 2.0
_LEAD_WEIGHT: Final = 1.5
_LEAD_SENTENCES: Final = 2
_TITLE_COUNT: Final = 3.0
_MIN_SENTENCE_TOKENS: Final = 3

Floats = NDArray[np.float64]


def level(tones: Floats, knees: tuple[float, float]) -> Floats:
    """Return the scores −1…1 of linear tones: rising to ±.5 at the first knee, level up to the second.

    People give tones in steps: most articles that are clearly good or bad news stand at ±.5, and how clear
    they are does not move them. Beyond the second knee the score rises on and never reaches ±1.
    """
    clear, extreme = knees
    size = np.abs(tones)
    beyond = np.maximum(size - extreme, 0.0)
    scores: Floats = np.sign(tones) * (
        0.5 * np.minimum(size / clear, 1.0) + 0.5 * beyond / np.sqrt(1.0 + np.square(beyond))
    )
    return scores


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


def token_shares(table: TokenTable, weights: Floats) -> Floats:
    """Return what part of its article each token is, by the weight and length of its sentence."""
    shares: Floats = (weights / weights.sum() / sentence_norms(table.lengths))[table.sentences]
    return shares


def word_bag(ids: FeatureIds, table: TokenTable) -> tuple[NDArray[np.intp], Floats]:
    """Return the first token of each word of an article, and 1 + ln of how often the word stands in it.

    The values have unit length together, so that a long article has no more tone than a short one. A word
    of the title, sentence 0, counts three times.
    """
    _, tokens, place = np.unique(ids.base[0], return_index=True, return_inverse=True)
    counts = np.bincount(place, weights=np.where(table.sentences == 0, _TITLE_COUNT, 1.0))
    values = 1.0 + np.log(counts)
    return tokens, values / np.sqrt(values @ values)
