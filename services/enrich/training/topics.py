"""Trains the topic model on news-gold and prints its figures by cross-validation over stories.

    python -m services.enrich.training.topics [--gold DIR] [--out FILE]

Needs numpy only. The same command with the same data makes the same file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.model_file import quantize
from services.enrich.steps.terms import MODELS
from services.enrich.steps.topics import BUCKETS, MAX_TOPICS, MEDIA_TOPICS, topic_features
from services.enrich.training.idf import GOLD
from services.enrich.training.linear import SparseRows, fit_softmax, softmax
from services.enrich.training.news_gold import GoldArticle, read_gold
from services.enrich.training.topic_words import TopicWords, read_topic_words

VERSION = "topics-news-gold-2"
LABELS = tuple(MEDIA_TOPICS)
FOLDS = 5
L2 = 3e-4
ITERATIONS = 120
# Rare topics count more, but not as much as if all 17 were equally common.
BALANCE = 0.4
THRESHOLD = 0.2
# How much the words of topic_words.txt count beside an article's own terms.
WORDS_WEIGHT = 2.0
SMALLEST = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--out", type=Path, default=MODELS / "topics.npz")
    options = parser.parse_args()
    articles = read_gold(options.gold)
    labels = np.array([LABELS.index(article.topic) for article in articles])
    features = [topic_features(article.title, article.body) for article in articles]
    temperature = _cross_validate(articles, features, labels)
    weights, bias = _fit(features, labels)
    weights[np.abs(weights).max(axis=1) < SMALLEST] = 0.0
    table, scale = quantize(weights / temperature)
    np.savez_compressed(
        options.out,
        weights=table,
        scale=scale,
        bias=(bias / temperature).astype(np.float32),
        labels=np.array(LABELS),
        threshold=np.float32(THRESHOLD),
        version=np.array(VERSION),
    )


Features = list[tuple[NDArray[np.intp], NDArray[np.float64]]]


def _fit(features: Features, labels: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights (buckets, topics) and bias, with the prior knowledge folded into the weights."""
    counts = np.maximum(np.bincount(labels, minlength=len(LABELS)), 1)
    balance = (len(labels) / counts) ** BALANCE
    words = TopicWords(read_topic_words(), WORDS_WEIGHT)
    rows = SparseRows.build([words.extended(one) for one in features], words.columns)
    weights, bias = fit_softmax(rows, labels, balance[labels], L2, ITERATIONS)
    return words.folded(weights), bias


def _cross_validate(articles: list[GoldArticle], features: Features, labels: NDArray[np.intp]) -> float:
    """Print accuracy with whole stories held out; return the temperature that calibrates the shares best."""
    folds = np.array([crc32((article.story or article.id).encode()) % FOLDS for article in articles])
    logits = np.zeros((len(articles), len(LABELS)))
    for fold in range(FOLDS):
        kept = np.flatnonzero(folds != fold)
        held_out = np.flatnonzero(folds == fold)
        weights, bias = _fit([features[at] for at in kept], labels[kept])
        logits[held_out] = SparseRows.build([features[at] for at in held_out], BUCKETS).times(weights) + bias
    grid = np.geomspace(0.1, 3, 60)
    losses = [-np.log(softmax(logits / t)[np.arange(len(labels)), labels] + 1e-12).mean() for t in grid]
    temperature = float(grid[int(np.argmin(losses))])
    shares = softmax(logits / temperature)
    ranks = (shares > shares[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    given = np.sort(shares, axis=1)[:, ::-1][:, :MAX_TOPICS] >= THRESHOLD
    given[:, 0] = True
    guess = shares.argmax(axis=1)
    f1 = [
        2 * ((guess == k) & (labels == k)).sum() / max(1, (guess == k).sum() + (labels == k).sum())
        for k in range(len(LABELS))
    ]
    lines = [
        f"articles {len(articles)}, folds {FOLDS} by story, temperature {temperature:.2f}",
        f"accuracy {(ranks == 0).mean():.3f}, macro F1 {np.mean(f1):.3f}",
        f"among the first three {(ranks < MAX_TOPICS).mean():.3f}",
        f"among the topics given {(ranks < given.sum(axis=1)).mean():.3f}",
        f"topics given per article {given.sum(axis=1).mean():.2f}",
        f"mean share of the first {shares.max(axis=1).mean():.3f}",
        *(f"  {label}: F1 {value:.2f}" for label, value in zip(LABELS, f1, strict=True)),
    ]
    print("\n".join(lines))  # noqa: T201
    return temperature


if __name__ == "__main__":
    main()
