"""Trains the sentiment model and prints its figures.

    python -m services.enrich.training.sentiment --lexicon vader_lexicon.txt [--data DIR] [--out FILE]

Needs numpy only. DIR holds newsmtsc-train.jsonl, newsmtsc-devtest-mt.jsonl and news-gold/. The lexicon is
the file of that name in the package vaderSentiment 3.3.2 (MIT); its plain words become part of the model.
The same command with the same data makes the same file.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.model_file import quantize
from services.enrich.steps.sentiment import (
    CLASSES,
    NEAR_VALENCE_WEIGHT,
    NEAR_WEIGHT,
    VALENCE_ROWS,
    Lexicon,
    SentimentModel,
    sentence_weights,
    squash,
)
from services.enrich.steps.terms import MODELS
from services.enrich.steps.tone_features import (
    BUCKETS,
    distance_weights,
    feature_ids,
    sentence_norms,
    tabulate,
)
from services.enrich.text import split_sentences
from services.enrich.training.idf import GOLD
from services.enrich.training.linear import Floats, SparseRows, fit_ridge, fit_softmax
from services.enrich.training.news_gold import GoldArticle, read_gold

VERSION = "sentiment-newsmtsc-gold-1"
LABELS: Final = {"negative": 0, "neutral": 1, "positive": 2}
NEWS_VALENCES = Path(__file__).with_name("news_valences.txt")
TARGET_L2 = 2e-4
TONE_L2 = 3e-4
ITERATIONS = 80
BALANCE = 0.5
# A single sentence says less than an article about its tone: its score stays nearer to 0.
SENTENCE_GAIN_RATIO = 0.3
FOLDS = 5


class Sample(NamedTuple):
    text: str
    start: int
    end: int
    label: int


Row = tuple[NDArray[np.intp], Floats]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=GOLD.parent)
    parser.add_argument("--out", type=Path, default=MODELS / "sentiment.npz")
    options = parser.parse_args()
    lexicon = read_lexicon(options.lexicon)
    articles = read_gold(options.data / "news-gold")

    target_weights, target_bias = fit_target(read_samples(options.data / "newsmtsc-train.jsonl"), lexicon)
    tone_rows = [article_row(article, lexicon) for article in articles]
    gain, held_out = cross_validate_tone(articles, tone_rows)
    tone_weights, tone_bias = fit_tone(tone_rows, np.array([article.tone for article in articles]))

    table = np.hstack([target_weights[:BUCKETS], tone_weights[:BUCKETS]])
    table[0] = 0.0
    valence_weights = np.hstack([target_weights[BUCKETS:], tone_weights[BUCKETS:]])
    integers, scale = quantize(table)
    np.savez_compressed(
        options.out,
        weights=integers,
        scale=scale,
        bias=np.append(target_bias, tone_bias).astype(np.float32),
        valence_weights=valence_weights.astype(np.float32),
        lexicon_keys=lexicon.keys.astype(np.uint32),
        lexicon_valences=np.rint(lexicon.valences * 10).astype(np.int8),
        gains=np.array([gain, SENTENCE_GAIN_RATIO * gain], dtype=np.float32),
        version=np.array(VERSION),
    )
    report_tone(articles, held_out)
    report_target(
        SentimentModel.load(options.out.parent), read_samples(options.data / "newsmtsc-devtest-mt.jsonl")
    )


def read_lexicon(path: Path) -> Lexicon:
    """Return the valences of the plain words of vader_lexicon.txt, with those of news_valences.txt on top."""
    rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    words = {row[0]: float(row[1]) for row in rows if len(row) > 1 and re.fullmatch(r"[a-z']{2,}", row[0])}
    for line in NEWS_VALENCES.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            valence, *listed = line.split()
            words |= dict.fromkeys(listed, float(valence))
    valences = {crc32(word.encode()): valence for word, valence in words.items()}
    keys = sorted(valences)
    return Lexicon(np.array(keys, dtype=np.uint64), np.array([valences[key] for key in keys]))


def read_samples(path: Path) -> list[Sample]:
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [Sample(row["text"], row["target"][0], row["target"][1], LABELS[row["label"]]) for row in rows]


def _signed_sums(valences: Floats, weights: Floats) -> list[float]:
    return [float(np.maximum(valences, 0) @ weights), float(np.minimum(valences, 0) @ weights)]


def target_row(sample: Sample, lexicon: Lexicon) -> Row:
    """Return the features of a sample: what SentimentModel adds up for one target, and lexicon columns."""
    table = tabulate(sample.text, [(0, len(sample.text))], [(sample.start, sample.end)])
    ids = feature_ids(table)
    tokens = np.arange(len(table.starts))
    begin, end = np.searchsorted(table.starts, [sample.start, sample.end])
    near = NEAR_WEIGHT * distance_weights(tokens, begin, np.maximum(end, begin + 1))
    is_left, is_right = tokens < begin, tokens >= end
    share = 1 / float(sentence_norms(table.lengths)[0])
    rows = np.concatenate(
        [ids.base.ravel(), ids.near.ravel(), ids.left[:, is_left].ravel(), ids.right[:, is_right].ravel()]
    )
    values = np.concatenate(
        [
            np.full(ids.base.size, share),
            np.tile(near, len(ids.near)),
            np.tile(near[is_left], len(ids.left)),
            np.tile(near[is_right], len(ids.right)),
        ]
    )
    plain, negated = lexicon.of(table)
    closeness = near / NEAR_WEIGHT * NEAR_VALENCE_WEIGHT
    columns = [
        *_signed_sums(negated, np.full(len(tokens), share)),
        *_signed_sums(negated, closeness),
        *_signed_sums(plain, closeness * is_left),
        *_signed_sums(plain, closeness * is_right),
    ]
    kept = rows > 0
    return (
        np.append(rows[kept], BUCKETS + np.arange(VALENCE_ROWS)),
        np.append(values[kept], columns),
    )


def article_row(article: GoldArticle, lexicon: Lexicon) -> Row:
    """Return the features of an article: its sentences' base features, weighed as SentimentModel does."""
    text = f"{article.title}\n{article.body}"
    offset = len(article.title) + 1
    spans = [(start + offset, end + offset) for start, end in split_sentences(article.body)]
    table = tabulate(text, [(0, len(article.title)), *spans])
    weights = sentence_weights(table.lengths)
    per_token = (weights / weights.sum() / sentence_norms(table.lengths))[table.sentences]
    base = feature_ids(table).base
    rows, values = base.ravel(), np.tile(per_token, len(base))
    columns = _signed_sums(lexicon.of(table)[1], per_token)
    kept = rows > 0
    return np.append(rows[kept], BUCKETS + np.arange(2)), np.append(values[kept], columns)


def fit_target(samples: Sequence[Sample], lexicon: Lexicon) -> tuple[Floats, Floats]:
    labels = np.array([sample.label for sample in samples])
    balance = (len(labels) / np.bincount(labels, minlength=CLASSES)) ** BALANCE
    rows = SparseRows.build([target_row(sample, lexicon) for sample in samples], BUCKETS + VALENCE_ROWS)
    return fit_softmax(rows, labels, balance[labels], TARGET_L2, ITERATIONS)


def fit_tone(rows: Sequence[Row], tones: Floats) -> tuple[Floats, Floats]:
    return fit_ridge(SparseRows.build(rows, BUCKETS + VALENCE_ROWS), tones, TONE_L2, ITERATIONS)


def cross_validate_tone(articles: list[GoldArticle], rows: list[Row]) -> tuple[float, Floats]:
    """Return the gain that fits best, and each article's score by a model that saw nothing of its story."""
    folds = np.array([crc32((article.story or article.id).encode()) % FOLDS for article in articles])
    tones = np.array([article.tone for article in articles])
    linear = np.zeros(len(articles))
    for fold in range(FOLDS):
        kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights, bias = fit_tone([rows[at] for at in kept], tones[kept])
        test = SparseRows.build([rows[at] for at in held_out], BUCKETS + VALENCE_ROWS)
        linear[held_out] = test.times(weights)[:, 0] + bias[0]
    gains = np.geomspace(0.3, 30, 100)
    errors = [float(((squash(gain * linear) - tones) ** 2).mean()) for gain in gains]
    gain = float(gains[int(np.argmin(errors))])
    return gain, squash(gain * linear)


def macro_f1(labels: NDArray[np.intp], guesses: NDArray[np.intp]) -> float:
    hits = [2 * ((labels == k) & (guesses == k)).sum() for k in range(CLASSES)]
    return float(np.mean([hits[k] / ((labels == k).sum() + (guesses == k).sum()) for k in range(CLASSES)]))


def report_target(model: SentimentModel, samples: Sequence[Sample]) -> None:
    labels = np.array([sample.label for sample in samples])
    chances = [model.target_sentiment(sample.text, sample.start, sample.end) for sample in samples]
    guesses = np.array(chances).argmax(axis=1)
    print(f"NewsMTSC devtest-mt, {len(samples)} targets: macro F1 {macro_f1(labels, guesses):.3f}")  # noqa: T201


def report_tone(articles: list[GoldArticle], scores: Floats) -> None:
    tones = np.array([article.tone for article in articles])
    error = np.abs(scores - tones)
    neutral = np.abs(scores[tones == 0])
    print(  # noqa: T201
        f"news-gold by story, {len(articles)} articles: within 0.5 {(error <= 0.5).mean():.3f}"
        f" (always 0: {(np.abs(tones) <= 0.5).mean():.3f}), mean error {error.mean():.3f},"
        f" correlation {np.corrcoef(scores, tones)[0, 1]:.3f}, highest |score| {np.abs(scores).max():.3f},"
        f" median |score| of neutral articles {np.median(neutral):.3f}"
    )


if __name__ == "__main__":
    main()
