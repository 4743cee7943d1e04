"""What re-enrichment changed of all articles: bounded, so that it stays small beside any history.

It is kept in the run's file while the run lasts, which may be over several starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from pydantic import BaseModel, Field

from services.cli.re_enriching.changes import PARTS, Change, Example

MAX_EXAMPLES: Final = 6
_LISTED: Final = 20
_MAX_COUNTED: Final = 20_000


class Tally(BaseModel):
    """Beyond `_MAX_COUNTED` names the rarest are forgotten: counts of rare ones may be too low."""

    articles: int = 0
    parts: dict[str, int] = Field(default_factory=lambda: dict.fromkeys(PARTS, 0))
    added: dict[str, int] = Field(default_factory=dict)
    removed: dict[str, int] = Field(default_factory=dict)
    topics_added: dict[str, int] = Field(default_factory=dict)
    topics_removed: dict[str, int] = Field(default_factory=dict)
    sentiments: dict[str, int] = Field(default_factory=dict)
    languages: dict[str, int] = Field(default_factory=dict)
    versions: dict[str, int] = Field(default_factory=dict)
    score_moved: float = 0.0
    examples: list[Example] = Field(default_factory=list)

    def add(self, change: Change) -> None:
        self.articles += 1
        for part in change.parts:
            self.parts[part] += 1
        self.score_moved += change.score_moved
        _count(self.added, (f"{label}:{name}" for label, name in change.added))
        _count(self.removed, (f"{label}:{name}" for label, name in change.removed))
        _count(self.topics_added, change.topics_added)
        _count(self.topics_removed, change.topics_removed)
        _count(self.sentiments, _transition(*change.sentiment))
        _count(self.languages, _transition(*change.language))
        _count(self.versions, (f"{part}: {was} → {is_}" for part, was, is_ in change.versions))
        if change.example is not None:
            self._offer(change.example)

    def _offer(self, example: Example) -> None:
        """Ids are hashes, so those of the least ids are a fair sample, and the same one in another run."""
        self.examples.append(example)
        self.examples.sort(key=lambda kept: kept.id)
        del self.examples[MAX_EXAMPLES:]

    def document(self) -> dict[str, Any]:
        """Return the report of what changed, with the most frequent names only."""
        return {
            "re_enriched": self.articles,
            "changed": dict(self.parts),
            "sentiment": {
                "labels": _most(self.sentiments),
                "mean_score_moved": round(self.score_moved / max(self.articles, 1), 4),
            },
            "languages": _most(self.languages),
            "topics": {"added": _most(self.topics_added), "removed": _most(self.topics_removed)},
            "entities": {"added": _most(self.added), "removed": _most(self.removed)},
            "versions": _most(self.versions),
            "examples": [example.model_dump() for example in self.examples],
        }


class Failures(BaseModel):
    """Articles that stay as they were, by what they failed with; only the most frequent reasons are kept."""

    articles: int = 0
    reasons: dict[str, int] = Field(default_factory=dict)
    first_ids: dict[str, str] = Field(default_factory=dict)

    def add(self, article_id: str, reason: str) -> None:
        self.articles += 1
        if reason in self.reasons or len(self.reasons) < _LISTED:
            self.reasons[reason] = self.reasons.get(reason, 0) + 1
            self.first_ids.setdefault(reason, article_id)

    def document(self) -> list[dict[str, Any]]:
        most = sorted(self.reasons.items(), key=lambda item: -item[1])
        return [
            {"reason": reason, "articles": count, "first_id": self.first_ids[reason]}
            for reason, count in most
        ]


def _transition(before: str, after: str) -> Iterable[str]:
    return () if before == after else (f"{before} → {after}",)


def _count(counts: dict[str, int], names: Iterable[str]) -> None:
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    if len(counts) > _MAX_COUNTED:
        kept = Counter(counts).most_common(_MAX_COUNTED // 2)
        counts.clear()
        counts.update(kept)


def _most(counts: dict[str, int]) -> list[dict[str, Any]]:
    # Of equals the first by name, so that a report is the same again.
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_LISTED]
    return [{"name": name, "articles": count} for name, count in most]
