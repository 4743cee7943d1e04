"""Training rows of the sentiment model: what SentimentModel adds up for a target or an article, as columns.

After the buckets come the columns of the valences, then those of the word vectors: for each channel, the
sum of its words' vectors, weighed as the words are. What they learnt becomes weights of the words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.article_tone import sentence_weights, token_shares, word_bag
from services.enrich.steps.sentiment import (
    CLASSES,
    COLUMNS,
    NEAR_VALENCE_WEIGHT,
    NEAR_WEIGHT,
    SENTENCE,
    WORD_CHANNELS,
    Lexicon,
)
from services.enrich.steps.tone_features import (
    BUCKETS,
    distance_weights,
    feature_ids,
    sentence_norms,
    tabulate,
)
from services.enrich.text import split_sentences
from services.enrich.training.news_gold import GoldArticle
from services.enrich.training.word_vectors import load_word_vectors

LABELS: Final = {"negative": 0, "neutral": 1, "positive": 2}
NEWS_VALENCES = Path(__file__).with_name("news_valences.txt")
# By WORD_CHANNELS. What vectors say of the whole sentence is held back: there are many words in it.
CHANNEL_SCALES: Final = (0.25, 0.25, 1.0, 1.0, 1.0)
# Of an article, the sum of vectors is about 3 long, and the valences about .1: scaled to count alike.
ARTICLE_VECTOR_SCALE: Final = 1 / 3
ARTICLE_VALENCE_SCALE: Final = 1.6

Floats = NDArray[np.float64]
Row = tuple[NDArray[np.intp], Floats]


class Sample(NamedTuple):
    text: str
    start: int
    end: int
    label: int


class Words(NamedTuple):
    """The lexicon of words with vectors or valences, and their vectors (words + 1, n); the last is 0."""

    lexicon: Lexicon
    vectors: Floats

    @classmethod
    def load(cls, lexicon_file: Path) -> Words:
        known = load_word_vectors()
        valences = read_valences(lexicon_file)
        word_of = {crc32(word.encode()): word for word in (*known.row_of, *valences)}
        keys = sorted(word_of)
        vectors = np.zeros((len(keys) + 1, known.vectors.shape[1]))
        for place, key in enumerate(keys):
            if (row := known.row_of.get(word_of[key])) is not None:
                vectors[place] = known.vectors[row]
        listed = [valences.get(word_of[key], 0.0) for key in keys]
        return cls(Lexicon(np.array(keys, dtype=np.uint64), np.array([*listed, 0.0])), vectors)

    def word_weights(self, of_targets: Floats, of_articles: Floats) -> Floats:
        """Return what the words weigh by their vectors, (5, words + 1, 4), as SentimentModel adds it.

        The arguments are what the vector columns of target and article rows have learnt.
        """
        by_channel = of_targets.reshape(WORD_CHANNELS, self.vectors.shape[1], CLASSES)
        weights = np.zeros((WORD_CHANNELS, len(self.vectors), COLUMNS))
        for channel, scale in enumerate(CHANNEL_SCALES):
            weights[channel, :, :CLASSES] = scale * (self.vectors @ by_channel[channel])
        weights[SENTENCE, :, CLASSES:] = ARTICLE_VECTOR_SCALE * (self.vectors @ of_articles)
        return weights


def read_valences(path: Path) -> dict[str, float]:
    """Return the valences of the plain words of vader_lexicon.txt, with those of news_valences.txt on top."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    words = {row[0]: float(row[1]) for row in rows if len(row) > 1 and re.fullmatch(r"[a-z']{2,}", row[0])}
    for line in NEWS_VALENCES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            valence, *listed = line.split()
            words |= dict.fromkeys(listed, float(valence))
    return words


def read_samples(path: Path) -> list[Sample]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Sample(row["text"], row["target"][0], row["target"][1], LABELS[row["label"]]) for row in rows]


def _signed_sums(valences: Floats, weights: Floats) -> list[float]:
    return [float(np.maximum(valences, 0) @ weights), float(np.minimum(valences, 0) @ weights)]


def target_row(sample: Sample, words: Words) -> Row:
    """Return the features of a sample: what SentimentModel adds up for one target, and vector columns."""
    table = tabulate(sample.text, [(0, len(sample.text))], [(sample.start, sample.end)])
    ids = feature_ids(table)
    tokens = np.arange(len(table.starts))
    begin, end = np.searchsorted(table.starts, [sample.start, sample.end])
    near = NEAR_WEIGHT * distance_weights(tokens, begin, np.maximum(end, begin + 1))
    is_left, is_right = tokens < begin, tokens >= end
    share = np.full(len(tokens), 1 / float(sentence_norms(table.lengths)[0]))
    kinds = ((ids.base, share), (ids.near, near), (ids.left, near * is_left), (ids.right, near * is_right))
    places = words.lexicon.places(table)
    plain, negated = words.lexicon.of(places, table.negated)
    closeness = near / NEAR_WEIGHT * NEAR_VALENCE_WEIGHT
    columns = [
        *_signed_sums(negated, share),
        *_signed_sums(negated, closeness),
        *_signed_sums(plain, closeness * is_left),
        *_signed_sums(plain, closeness * is_right),
    ]
    channels = np.stack([share, share * table.negated, near, near * is_left, near * is_right])
    sums = np.array(CHANNEL_SCALES)[:, None] * (channels @ words.vectors[places])
    return _row(
        np.concatenate([rows.ravel() for rows, _ in kinds]),
        np.concatenate([np.tile(values, len(rows)) for rows, values in kinds]),
        np.append(columns, sums),
    )


def article_row(article: GoldArticle, words: Words) -> Row:
    """Return the features of an article's tone: its bag of words, valences and sum of vectors."""
    text = f"{article.title}\n{article.body}"
    offset = len(article.title) + 1
    spans = [(start + offset, end + offset) for start, end in split_sentences(article.body)]
    table = tabulate(text, [(0, len(article.title)), *spans])
    ids = feature_ids(table)
    tokens, values = word_bag(ids, table)
    shares = token_shares(table, sentence_weights(table.lengths))
    places = words.lexicon.places(table)
    _, negated = words.lexicon.of(places, table.negated)
    valences = _signed_sums(negated, ARTICLE_VALENCE_SCALE * shares)
    vector = ARTICLE_VECTOR_SCALE * (values @ words.vectors[places[tokens]])
    return _row(ids.base[0, tokens], values, np.append(valences, vector))


def _row(ids: NDArray[np.intp], values: Floats, columns: Sequence[float] | Floats) -> Row:
    kept = (ids > 0) & (values != 0)
    return np.append(ids[kept], BUCKETS + np.arange(len(columns))), np.append(values[kept], columns)
