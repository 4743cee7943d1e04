"""Trains the topic model and prints its figures by cross-validation over stories.

    python -m services.enrich.training.topics [--gold DIR] [--out FILE]

Needs numpy only. Beside news-gold it learns from the briefs of `topic_briefs.tsv` and the GloVe vectors of
`word_vectors.npz`.
The same command with the same data makes the same file.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.model_file import quantize
from services.enrich.steps.terms import MODELS, BackgroundIdf, term_of
from services.enrich.steps.topics import (
    BUCKETS,
    MAX_TOPICS,
    MEDIA_TOPICS,
    bucket_of,
    shares_of,
    topic_features,
)
from services.enrich.training.idf import GOLD
from services.enrich.training.linear import SparseRows, fit_softmax
from services.enrich.training.news_gold import GoldArticle, read_gold
from services.enrich.training.term_columns import Floats, Row, TermColumns
from services.enrich.training.word_vectors import load_word_vectors

VERSION = "topics-news-gold-3"
LABELS = tuple(MEDIA_TOPICS)
BRIEFS = Path(__file__).with_name("topic_briefs.tsv")
FOLDS = 5
L2 = 5e-4
ITERATIONS = 120
# Rare topics count more, but not as much as if all 17 were equally common.
BALANCE = 0.5
# A brief is chosen to be typical, and short: it counts as four articles.
BRIEF_WEIGHT = 4.0
# Sums of vectors are this long at the mean, where the terms' own values have length 1.
VECTOR_LENGTH = 0.5
THRESHOLD = 0.2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--out", type=Path, default=MODELS / "topics.npz")
    options = parser.parse_args()
    articles = read_gold(options.gold)
    briefs = read_briefs()
    features = [topic_features(article.title, article.body) for article in articles]
    features += [topic_features("", text) for _, text in briefs]
    known = prior_columns(features[: len(articles)])
    rows = [known.extended(row) for row in features]
    topics = [article.topic for article in articles] + [topic for topic, _ in briefs]
    labels = np.array([LABELS.index(topic) for topic in topics])

    temperature = _cross_validate(articles, rows, labels)
    weights, bias = _fit(rows, labels, np.arange(len(rows)) >= len(articles))
    table, scale = quantize(known.folded(weights) / temperature)
    np.savez_compressed(
        options.out,
        weights=table,
        scale=scale,
        bias=(bias / temperature).astype(np.float32),
        labels=np.array(LABELS),
        threshold=np.float32(THRESHOLD),
        version=np.array(VERSION),
    )


def read_briefs(path: Path = BRIEFS) -> list[tuple[str, str]]:
    """Return topic and text of each brief."""
    lines = path.read_text(encoding="utf-8").splitlines()
    split = (line.partition("\t") for line in lines if not line.startswith("#"))
    return [(topic, text) for topic, _, text in split]


def prior_columns(features: list[Row]) -> TermColumns:
    """Return what is known of terms beforehand; `features` set the scale of the vectors."""
    vectors = term_vectors()
    lengths = [float(np.linalg.norm(values @ vectors[ids])) for ids, values in features]
    scale = VECTOR_LENGTH / np.mean(lengths)
    return TermColumns(scale * vectors)


def term_vectors() -> Floats:
    """Return for each bucket its term's idf times the vector of the term's commonest word, (buckets, 50)."""
    words, idf = load_word_vectors(), BackgroundIdf.load()
    vectors = np.zeros((BUCKETS, words.vectors.shape[1]))
    filled: set[int] = set()
    for word, row in words.row_of.items():
        term = term_of(word)
        if term and bucket_of(term) not in filled:
            filled.add(bucket_of(term))
            vectors[bucket_of(term)] = idf.idf(term) * words.vectors[row]
    return vectors


def _fit(rows: list[Row], labels: NDArray[np.intp], is_brief: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    counts = np.maximum(np.bincount(labels, minlength=len(LABELS)), 1)
    weights = np.where(is_brief, BRIEF_WEIGHT, 1.0) * (len(labels) / counts[labels]) ** BALANCE
    columns = max(int(ids[-1]) for ids, _ in rows) + 1
    return fit_softmax(SparseRows.build(rows, columns), labels, weights, L2, ITERATIONS)


def _cross_validate(articles: list[GoldArticle], rows: list[Row], labels: NDArray[np.intp]) -> float:
    """Print figures with whole stories held out; return the temperature that calibrates the shares best."""
    folds = np.full(len(rows), FOLDS)  # briefs are in no fold: always trained on, never measured
    folds[: len(articles)] = [crc32((article.story or article.id).encode()) % FOLDS for article in articles]
    logits = np.zeros((len(articles), len(LABELS)))
    for fold in range(FOLDS):
        kept, held_out = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        weights, bias = _fit([rows[at] for at in kept], labels[kept], folds[kept] == FOLDS)
        logits[held_out] = SparseRows.build([rows[at] for at in held_out], len(weights)).times(weights) + bias
    gold = labels[: len(articles)]
    grid = np.geomspace(0.1, 3, 60)
    losses = [-np.log(shares_of(logits / t)[np.arange(len(gold)), gold]).mean() for t in grid]
    temperature = float(grid[int(np.argmin(losses))])
    report(shares_of(logits / temperature), gold)
    return temperature


def report(shares: Floats, labels: NDArray[np.intp]) -> None:
    ranks = (shares > shares[np.arange(len(labels)), labels][:, None]).sum(axis=1)
    given = np.sort(shares, axis=1)[:, ::-1][:, :MAX_TOPICS] >= THRESHOLD
    given[:, 0] = True
    guess = shares.argmax(axis=1)
    f1 = [
        2 * ((guess == k) & (labels == k)).sum() / max(1, (guess == k).sum() + (labels == k).sum())
        for k in range(len(LABELS))
    ]
    lines = [
        f"articles {len(labels)}, folds {FOLDS} by story",
        f"accuracy {(ranks == 0).mean():.3f}, macro F1 {np.mean(f1):.3f}",
        f"among the first three {(ranks < MAX_TOPICS).mean():.3f}",
        f"among the topics given {(ranks < given.sum(axis=1)).mean():.3f}",
        f"topics given per article {given.sum(axis=1).mean():.2f}",
        f"mean share of the first {shares.max(axis=1).mean():.3f}",
        *(f"  {label}: F1 {value:.2f}" for label, value in zip(LABELS, f1, strict=True)),
    ]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
