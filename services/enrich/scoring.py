"""Measures of quality: pure counts and ratios that `wireroom eval` and the training scripts share."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[int, int, str]

COARSE_LABEL = {"PERSON": "PER", "PER": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC"}


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

    def __add__(self, other: Score) -> Score:
        return Score(
            self.true_positives + other.true_positives,
            self.predicted + other.predicted,
            self.expected + other.expected,
        )


NOTHING = Score(0, 0, 0)


@dataclass(slots=True)
class LabelTally:
    """Counts what was expected and what was predicted under each label, one text or item after another."""

    correct: Counter[str] = field(default_factory=Counter)
    predicted: Counter[str] = field(default_factory=Counter)
    expected: Counter[str] = field(default_factory=Counter)

    def add_spans(self, expected: Iterable[Span], predicted: Iterable[Span]) -> None:
        """Count one text's spans; a span is right only with both ends and the label right."""
        wanted, given = set(expected), set(predicted)
        self.expected.update(label for _, _, label in wanted)
        self.predicted.update(label for _, _, label in given)
        self.correct.update(label for _, _, label in wanted & given)

    def add_class(self, expected: str, predicted: str | None) -> None:
        """Count one item of a single label; None is a prediction withheld."""
        self.expected[expected] += 1
        if predicted is not None:
            self.predicted[predicted] += 1
            self.correct[expected] += expected == predicted

    def scores(self, ignored: Collection[str] = ()) -> dict[str, Score]:
        """Return the score of each label seen, in alphabetical order, without those ignored."""
        labels = sorted((self.expected.keys() | self.predicted.keys()) - set(ignored))
        return {
            label: Score(self.correct[label], self.predicted[label], self.expected[label]) for label in labels
        }


def micro(scores: Mapping[str, Score]) -> Score:
    """Return the score over all labels together."""
    return sum(scores.values(), NOTHING)


def macro_f1(scores: Mapping[str, Score]) -> float:
    """Return the mean F1 of the labels, each counting the same."""
    return mean([score.f1 for score in scores.values()])


def score_spans(pairs: Iterable[tuple[Iterable[Span], Iterable[Span]]]) -> dict[str, Score]:
    """Return scores by label, and "micro" over all, of (expected, predicted) span sets, one pair a text."""
    tally = LabelTally()
    for expected, predicted in pairs:
        tally.add_spans(expected, predicted)
    scores = tally.scores()
    return scores | {"micro": micro(scores)} if scores else {}


def coarse_spans(spans: Iterable[Span]) -> list[Span]:
    """Return the PER, ORG and LOC spans (GPE, LOC and FAC merged); other labels are left out."""
    return [(start, end, COARSE_LABEL[label]) for start, end, label in spans if label in COARSE_LABEL]


def score_tokens(expected: Iterable[str], predicted: Iterable[str]) -> Score:
    """Return the overlap of two bags of tokens: each counts as often as it stands in both."""
    wanted, given = Counter(expected), Counter(predicted)
    return Score((wanted & given).total(), given.total(), wanted.total())


def recall_at(shown: Sequence[Hashable], relevant: Collection[Hashable], k: int) -> float:
    """Return the share of the relevant items among the first `k` shown, of as many as k places can hold."""
    if not relevant:
        raise ValueError("recall means nothing where no item is relevant")
    return sum(item in relevant for item in shown[:k]) / min(k, len(relevant))


@dataclass(frozen=True, slots=True)
class BCubed:
    """Precision and recall of a clustering, averaged over its items."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def bcubed(pairs: Sequence[tuple[Hashable, Hashable]]) -> BCubed:
    """Return B-cubed (Bagga and Baldwin 1998) of (expected cluster, found cluster), one pair an item.

    Time and memory are linear in the number of items, however large a cluster is.
    """
    if not pairs:
        return BCubed(0.0, 0.0)
    together = Counter(pairs)
    expected: dict[Hashable, int] = defaultdict(int)
    found: dict[Hashable, int] = defaultdict(int)
    for (wanted, given), count in together.items():
        expected[wanted] += count
        found[given] += count
    return BCubed(
        precision=sum(n * n / found[given] for (_, given), n in together.items()) / len(pairs),
        recall=sum(n * n / expected[wanted] for (wanted, _), n in together.items()) / len(pairs),
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
