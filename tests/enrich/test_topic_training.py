import numpy as np
import pytest

from services.enrich.steps.topics import MEDIA_TOPICS, bucket_of, topic_features
from services.enrich.training.topics import prior_columns, read_briefs, term_vectors
from services.enrich.training.word_vectors import load_word_vectors


def test_every_topic_has_a_dozen_briefs_and_none_stands_twice() -> None:
    briefs = read_briefs()
    counts = dict.fromkeys(MEDIA_TOPICS, 0)
    for topic, text in briefs:
        counts[topic] += 1
        assert 60 < len(text) < 300
    assert min(counts.values()) >= 12
    assert len({text for _, text in briefs}) == len(briefs)


def test_words_of_one_field_have_nearer_vectors_than_words_of_two() -> None:
    words = load_word_vectors()
    goal, striker, inflation = (
        words.vectors[words.row_of[word]] for word in ("goal", "striker", "inflation")
    )
    assert goal @ striker > goal @ inflation + 0.2
    assert np.linalg.norm(goal) == pytest.approx(1.0, abs=0.05)


def test_folded_weights_alone_give_the_logits_that_vectors_gave() -> None:
    features = [
        topic_features("Flood", "The river rose and villages were evacuated."),
        topic_features("", "rain"),
    ]
    known = prior_columns(features)
    weights = np.random.default_rng(1).normal(size=(known.columns, 17))
    folded = known.folded(weights)
    for row in features:
        rows, values = known.extended(row)
        np.testing.assert_allclose(values @ weights[rows], row[1] @ folded[row[0]])


def test_a_term_has_the_vector_of_its_commonest_word() -> None:
    words, vectors = load_word_vectors(), term_vectors()
    ours, its = vectors[bucket_of("flood")], words.vectors[words.row_of["flood"]]
    assert np.linalg.norm(its) > 0
    assert ours @ its == pytest.approx(np.linalg.norm(ours) * np.linalg.norm(its))
