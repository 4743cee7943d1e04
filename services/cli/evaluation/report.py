"""What an evaluation says in the end, for people and for scripts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from services.enrich.scoring import Score
from shared.memory import peak_memory_mb

LabelRows = Mapping[str, Score]


@dataclass(slots=True)
class Speed:
    """Processor time of this process that the service's code took, and the words it was given."""

    seconds: float = 0.0
    words: int = 0

    @contextmanager
    def timing(self, *texts: str) -> Iterator[None]:
        self.words += sum(len(text.split()) for text in texts)
        started = time.process_time()
        yield
        self.seconds += time.process_time() - started

    @property
    def words_per_second(self) -> int:
        return round(self.words / self.seconds) if self.seconds else 0


@dataclass(frozen=True, slots=True)
class Report:
    """`measures` are ratios 0…1, the one that the kind is judged by first; `labels` a table by label."""

    measures: dict[str, float]
    counts: dict[str, int]
    speed: Speed
    labels: LabelRows = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return the report as one JSON object, measures on top."""
        labels = {
            label: {
                "precision": round(score.precision, 4),
                "recall": round(score.recall, 4),
                "f1": round(score.f1, 4),
                "expected": score.expected,
                "predicted": score.predicted,
                "correct": score.true_positives,
            }
            for label, score in self.labels.items()
        }
        return {
            **{name: round(value, 4) for name, value in self.measures.items()},
            "counts": self.counts,
            **({"labels": labels} if labels else {}),
            "words": self.speed.words,
            "cpu_seconds": round(self.speed.seconds, 3),
            "words_per_second": self.speed.words_per_second,
            "peak_memory_mb": peak_memory_mb(),
            "models": self.models,
        }


def prf(score: Score) -> dict[str, float]:
    return {"f1": score.f1, "precision": score.precision, "recall": score.recall}
