"""The judge, on hand-made histories: each kind of broken promise is found, and an allowed one is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench.chaos.ledger import Ledger, Operation, Outcome
from bench.chaos.oracle import Letter, Observation, Sight, judge

ID = "a" * 32
OTHER = "b" * 32
V1, V2 = Operation("publish", 1, "one"), Operation("publish", 2, "two")
TAKE_DOWN, RESTORE, WITHHOLD = (
    Operation("take_down", 1),
    Operation("restore", 2, "two"),
    Operation("withhold", 2),
)
SERVED_1, SERVED_2 = Sight(200, 1, "one", (ID,)), Sight(200, 2, "two", (ID,))
GONE, ABSENT = Sight(410), Sight(404)


def ledger_of(*answers: tuple[Operation, Outcome]) -> Ledger:
    ledger = Ledger()
    obligation = ledger.open(ID, "word")
    for operation, outcome in answers:
        before = obligation.begin(operation)
        newest = max([operation.version, *(one.revision or 0 for one in obligation.answers)])
        revision = newest if outcome in ("accepted", "duplicate") else None
        obligation.settle(before, operation, outcome, at_s=1.0, revision=revision)
    return ledger


def seen(sight: Sight, **changes: Any) -> Observation:
    receipt = {
        200: {"status": "indexed", "revision": sight.revision},
        410: {"status": "retracted", "revision": 1},
    }.get(sight.status)
    walk = [ID] if sight.status == 200 else []
    observation = Observation({ID: sight}, walk, len(walk), {ID: receipt})
    return replace(observation, **changes)


def kinds(ledger: Ledger, observation: Observation) -> list[str]:
    return [violation.kind for violation in judge(ledger, observation)]


@pytest.mark.parametrize(
    ("answers", "sight"),
    [
        pytest.param([(V1, "accepted")], SERVED_1, id="accepted and served"),
        pytest.param([(V1, "accepted"), (V1, "duplicate")], SERVED_1, id="sent twice"),
        pytest.param([(V1, "accepted"), (V2, "accepted")], SERVED_2, id="corrected"),
        pytest.param([(V2, "accepted"), (V1, "duplicate")], SERVED_2, id="reordered: the older is stale"),
        pytest.param(
            [(V2, "accepted"), (V1, "unknown"), (V1, "duplicate")],
            SERVED_2,
            id="reordered, the older unanswered",
        ),
        pytest.param([(V1, "accepted"), (TAKE_DOWN, "accepted")], GONE, id="taken down"),
        pytest.param([(TAKE_DOWN, "accepted"), (V1, "refused")], GONE, id="taken down before it came"),
        pytest.param(
            [(V1, "accepted"), (TAKE_DOWN, "accepted"), (RESTORE, "accepted")], SERVED_2, id="restored"
        ),
        pytest.param([(V1, "accepted"), (WITHHOLD, "accepted")], GONE, id="withheld"),
        pytest.param([(V1, "unknown")], SERVED_1, id="unanswered and taken"),
        pytest.param([(V1, "unknown")], ABSENT, id="unanswered and not taken"),
        pytest.param([(V1, "accepted"), (V2, "unknown")], SERVED_1, id="correction unanswered, not taken"),
        pytest.param([(V1, "accepted"), (V2, "unknown")], SERVED_2, id="correction unanswered, taken"),
        pytest.param([(V1, "unknown"), (V1, "duplicate")], SERVED_1, id="the first attempt had been taken"),
    ],
)
def test_what_the_promise_allows_is_no_violation(
    answers: list[tuple[Operation, Outcome]], sight: Sight
) -> None:
    assert judge(ledger_of(*answers), seen(sight)) == []


@pytest.mark.parametrize(
    ("answers", "sight", "kind"),
    [
        pytest.param([(V1, "accepted")], ABSENT, "lost", id="lost"),
        pytest.param(
            [(V1, "unknown"), (V1, "duplicate")], ABSENT, "lost", id="lost though called a duplicate"
        ),
        pytest.param([(V1, "accepted")], Sight(200, 1, "other", (ID,)), "altered", id="another text"),
        pytest.param([(V1, "accepted"), (V2, "accepted")], SERVED_1, "revision", id="the old revision"),
        pytest.param([(V1, "accepted"), (TAKE_DOWN, "accepted")], SERVED_1, "resurrected", id="taken down"),
        pytest.param([(V1, "accepted"), (WITHHOLD, "accepted")], SERVED_1, "resurrected", id="withheld"),
        pytest.param([(V1, "accepted")], GONE, "gone", id="gone without a takedown"),
        pytest.param(
            [(V1, "accepted"), (TAKE_DOWN, "accepted"), (RESTORE, "accepted")],
            GONE,
            "gone",
            id="not restored",
        ),
        pytest.param([(V1, "accepted")], Sight(200, 1, "one", ()), "unsearchable", id="no hit"),
        pytest.param([(V1, "accepted")], Sight(200, 1, "one", (ID, ID)), "unsearchable", id="two hits"),
        pytest.param([(V1, "accepted")], Sight(0), "unseen", id="no answer"),
        pytest.param([(V1, "duplicate")], SERVED_1, "answer", id="a duplicate of nothing"),
        pytest.param([(V1, "refused")], ABSENT, "answer", id="refused without a takedown"),
    ],
)
def test_a_broken_promise_about_one_article_is_found(
    answers: list[tuple[Operation, Outcome]], sight: Sight, kind: str
) -> None:
    assert kind in kinds(ledger_of(*answers), seen(sight))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        pytest.param({"walk": [ID, ID]}, "twice", id="met twice by the cursor"),
        pytest.param({"walk": [ID, OTHER], "total": 2}, "invented", id="never submitted"),
        pytest.param({"total": 2}, "count", id="another total"),
        pytest.param({"walk": [], "total": 0}, "listing", id="missed by the cursor"),
        pytest.param({"drained_s": None, "backlog": "index: 3 waiting"}, "not drained", id="not drained"),
        pytest.param({"fresh_s": None}, "stale", id="nothing fresh"),
        pytest.param({"fresh_s": 6.0}, "stale", id="fresh too late"),
        pytest.param({"letters": [Letter("0-1-1", None, "")]}, "no reason", id="no reason"),
        pytest.param({"receipts": {ID: None}}, "receipt", id="no receipt"),
        pytest.param({"receipts": {ID: {"status": "enriched", "revision": 1}}}, "receipt", id="not indexed"),
        pytest.param(
            {"receipts": {ID: {"status": "indexed", "revision": 2}}}, "receipt", id="other revision"
        ),
    ],
)
def test_a_broken_promise_about_the_whole_is_found(changes: dict[str, Any], kind: str) -> None:
    assert kind in kinds(ledger_of((V1, "accepted")), seen(SERVED_1, **changes))


def test_an_accepted_article_may_be_a_dead_letter_with_its_reason() -> None:
    dead = [Letter("0-1-1", ID, "attempts_exhausted")]
    receipts = {ID: {"status": "dead_lettered", "revision": 1}}
    assert judge(ledger_of((V1, "accepted")), seen(ABSENT, letters=dead, receipts=receipts)) == []


def test_a_violation_tells_the_history_and_the_receipt() -> None:
    violation = judge(ledger_of((V1, "unknown"), (V1, "accepted")), seen(ABSENT))[0]
    assert [line.split()[-1] for line in violation.history] == ["unknown", "1)"]
    assert violation.article_id == ID


def test_an_operation_that_was_begun_and_never_answered_stays_open() -> None:
    ledger = Ledger()
    ledger.open(ID, "word").begin(V1)
    assert judge(ledger, seen(SERVED_1)) == []
    assert judge(ledger, seen(ABSENT)) == []
