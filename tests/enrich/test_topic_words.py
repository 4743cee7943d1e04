"""The words that the topic model knows beforehand; their features fold back into the weights of terms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from services.enrich.steps.topics import BUCKETS, MEDIA_TOPICS, bucket_of, topic_features
from services.enrich.training.topic_words import TopicWords, read_topic_words

WORDS = read_topic_words()


def test_every_topic_has_words_of_its_own() -> None:
    assert set(WORDS) == set(MEDIA_TOPICS)
    for topic, terms in WORDS.items():
        others = frozenset().union(*(WORDS[other] for other in MEDIA_TOPICS if other != topic))
        assert len(terms - others) >= 50, topic


def test_few_of_them_share_a_bucket() -> None:
    terms = frozenset().union(*WORDS.values())
    assert len({bucket_of(term) for term in terms}) > 0.98 * len(terms)


def test_folded_weights_give_the_logits_of_the_extended_features() -> None:
    words = TopicWords(WORDS, weight=2.0)
    rng = np.random.default_rng(5)
    weights = rng.normal(size=(words.columns, len(MEDIA_TOPICS)))
    folded = words.folded(weights)
    for title, body in (
        ("Striker scores", "The bishop prayed for rain in the parish."),
        ("", "Nothing listed here"),
    ):
        rows, values = topic_features(title, body)
        more_rows, more_values = words.extended((rows, values))
        np.testing.assert_allclose(values @ folded[rows], more_values @ weights[more_rows], atol=1e-9)
        assert len(more_rows) == len(rows) + len(MEDIA_TOPICS)
    assert folded.shape == (BUCKETS, len(MEDIA_TOPICS))


def test_a_line_that_names_no_topic_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("# a comment\n\nsport: goal\nsports: goals\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'sports' is no topic"):
        read_topic_words(path)
