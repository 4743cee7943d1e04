"""What became of everything that was found: counts by reason, and the first few of each to look at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from services.cli.imports.entries import Skipped
from services.cli.submission import Outcome

MAX_REASONS = 40
MAX_EXAMPLES = 5
MAX_DAMAGES = 50
MAX_DETAIL_CHARS = 300
OTHERS = "others"
_NUMBER = re.compile(r"[0-9][0-9,.]*")


@dataclass(slots=True)
class Tally:
    """`passed_over` was not wanted, `skipped` could not be read, `rejected` is what ingest refused."""

    accepted: int = 0
    duplicates: int = 0
    passed_over: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    damage: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether everything that was wanted was also taken."""
        return not (self.skipped or self.rejected or self.damage)

    @property
    def entries(self) -> int:
        found = (self.passed_over, self.skipped, self.rejected)
        return self.accepted + self.duplicates + sum(counts.total() for counts in found)

    def skip(self, origin: str, skipped: Skipped) -> None:
        if skipped.by_design:
            _count(self.passed_over, f"{skipped.reason}: {skipped.detail}".rstrip(": "))
        else:
            self._example(_count(self.skipped, skipped.reason), origin, skipped.detail)

    def settle(self, outcome: Outcome) -> None:
        if outcome.status == "accepted":
            self.accepted += 1
        elif outcome.status == "duplicate":
            self.duplicates += 1
        else:
            error = outcome.error or "no reason given"
            self._example(_count(self.rejected, _kind_of(error)), outcome.origin, error)

    def note_damage(self, name: str, what: Iterable[str]) -> None:
        self.damage.extend(f"{name}: {found}" for found in what)
        del self.damage[MAX_DAMAGES:]

    def _example(self, reason: str, origin: str, detail: str) -> None:
        examples = self.examples.setdefault(reason, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append({"origin": origin, "detail": detail[:MAX_DETAIL_CHARS]})

    def add(self, other: Tally) -> None:
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        for ours, theirs in (
            (self.passed_over, other.passed_over),
            (self.skipped, other.skipped),
            (self.rejected, other.rejected),
        ):
            for reason, count in theirs.items():
                _count(ours, reason, count)
        for reason, examples in other.examples.items():
            for example in examples:
                self._example(reason, example["origin"], example["detail"])
        self.damage = [*self.damage, *other.damage][:MAX_DAMAGES]

    def as_json(self) -> dict[str, Any]:
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "passed_over": dict(self.passed_over.most_common()),
            "skipped": dict(self.skipped.most_common()),
            "rejected": dict(self.rejected.most_common()),
            "examples": self.examples,
            "damage": self.damage,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """Raises KeyError or TypeError for a document of another shape."""
        return cls(
            accepted=int(document["accepted"]),
            duplicates=int(document["duplicates"]),
            passed_over=Counter(document["passed_over"]),
            skipped=Counter(document["skipped"]),
            rejected=Counter(document["rejected"]),
            examples=dict(document["examples"]),
            damage=list(document["damage"]),
        )


def _count(counts: Counter[str], reason: str, count: int = 1) -> str:
    """Count under `reason`, or among the others once there are too many reasons; return which."""
    if reason not in counts and len(counts) >= MAX_REASONS:
        reason = OTHERS
    counts[reason] += count
    return reason


def _kind_of(error: str) -> str:
    """Return what ingest's errors of one kind have in common."""
    return _NUMBER.sub("…", error)[:120]
