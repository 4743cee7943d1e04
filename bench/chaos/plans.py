"""What the producer does to one article, in order: the mixture of a wire's day. Pure and seeded."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Literal

from bench.chaos.ledger import Effect, Operation
from bench.chaos.texts import Subject

Door = Literal["single", "keyed", "batch"]


@dataclass(frozen=True, slots=True)
class Step:
    """One request: what it does, and the document it sends (None for a takedown)."""

    operation: Operation
    payload: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All requests about one article. `persists`: an unanswered one is sent again until it is answered.

    A plan of several steps always names its revisions: then a request that a dead connection still delivers
    late cannot win over a later one.
    """

    kind: str
    subject: Subject
    door: Door
    persists: bool
    steps: tuple[Step, ...]


# How many of a hundred articles take which way.
_MIX: dict[str, int] = {
    "plain": 64, "duplicate": 8, "corrected": 10, "reordered": 5, "taken down": 5, "deleted first": 2,
    "restored": 3, "withheld": 3,
}  # fmt: skip


def make_plan(seed: str, number: int, *, kind: str | None = None, word: str | None = None) -> Plan:
    """Return the plan of article `number`; the same seed gives the same plans. `word` replaces theirs."""
    rng = random.Random(f"{seed} {number}")  # reproducible, not secret
    subject = Subject(word or f"zq{seed}n{number}")
    kind = kind or rng.choices(list(_MIX), list(_MIX.values()))[0]
    door: Door = rng.choices(("single", "keyed"), (3, 1))[0]
    return Plan(kind, subject, door, rng.random() < 0.8, _steps(kind, subject, rng))


def batch_plan(seed: str, number: int, subject_of_batch: int, *, padding: int = 0) -> Plan:
    """Return the plan of one line of a batch: a plain article.

    `padding` is how many characters it has besides, in a field that is no article's: room in Redis is taken,
    and nothing more is to be enriched.
    """
    subject = Subject(f"zq{seed}b{number}x{subject_of_batch}")
    step = make_step("publish", subject, 1, None)
    if padding:
        step = Step(step.operation, (step.payload or {}) | {"padding": "x" * padding})
    return Plan("plain", subject, "batch", True, (step,))


def _steps(kind: str, subject: Subject, rng: random.Random) -> tuple[Step, ...]:
    match kind:
        case "plain":
            return (make_step("publish", subject, 1, None),)
        case "duplicate":
            return (make_step("publish", subject, 1, None),) * rng.randint(2, 3)
        case "corrected":
            return tuple(make_step("publish", subject, n, n) for n in range(1, rng.randint(3, 4)))
        case "reordered":
            return make_step("publish", subject, 2, 2), make_step("publish", subject, 1, 1)
        case "taken down":
            return make_step("publish", subject, 1, 1), make_step("take_down", subject, 1, 1)
        case "deleted first":
            return make_step("take_down", subject, 0, 0), make_step("publish", subject, 1, 1)
        case "restored":
            return (
                make_step("publish", subject, 1, 1),
                make_step("take_down", subject, 1, 1),
                make_step("restore", subject, 2, 2),
            )
        case "withheld":
            last = (make_step("publish", subject, 3, 3),) if rng.random() < 0.5 else ()
            return make_step("publish", subject, 1, 1), make_step("withhold", subject, 2, 2), *last
    raise ValueError(f"no kind of plan: {kind}")


def make_step(effect: Effect, subject: Subject, version: int, revision: int | None) -> Step:
    """Return the request that has this effect; `revision` None lets the service count."""
    if effect == "take_down":
        return Step(Operation(effect, version), None)
    status = "withheld" if effect == "withhold" else "usable"
    digest = "" if effect == "withhold" else subject.text(version).digest
    payload = subject.payload(version, revision=revision, status=status)
    return Step(Operation(effect, version, digest), payload)
