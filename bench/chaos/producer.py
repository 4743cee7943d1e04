"""Submits at a steady rate whatever happens, and writes each answer into the ledger."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx2

from bench.chaos.ledger import Ledger, Obligation, Outcome
from bench.chaos.plans import Plan, Step, batch_plan, make_plan

TIMEOUT_S = 10.0
# A real publisher stops somewhere too; what is open then stays unknown.
MOST_OPEN_PLANS = 400
RETRY_S = 0.5
CONNECTIONS_KEPT = 24
BATCH_EVERY, BATCH_ARTICLES = 40, 8
ACCEPTED, REFUSED, UNAVAILABLE = 202, 409, 503


class Sample(NamedTuple):
    """One submit: when it was sent, how long the answer took, and what it was (0: none came)."""

    at: float
    seconds: float
    status: int
    retry_after: bool
    method: str = "POST"


@dataclass(slots=True)
class Producer:
    """One per ledger. `run` submits until cancelled; `finish` waits for what is under way."""

    url: str
    ledger: Ledger
    seed: str
    rate: float = 25.0
    samples: list[Sample] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    _open: set[asyncio.Task[None]] = field(default_factory=set)
    _client: httpx2.AsyncClient | None = None
    _began: float = field(default_factory=time.monotonic)

    @property
    def client(self) -> httpx2.AsyncClient:
        if self._client is None:
            # Never fewer than there are requests: waiting for a free one would count as the service's time.
            limits = httpx2.Limits(max_connections=None, max_keepalive_connections=CONNECTIONS_KEPT)
            self._client = httpx2.AsyncClient(
                base_url=self.url, timeout=TIMEOUT_S, limits=limits, trust_env=False
            )
        return self._client

    async def run(self) -> None:
        """Begin a plan each 1/rate seconds, now and then a batch."""
        due = time.monotonic()
        while True:
            self.begin_next()
            due = max(due + 1 / self.rate, time.monotonic() - 1)
            await asyncio.sleep(max(due - time.monotonic(), 0))

    def begin_next(self) -> None:
        """Begin the next plan, unless too many are open: the service may be away for long."""
        if len(self._open) >= MOST_OPEN_PLANS:
            self.statuses["skipped"] += 1
            return
        number, self.numbers = self.numbers, self.numbers + 1
        if number % BATCH_EVERY == BATCH_EVERY - 1:
            work = self.submit_batch([batch_plan(self.seed, number, n) for n in range(BATCH_ARTICLES)])
        else:
            work = self.carry_out(make_plan(self.seed, number))
        self.adopt(asyncio.create_task(work))

    def adopt(self, task: asyncio.Task[None]) -> None:
        """Count a task among the open plans, which `finish` waits for."""
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def finish(self, within_s: float) -> None:
        """Wait for open plans; those that do not end are given up and stay unknown."""
        if self._open:
            _, left = await asyncio.wait(self._open, timeout=within_s)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def carry_out(self, plan: Plan) -> None:
        """Send the plan's requests one after the other; stop after one that stays unknown."""
        obligation = self.ledger.open(plan.subject.article_id, plan.subject.word)
        for number, step in enumerate(plan.steps):
            key = f"{plan.subject.word}-{number}" if plan.door == "keyed" else None
            while await self._perform(obligation, step, key) == "unknown":
                if not plan.persists:
                    return
                await asyncio.sleep(RETRY_S)

    async def _perform(self, obligation: Obligation, step: Step, key: str | None) -> Outcome:
        before = obligation.begin(step.operation)
        response = await self._send(obligation, step, key)
        outcome, revision = self._read(obligation, response)
        at_s = time.monotonic() - self._began
        obligation.settle(before, step.operation, outcome, at_s=at_s, revision=revision)
        return outcome

    async def _send(self, obligation: Obligation, step: Step, key: str | None) -> httpx2.Response | None:
        if step.payload is None:
            return await self.request("DELETE", f"/v1/articles/{obligation.article_id}")
        query = "?restore=true" if step.operation.effect == "restore" else ""
        headers = {"idempotency-key": key} if key else None
        return await self.request("POST", f"/v1/articles{query}", json=step.payload, headers=headers)

    async def request(self, method: str, path: str, **kwargs: Any) -> httpx2.Response | None:
        """Return the response, None if there was none; note how it went."""
        began = time.monotonic()
        try:
            response = await self.client.request(method, path, **kwargs)
        except httpx2.HTTPError as error:
            self.samples.append(Sample(began, time.monotonic() - began, 0, False, method))
            self.statuses[type(error).__name__] += 1
            return None
        self.statuses[str(response.status_code)] += 1
        seconds = time.monotonic() - began
        self.samples.append(
            Sample(began, seconds, response.status_code, "retry-after" in response.headers, method)
        )
        return response

    def _read(self, obligation: Obligation, response: httpx2.Response | None) -> tuple[Outcome, int | None]:
        if response is None or response.status_code == UNAVAILABLE:
            if response is not None and "retry-after" not in response.headers:
                obligation.complaints.append("a 503 without Retry-After")
            return "unknown", None
        document = response.json()
        if response.status_code == ACCEPTED:
            if document["id"] != obligation.article_id:
                obligation.complaints.append(f"it was given the id {document['id']}")
            return ("accepted" if document["status"] == "accepted" else "duplicate"), document["revision"]
        if response.status_code == REFUSED and document.get("type", "").endswith("/taken-down"):
            return "refused", None
        if response.status_code == REFUSED and "in-use" in document.get("type", ""):
            return "unknown", None  # the claim of a request that died: it ends by itself
        obligation.complaints.append(f"answered {response.status_code}: {response.text[:200]}")
        return "unknown", None

    async def submit_batch(self, plans: list[Plan]) -> None:
        """Send the plans as one NDJSON batch until it is answered."""
        obligations = [self.ledger.open(plan.subject.article_id, plan.subject.word) for plan in plans]
        body = "\n".join(json.dumps(plan.steps[0].payload) for plan in plans).encode()
        while True:
            before = [
                obligation.begin(plan.steps[0].operation)
                for obligation, plan in zip(obligations, plans, strict=True)
            ]
            response = await self.request("POST", "/v1/articles/batch", content=body)
            results = response.json()["results"] if response is not None and response.is_success else None
            at_s = time.monotonic() - self._began
            for n, (obligation, plan) in enumerate(zip(obligations, plans, strict=True)):
                outcome, revision = _batch_outcome(obligation, results[n] if results else None)
                obligation.settle(before[n], plan.steps[0].operation, outcome, at_s=at_s, revision=revision)
            if results is not None:
                return
            await asyncio.sleep(RETRY_S)


def _batch_outcome(obligation: Obligation, result: dict[str, Any] | None) -> tuple[Outcome, int | None]:
    if result is None:
        return "unknown", None
    if result["id"] != obligation.article_id:
        obligation.complaints.append(f"a batch answered with the id {result['id']}: {result['error']}")
        return "unknown", None
    return ("accepted" if result["status"] == "accepted" else "duplicate"), result["revision"]
