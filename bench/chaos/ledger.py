"""What was accepted, and so what may be served in the end. Pure.

Every operation on an article is written down before it is sent. Its answer settles it; no answer, or a 503,
leaves open whether it was taken, and both are allowed from then on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Effect = Literal["publish", "restore", "withhold", "take_down"]
Outcome = Literal["accepted", "duplicate", "refused", "unknown"]


class State(NamedTuple):
    """How an article may stand: never seen, served with a content, or gone (taken down, withheld)."""

    kind: Literal["absent", "served", "gone"]
    revision: int = 0
    digest: str = ""
    final: bool = False


ABSENT = State("absent")


class Operation(NamedTuple):
    """One submit or takedown. `version` is what the article becomes; `digest` is of its title and body."""

    effect: Effect
    version: int
    digest: str = ""

    @property
    def target(self) -> State:
        if self.effect in ("publish", "restore"):
            return State("served", self.version, self.digest)
        return State("gone", self.version, final=self.effect == "take_down")


class Answer(NamedTuple):
    """An operation and what came back, kept as evidence. `at_s` counts from the start of the run."""

    at_s: float
    operation: Operation
    outcome: Outcome
    revision: int | None = None


@dataclass(slots=True)
class Obligation:
    """One article's history. `states` are all in which it may be found once everything has drained."""

    article_id: str
    word: str
    states: frozenset[State] = frozenset({ABSENT})
    ever: frozenset[State] = frozenset({ABSENT})
    answers: list[Answer] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        """Whether any operation was answered as taken."""
        return any(answer.outcome == "accepted" for answer in self.answers)

    @property
    def unsettled(self) -> bool:
        return len(self.states) > 1

    def begin(self, operation: Operation) -> frozenset[State]:
        """Note that `operation` is about to be sent; give the result back to `settle`."""
        before = self.states
        self._allow(before | {operation.target})
        return before

    def settle(
        self, before: frozenset[State], operation: Operation, outcome: Outcome, *, at_s: float,
        revision: int | None = None,
    ) -> None:  # fmt: skip
        """Note the answer. One that no history allows becomes a complaint."""
        target = operation.target
        self.answers.append(Answer(at_s, operation, outcome, revision))
        if outcome == "accepted":
            self._allow(frozenset({target}))
            if operation.effect != "take_down" and revision != operation.version:
                self.complaints.append(f"{operation.effect} {operation.version} was answered {revision}")
        elif outcome == "duplicate":
            self._allow(_held(before, target, revision))
            if before == {ABSENT}:
                self.complaints.append("called a duplicate although nothing was ever submitted")
        elif outcome == "refused":
            self._allow(before)
            if not any(state.final for state in before):
                self.complaints.append("refused as taken down although no takedown was sent")

    def _allow(self, states: frozenset[State]) -> None:
        self.states = states
        self.ever |= states


def _held(before: frozenset[State], target: State, revision: int | None) -> frozenset[State]:
    """Return what a duplicate leaves possible: an earlier attempt was taken, or a later revision is there.

    The answer names the revision that is held, and so tells which.
    """
    if target.final or revision == target.revision:
        return frozenset({target}) if target in before else before
    return frozenset(state for state in before if state.revision == revision) or before


class Ledger:
    """All obligations by article id."""

    def __init__(self) -> None:
        self._by_id: dict[str, Obligation] = {}

    def open(self, article_id: str, word: str) -> Obligation:
        """Return the obligation of an article, made when it is not known yet."""
        return self._by_id.setdefault(article_id, Obligation(article_id, word))

    def obligations(self) -> list[Obligation]:
        return list(self._by_id.values())

    def known(self, article_id: str) -> bool:
        return article_id in self._by_id

    @property
    def accepted(self) -> int:
        return sum(obligation.accepted for obligation in self._by_id.values())
