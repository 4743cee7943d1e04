"""Faults that come in by the front door: the same submit many times at once, a key used twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

from bench.chaos.ledger import Operation
from bench.chaos.texts import Subject
from bench.chaos.world import Result, World

IDENTICAL = 100


@dataclass(slots=True)
class IdenticalSubmits:
    """The same new article 100 times at once."""

    name: str = "identical_submits"
    passes_when: str = "one document; one answer `accepted`, the others `duplicate`"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        subject = Subject(f"zq{world.fresh_name()}")
        payload = subject.payload(1, revision=None)
        operation = Operation("publish", 1, subject.text(1).digest)
        obligation = world.ledger.open(subject.article_id, subject.word)
        before = obligation.begin(operation)
        responses = await asyncio.gather(
            *(world.producer.request("POST", "/v1/articles", json=payload) for _ in range(IDENTICAL))
        )
        answers = [r.json() for r in responses if r is not None and r.status_code == 202]
        if answers:
            obligation.settle(before, operation, "accepted", at_s=0, revision=answers[0]["revision"])
        told = Counter(answer["status"] for answer in answers)
        ids = {(answer["id"], answer["revision"]) for answer in answers}
        result.expect(len(answers) == IDENTICAL, f"{IDENTICAL - len(answers)} were not answered 202")
        result.expect(told["accepted"] == 1, f"{told['accepted']} of them were called accepted")
        result.expect(ids == {(subject.article_id, 1)}, f"they were given {sorted(ids)}")

    async def undo(self, world: World, result: Result) -> None:
        return


@dataclass(slots=True)
class IdempotencyConflict:
    """The same Idempotency-Key with another body, and with the same one."""

    name: str = "idempotency_conflict"
    passes_when: str = "409 for another body; the first answer again for the same"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        key = world.fresh_name()
        subject, other = Subject(f"zq{key}"), Subject(f"zq{key}other")
        operation = Operation("publish", 1, subject.text(1).digest)
        obligation = world.ledger.open(subject.article_id, subject.word)
        world.ledger.open(other.article_id, other.word)  # refused, so it must stay absent
        before = obligation.begin(operation)
        answers = []
        for one in (subject, other, subject):
            response = await world.producer.request(
                "POST", "/v1/articles", json=one.payload(1, revision=None), headers={"idempotency-key": key}
            )
            answers.append((response.status_code, response.content) if response is not None else (0, b""))
        if answers[0][0] == 202:
            obligation.settle(before, operation, "accepted", at_s=0, revision=1)
        codes = [status for status, _ in answers]
        result.expect(codes == [202, 409, 202], f"answered {codes}, not 202, 409, 202")
        result.expect(answers[0] == answers[2], "the same body was not given the first answer again")

    async def undo(self, world: World, result: Result) -> None:
        return
