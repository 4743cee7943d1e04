"""Strict span scores for named entities: a span counts only with both ends and the label right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[int, int, str]

COARSE_LABEL = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one label; the ratios are 0 where they have no meaning."""

    true_positives: int
    predicted: int
    expected: int

    @property
    def precision(self) -> float:
        return self.true_positives / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.true_positives / self.expected if self.expected else 0.0

    @property
    def f1(self) -> float:
        total = self.predicted + self.expected
        return 2 * self.true_positives / total if total else 0.0


def score_spans(pairs: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> dict[str, Score]:
    """Return scores by label, and "micro" over all, of (expected, predicted) span sets, one pair a text."""
    correct: Counter[str] = Counter()
    predicted_count: Counter[str] = Counter()
    expected_count: Counter[str] = Counter()
    for expected, predicted in pairs:
        wanted, given = set(expected), set(predicted)
        for counter, spans in (
            (expected_count, wanted),
            (predicted_count, given),
            (correct, wanted & given),
        ):
            for _, _, label in spans:
                counter[label] += 1
                counter["micro"] += 1
    labels = sorted(expected_count.keys() | predicted_count.keys())
    return {label: Score(correct[label], predicted_count[label], expected_count[label]) for label in labels}


def coarse_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the PER, ORG and LOC spans (GPE, LOC and FAC merged); other labels are left out."""
    return [(start, end, COARSE_LABEL[label]) for start, end, label in spans if label in COARSE_LABEL]
