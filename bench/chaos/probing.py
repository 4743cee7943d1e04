"""Submits while nothing can be taken: what ingest must answer then, and how fast."""

from __future__ import annotations

import json
import time

import httpx2

from bench.chaos.ledger import Operation
from bench.chaos.texts import Subject
from bench.chaos.world import Result, World

ANSWER_LIMIT_S = 2.0
# Getting the answer from there to here, on a machine that is busy with the faults.
TRANSIT_S = 0.1


async def probe(world: World, result: Result, door: str, *, may_be_taken: bool = False) -> None:
    """Submit something while nothing can be taken: the answer is 503 with Retry-After within the limit.

    The ledger allows it to be taken all the same: Redis may get to it once it answers again. What is
    answered as taken is an obligation like any other; `may_be_taken` where that is no fault by itself.
    """
    subject = Subject(f"zq{world.fresh_name()}probe")
    payload = subject.payload(1, revision=None)
    obligation = world.ledger.open(subject.article_id, subject.word)
    operation = Operation("publish", 1, subject.text(1).digest)
    before = obligation.begin(operation)
    headers = {"idempotency-key": world.fresh_name()} if door == "keyed" else {}
    path = "/v1/articles/batch" if door == "batch" else "/v1/articles"
    began = time.monotonic()
    try:
        async with httpx2.AsyncClient(
            base_url=world.stack.url("ingest"), timeout=15, trust_env=False
        ) as client:
            response = await client.post(path, content=json.dumps(payload).encode(), headers=headers)
    except httpx2.HTTPError as error:
        result.failures.append(f"a {door} submit was not answered: {type(error).__name__}")
        return
    took = time.monotonic() - began
    result.worst(f"{door}_answer_s", took)
    taken = response.is_success
    if taken:
        obligation.settle(before, operation, "accepted", at_s=0, revision=1)
    refused = response.status_code == 503 and "retry-after" in response.headers
    result.expect(
        refused or (taken and may_be_taken),
        f"a {door} submit was answered {response.status_code}"
        f"{'' if refused or taken else ' or without Retry-After'}: {response.text[:120]}",
    )
    result.expect(
        took <= ANSWER_LIMIT_S + TRANSIT_S,
        f"a {door} submit was answered after {took:.2f} s, not within {ANSWER_LIMIT_S:g} s",
    )
