from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from services.enrich.steps.sentiment import CLASSES, LEFT, NEAR, RIGHT, SENTENCE
from services.enrich.steps.tone_features import BUCKETS, distance_weights
from services.enrich.training.linear import SparseRows, fit_ridge, fit_softmax
from services.enrich.training.sentiment import best_knees
from services.enrich.training.sentiment_rows import CHANNEL_SCALES, Sample, Words, target_row


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Words:
    lexicon: Path = tmp_path_factory.mktemp("lexicon") / "vader_lexicon.txt"
    lexicon.write_text("abysmal\t-2.5\t0.9\t[]\n:-)\t1.3\t0.5\t[]\n", encoding="utf-8")
    return Words.load(lexicon)


def place(words: Words, word: str) -> int:
    return int(np.searchsorted(words.lexicon.keys, crc32(word.encode())))


def test_known_words_have_vectors_or_valences_and_others_neither(words: Words) -> None:
    assert words.lexicon.valences[place(words, "abysmal")] == -2.5
    assert words.lexicon.valences[place(words, "massacre")] == -3.0  # of news_valences.txt
    assert np.abs(words.vectors[place(words, "massacre")]).max() > 0
    assert words.lexicon.valences[-1] == 0.0
    assert not words.vectors[-1].any()


def test_word_weights_give_what_the_vector_columns_gave(words: Words) -> None:
    sample = Sample("the corrupt mayor lied", 12, 17, 0)
    learnt = np.random.default_rng(1).normal(size=(5 * 50, CLASSES))
    weights = words.word_weights(learnt, np.zeros((50, 1)))
    ids, values = target_row(sample, words)
    columns = values[ids >= BUCKETS + 8]
    distances = 0.25 * distance_weights(np.arange(4), np.array(2), np.array(3))
    at = [place(words, word) for word in sample.text.split()]
    at[2] = len(words.lexicon.keys)  # the target is a name, whatever its word
    expected = weights[SENTENCE, at, :CLASSES].sum(axis=0) / np.sqrt(4)
    expected = expected + distances @ weights[NEAR, at, :CLASSES]
    expected = expected + distances[:2] @ weights[LEFT, at[:2], :CLASSES]
    right = distances[3:] @ weights[RIGHT, at[3:], :CLASSES]
    np.testing.assert_allclose(columns @ learnt, expected + right)
    assert len(CHANNEL_SCALES) == len(weights)


def test_knees_are_those_of_the_least_mean_error() -> None:
    tones = np.array([-0.5, -0.25, 0.0, 0.25, 0.5])
    assert best_knees(tones * 0.6, tones) == (0.3, 0.6)
    assert best_knees(tones * 0.9, tones) == (0.45, 0.6)


def test_columns_that_no_row_has_weigh_nothing() -> None:
    rows = SparseRows.build([(np.array([3]), np.array([1.0])), (np.array([7]), np.array([1.0]))], 10)
    weights, _ = fit_softmax(rows, np.array([0, 1]), np.ones(2), 0.1, 20)
    assert weights.shape == (10, 2)
    assert np.flatnonzero(weights.any(axis=1)).tolist() == [3, 7]
    assert weights[3, 0] > 0 > weights[7, 0]
    slopes, bias = fit_ridge(rows, np.array([1.0, 3.0]), 1e-6, 50)
    assert slopes.shape == (10, 1)
    assert rows.times(slopes)[:, 0] + bias[0] == pytest.approx([1.0, 3.0], abs=1e-3)
