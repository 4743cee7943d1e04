"""Looks at everything that is served once the faults have stopped."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import httpx2
from redis.exceptions import RedisError

from bench.chaos.ledger import Ledger, Obligation
from bench.chaos.oracle import DRAIN_LIMIT_S, FRESH_LIMIT_S, NOT_FOUND, OK, Letter, Observation, Sight
from bench.chaos.plans import make_plan
from bench.chaos.producer import Producer
from bench.chaos.stack import Stack
from bench.chaos.texts import digest
from shared.runtime.lag import read_lags

CONCURRENCY = 8
PAGE = 100


class Observer:
    """Reads one stack over HTTP, and its backlog from Redis."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._turn = asyncio.Semaphore(CONCURRENCY)
        self.unanswered: Counter[str] = Counter()
        self._client = httpx2.AsyncClient(timeout=20, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def backlog(self) -> str:
        """Return in words what is not done yet; empty when everything is."""
        redis = self._stack.redis()
        try:
            lags = await read_lags(redis, 1)
        except (RedisError, OSError) as error:
            return f"Redis: {error}"
        finally:
            await redis.aclose()
        if len(lags) < 2:
            return "a consumer group is missing"
        return ", ".join(
            f"{lag.group}: {lag.lag} waiting, {lag.pending} pending" for lag in lags if lag.backlog
        )

    async def drained(self, within_s: float = DRAIN_LIMIT_S) -> tuple[float | None, str]:
        """Wait until nothing is waiting or pending; return the seconds (None: it did not) and the backlog."""
        began = time.monotonic()
        while True:
            backlog = await self.backlog()
            if not backlog and await self._stack.ready():
                return time.monotonic() - began, ""
            if time.monotonic() - began > within_s:
                return None, backlog or str(await self._stack.not_ready())
            await asyncio.sleep(0.2)

    async def fresh(self, producer: Producer, name: str) -> float | None:
        """Submit an article and return the seconds until a search finds it, None if not within the limit."""
        plan = make_plan(f"{producer.seed}{name}", 0, kind="plain")
        began = time.monotonic()
        try:
            await asyncio.wait_for(producer.carry_out(plan), FRESH_LIMIT_S)
        except TimeoutError:
            return None
        while time.monotonic() - began < FRESH_LIMIT_S:
            if await self.found(plan.subject.word) == (plan.subject.article_id,):
                return time.monotonic() - began
            await asyncio.sleep(0.05)
        return None

    async def observe(
        self, ledger: Ledger, *, drained_s: float | None, backlog: str, fresh_s: float | None
    ) -> Observation:
        """Return what is served of everything in the ledger."""
        obligations = ledger.obligations()
        sights = await asyncio.gather(*map(self.sight, obligations))
        receipts = await asyncio.gather(*(self.receipt(one.article_id) for one in obligations))
        walk, total = await self.walk()
        return Observation(
            sights={one.article_id: sight for one, sight in zip(obligations, sights, strict=True)},
            walk=walk,
            total=total,
            receipts={one.article_id: found for one, found in zip(obligations, receipts, strict=True)},
            letters=await self.letters(),
            drained_s=drained_s,
            fresh_s=fresh_s,
            backlog=backlog,
        )

    async def sight(self, obligation: Obligation) -> Sight:
        response = await self._get("index", f"/v1/articles/{obligation.article_id}")
        if response is None:
            return Sight(0)
        found = await self.found(obligation.word)
        if response.status_code != OK:
            return Sight(response.status_code, found=found)
        try:
            article = response.json()
            return Sight(OK, article["revision"], digest(article["title"], article["body"]), found)
        except (ValueError, KeyError):
            return Sight(OK, 0, "unreadable", found)

    async def found(self, word: str) -> tuple[str, ...]:
        """Return the ids that a search for `word` finds, in its order."""
        response = await self._get("index", "/v1/search", q=word, size=10)
        if response is None or response.status_code != OK:
            return ()
        try:
            return tuple(hit["id"] for hit in response.json()["hits"])
        except (ValueError, KeyError):
            return ("unreadable",)

    async def receipt(self, article_id: str) -> dict[str, Any] | None:
        """Return the receipt, None if there is none; another answer than either is shown as the status."""
        response = await self._get("ingest", f"/v1/articles/{article_id}/receipt")
        if response is None or response.status_code not in (OK, NOT_FOUND):
            return {
                "status": f"answered {response.status_code} {response.text}"
                if response is not None
                else "no answer"
            }
        document: dict[str, Any] = response.json()
        return document if response.status_code == OK else None

    async def document(self, service: str, path: str) -> dict[str, Any] | None:
        """Return what a GET answers, None unless with 200."""
        response = await self._get(service, path)
        if response is None or response.status_code != OK:
            return None
        document: dict[str, Any] = response.json()
        return document

    async def total(self) -> int:
        response = await self._get("index", "/v1/search", q="", size=1, count="exact")
        return int(response.json()["total"]) if response is not None and response.status_code == OK else -1

    async def walk(self) -> tuple[list[str], int]:
        """Follow the cursor over all articles; return every id met, and the total the search counts."""
        ids: list[str] = []
        cursor: str | None = None
        while True:
            more = {"cursor": cursor} if cursor else {}
            response = await self._get(
                "index", "/v1/search", q="", sort="newest", size=PAGE, collapse="false", **more
            )
            if response is None or response.status_code != OK:
                return ids, -1
            page = response.json()
            ids += [hit["id"] for hit in page["hits"]]
            cursor = page["next_cursor"]
            if cursor is None:
                return ids, await self.total()

    async def letters(self) -> list[Letter]:
        """Return every dead letter."""
        letters: list[Letter] = []
        before: dict[str, str] = {}
        while True:
            response = await self._get("ingest", "/v1/dead-letters", limit=PAGE, **before)
            if response is None or response.status_code != OK:
                return letters
            page = response.json()
            letters += [Letter(one["id"], one["article_id"], one["reason"]) for one in page["dead_letters"]]
            if page["next_before"] is None:
                return letters
            before = {"before": page["next_before"]}

    async def status(self, service: str, path: str) -> tuple[int, float]:
        """Return the status of a GET (0: no answer) and the seconds it took."""
        began = time.monotonic()
        response = await self._get(service, path)
        return (response.status_code if response is not None else 0), time.monotonic() - began

    async def _get(self, service: str, path: str, **params: Any) -> httpx2.Response | None:
        async with self._turn:
            try:
                return await self._client.get(self._stack.url(service) + path, params=params)
            except httpx2.HTTPError as error:
                self.unanswered[f"GET {path}: {type(error).__name__}"] += 1
                return None
