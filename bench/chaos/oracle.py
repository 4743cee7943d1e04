"""The judge: compares what was promised with what is found. Pure, so that each verdict has a test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bench.chaos.ledger import ABSENT, Ledger, Obligation, State

FRESH_LIMIT_S = 5.0
DRAIN_LIMIT_S = 60.0
OK, NOT_FOUND, GONE = 200, 404, 410


class Sight(NamedTuple):
    """One article as the index shows it: what GET answers, and the ids that a search for its word finds."""

    status: int
    revision: int = 0
    digest: str = ""
    found: tuple[str, ...] = ()


class Letter(NamedTuple):
    """A dead letter, as far as it matters here."""

    id: str
    article_id: str | None
    reason: str
    token: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that was looked at after the drain.

    `walk` are the ids of a cursor walk over all articles, `total` what the search counts. `drained_s` and
    `fresh_s` are None when it did not happen in time.
    """

    sights: Mapping[str, Sight]
    walk: Sequence[str]
    total: int
    receipts: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    letters: Sequence[Letter] = ()
    drained_s: float | None = 0.0
    fresh_s: float | None = 0.0
    backlog: str = ""


class Violation(NamedTuple):
    """A broken promise, with what is needed to look into it."""

    kind: str
    article_id: str | None
    detail: str
    receipt: Mapping[str, Any] | None = None
    history: tuple[str, ...] = ()


def judge(ledger: Ledger, seen: Observation) -> list[Violation]:
    """Return every promise that is broken; none means that the run has passed."""
    found = [*_whole(ledger, seen)]
    dead = {letter.article_id: letter for letter in seen.letters if letter.article_id}
    for obligation in ledger.obligations():
        for kind, detail in _of_article(obligation, seen, dead.get(obligation.article_id)):
            receipt = seen.receipts.get(obligation.article_id)
            found.append(Violation(kind, obligation.article_id, detail, receipt, _history(obligation)))
    return found


def _whole(ledger: Ledger, seen: Observation) -> Iterator[Violation]:
    if seen.drained_s is None or seen.drained_s > DRAIN_LIMIT_S:
        yield Violation("not drained", None, f"not within {DRAIN_LIMIT_S:g} s: {seen.backlog}")
    if seen.fresh_s is None or seen.fresh_s > FRESH_LIMIT_S:
        took = "never" if seen.fresh_s is None else f"after {seen.fresh_s:.1f} s"
        yield Violation(
            "stale", None, f"a fresh article was searchable {took}, not within {FRESH_LIMIT_S:g} s"
        )
    for id_, times in Counter(seen.walk).items():
        if times > 1:
            yield Violation("twice", id_, f"the cursor walk meets it {times} times")
        if not ledger.known(id_):
            yield Violation("invented", id_, "it is served, and was never submitted")
    if seen.total != len(set(seen.walk)):
        yield Violation(
            "count", None, f"the search counts {seen.total}, the walk meets {len(set(seen.walk))}"
        )
    for letter in seen.letters:
        if not letter.reason:
            yield Violation("no reason", letter.article_id, f"dead letter {letter.id} gives no reason")


def _of_article(obligation: Obligation, seen: Observation, dead: Letter | None) -> Iterator[tuple[str, str]]:
    yield from (("answer", complaint) for complaint in obligation.complaints)
    sight = seen.sights.get(obligation.article_id)
    if sight is None:
        yield "unseen", "the index did not answer for it"
        return
    allowed = obligation.ever if dead is not None else obligation.states
    fault = _misplaced(sight, allowed)
    if fault is not None:
        yield fault
    listed = obligation.article_id in seen.walk
    served = sight.status == OK
    if served and sight.found != (obligation.article_id,):
        yield "unsearchable", f"served, but a search for its word finds {list(sight.found) or 'nothing'}"
    if not served and sight.found:
        yield "resurrected", f"GET says {sight.status}, but a search finds {list(sight.found)}"
    if served != listed:
        yield "listing", f"GET says {sight.status}, but the walk {'meets' if listed else 'misses'} it"
    if fault is None and dead is None:
        yield from _receipt_disagrees(obligation, sight, seen.receipts.get(obligation.article_id))


def _misplaced(sight: Sight, allowed: frozenset[State]) -> tuple[str, str] | None:
    """Return what is wrong with how an article is found, or None."""
    if sight.status == NOT_FOUND:
        return None if ABSENT in allowed else ("lost", f"accepted and nowhere to be found: {_words(allowed)}")
    if sight.status == GONE:
        fine = any(state.kind == "gone" for state in allowed)
        return None if fine else ("gone", f"410 without a takedown: {_words(allowed)}")
    if sight.status != OK:
        return "unseen", f"GET answers {sight.status}"
    served = [state for state in allowed if state.kind == "served"]
    if not served:
        return "resurrected", f"served at revision {sight.revision}; allowed: {_words(allowed)}"
    if not any(state.revision == sight.revision for state in served):
        return "revision", f"revision {sight.revision} is served; allowed: {_words(allowed)}"
    if not any((state.revision, state.digest) == (sight.revision, sight.digest) for state in served):
        return "altered", f"title and body of revision {sight.revision} are not those submitted"
    return None


def _receipt_disagrees(
    obligation: Obligation, sight: Sight, receipt: Mapping[str, Any] | None
) -> Iterator[tuple[str, str]]:
    if receipt is None:
        if obligation.accepted or sight.status != NOT_FOUND:
            yield "receipt", "there is none"
        return
    told = (receipt.get("status"), receipt.get("revision"))
    if sight.status == OK and told != ("indexed", sight.revision):
        yield "receipt", f"it says {told}, served is revision {sight.revision}"
    if sight.status == GONE and told[0] in ("indexed", "dead_lettered"):
        yield "receipt", f"it says {told}, the article is gone"


def _words(states: frozenset[State]) -> str:
    return ", ".join(f"{state.kind} {state.revision}".removesuffix(" 0") for state in sorted(states))


def _history(obligation: Obligation) -> tuple[str, ...]:
    return tuple(
        f"{answer.at_s:8.3f} s {answer.operation.effect} {answer.operation.version}: {answer.outcome}"
        + (f" (revision {answer.revision})" if answer.revision is not None else "")
        for answer in obligation.answers
    )
