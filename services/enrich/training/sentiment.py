"""Trains the sentiment model and prints its figures.

    python -m services.enrich.training.sentiment --lexicon vader_lexicon.txt [--data DIR] [--out FILE]

Needs numpy only. DIR holds newsmtsc-train.jsonl, newsmtsc-devtest-mt.jsonl and news-gold/. The lexicon is
the file of that name in the package vaderSentiment 3.3.2 (MIT); its plain words become part of the model.
The same command with the same data makes the same file.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.article_tone import level, tone_label
from services.enrich.steps.model_file import quantize
from services.enrich.steps.sentiment import CLASSES, COLUMNS, VALENCE_ROWS, SentimentModel
from services.enrich.steps.terms import MODELS
from services.enrich.steps.tone_features import BUCKETS
from services.enrich.training.idf import GOLD
from services.enrich.training.linear import Floats, SparseRows, fit_ridge, fit_softmax
from services.enrich.training.news_gold import GoldArticle, read_gold
from services.enrich.training.sentiment_rows import (
    ARTICLE_VALENCE_SCALE,
    Row,
    Sample,
    Words,
    article_row,
    read_samples,
    target_row,
)

VERSION = "sentiment-newsmtsc-gold-2"
TARGET_L2 = 2e-4
TONE_L2 = 1e-3
ITERATIONS = 80
BALANCE = 0.5
FOLDS: Final = 5
CLEAR_KNEES: Final = (0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
EXTREME_KNEES: Final = (0.6, 0.7, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lexicon", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=GOLD.parent)
    parser.add_argument("--out", type=Path, default=MODELS / "sentiment.npz")
    options = parser.parse_args()
    words = Words.load(options.lexicon)
    samples = read_samples(options.data / "newsmtsc-train.jsonl")
    articles = read_gold(options.data / "news-gold")
    target_rows = [target_row(sample, words) for sample in samples]
    tone_rows = [article_row(article, words) for article in articles]
    tones = np.array([article.tone for article in articles])

    held_out = cross_validate_tone(articles, tone_rows)
    report_tone(tones, cross_validate_knees(articles, held_out))
    knees = best_knees(held_out, tones)
    print(f"knees {knees}; train, {FOLDS} folds: macro F1 {cross_validate_target(samples, target_rows):.3f}")  # noqa: T201
    target_weights, target_bias = fit_target(target_rows, np.array([sample.label for sample in samples]))
    tone_weights, tone_bias = fit_tone(tone_rows, tones)
    save(options.out, words, (target_weights, target_bias), (tone_weights, tone_bias), knees)
    report_target(
        SentimentModel.load(options.out.parent), read_samples(options.data / "newsmtsc-devtest-mt.jsonl")
    )


def save(
    path: Path,
    words: Words,
    target: tuple[Floats, Floats],
    tone: tuple[Floats, Floats],
    knees: tuple[float, float],
) -> None:
    (of_targets, target_bias), (of_articles, tone_bias) = target, tone
    integers, scale = quantize(np.hstack([of_targets[:BUCKETS], of_articles[:BUCKETS]]))
    vectors_from = BUCKETS + VALENCE_ROWS
    valence_weights = np.zeros((VALENCE_ROWS, COLUMNS))
    valence_weights[:, :CLASSES] = of_targets[BUCKETS:vectors_from]
    valence_weights[:2, CLASSES:] = ARTICLE_VALENCE_SCALE * of_articles[BUCKETS : BUCKETS + 2]
    by_word = words.word_weights(of_targets[vectors_from:], of_articles[BUCKETS + 2 :])
    quantized = [quantize(channel) for channel in by_word]
    np.savez_compressed(
        path,
        weights=integers,
        scale=scale,
        bias=np.append(target_bias, tone_bias).astype(np.float32),
        valence_weights=valence_weights.astype(np.float32),
        word_weights=np.stack([channel for channel, _ in quantized]),
        word_scale=np.stack([channel_scale for _, channel_scale in quantized]),
        lexicon_keys=words.lexicon.keys.astype(np.uint32),
        lexicon_valences=np.rint(words.lexicon.valences * 10).astype(np.int8),
        knees=np.array(knees, dtype=np.float32),
        version=np.array(VERSION),
    )


def _build(rows: list[Row]) -> SparseRows:
    return SparseRows.build(rows, int(rows[0][0][-1]) + 1)


def fit_target(rows: list[Row], labels: NDArray[np.intp]) -> tuple[Floats, Floats]:
    balance = (len(labels) / np.bincount(labels, minlength=CLASSES)) ** BALANCE
    return fit_softmax(_build(rows), labels, balance[labels], TARGET_L2, ITERATIONS)


def fit_tone(rows: list[Row], tones: Floats) -> tuple[Floats, Floats]:
    return fit_ridge(_build(rows), tones, TONE_L2, ITERATIONS)


def cross_validate_target(samples: Sequence[Sample], rows: list[Row]) -> float:
    """Return macro F1 of models that saw no neighbours: the file keeps an article's sentences together."""
    labels = np.array([sample.label for sample in samples])
    folds = np.arange(len(samples)) * FOLDS // len(samples)
    guesses = np.zeros_like(labels)
    for fold in range(FOLDS):
        kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights, bias = fit_target([rows[at] for at in kept], labels[kept])
        guesses[held_out] = (_build([rows[at] for at in held_out]).times(weights) + bias).argmax(axis=1)
    return macro_f1(labels, guesses)


def _folds(articles: Sequence[GoldArticle]) -> NDArray[np.intp]:
    return np.array([crc32((article.story or article.id).encode()) % FOLDS for article in articles])


def cross_validate_tone(articles: Sequence[GoldArticle], rows: list[Row]) -> Floats:
    """Return each article's linear tone by a model that saw nothing of its story."""
    folds, tones = _folds(articles), np.array([article.tone for article in articles])
    linear = np.zeros(len(articles))
    for fold in range(FOLDS):
        kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights, bias = fit_tone([rows[at] for at in kept], tones[kept])
        linear[held_out] = _build([rows[at] for at in held_out]).times(weights)[:, 0] + bias[0]
    return linear


def best_knees(linear: Floats, tones: Floats) -> tuple[float, float]:
    """Return the knees with the least mean error."""
    choices = [(clear, extreme) for clear in CLEAR_KNEES for extreme in EXTREME_KNEES]
    return min(choices, key=lambda knees: float(np.abs(level(linear, knees) - tones).mean()))


def cross_validate_knees(articles: Sequence[GoldArticle], linear: Floats) -> Floats:
    """Return the scores of held-out linear tones, by knees that were chosen without their fold."""
    folds, tones = _folds(articles), np.array([article.tone for article in articles])
    scores = np.zeros(len(articles))
    for fold in range(FOLDS):
        knees = best_knees(linear[folds != fold], tones[folds != fold])
        scores[folds == fold] = level(linear[folds == fold], knees)
    return scores


def macro_f1(labels: NDArray[np.intp], guesses: NDArray[np.intp]) -> float:
    hits = [2 * ((labels == k) & (guesses == k)).sum() for k in range(CLASSES)]
    return float(np.mean([hits[k] / ((labels == k).sum() + (guesses == k).sum()) for k in range(CLASSES)]))


def report_target(model: SentimentModel, samples: Sequence[Sample]) -> None:
    labels = np.array([sample.label for sample in samples])
    chances = np.array([model.target_sentiment(sample.text, sample.start, sample.end) for sample in samples])
    guesses = chances.argmax(axis=1)
    print(  # noqa: T201
        f"NewsMTSC devtest-mt, {len(samples)} targets: macro F1 {macro_f1(labels, guesses):.3f},"
        f" accuracy {(guesses == labels).mean():.3f},"
        f" mean chance of the likeliest {chances.max(axis=1).mean():.3f}, highest {chances.max():.4f}"
    )


def report_tone(tones: Floats, scores: Floats) -> None:
    error = np.abs(scores - tones)
    label = {"negative": 0, "neutral": 1, "positive": 2}
    gold, guess = (np.array([label[tone_label(float(x))] for x in values]) for values in (tones, scores))
    print(  # noqa: T201
        f"news-gold by story, {len(tones)} articles: within 0.5 {(error <= 0.5 + 1e-9).mean():.3f}"
        f" (always 0: {(np.abs(tones) <= 0.5).mean():.3f}), mean error {error.mean():.3f},"
        f" correlation {np.corrcoef(scores, tones)[0, 1]:.3f}, label macro F1 {macro_f1(gold, guess):.3f},"
        f" highest |score| {np.abs(scores).max():.3f},"
        f" median |score| of neutral articles {np.median(np.abs(scores[tones == 0])):.3f}"
    )


if __name__ == "__main__":
    main()
