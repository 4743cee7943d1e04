"""`POST /v1/articles/batch`: many articles in one request, each judged alone.

The body is split as it arrives and written in pipelines; memory is bounded by one chunk of articles and
the list of results.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.batch import BatchSplitter, Item
from services.ingest.service import Ingest, refusal_of
from services.ingest.submission import Origin, Submission, Submitted
from shared.events import Door
from shared.http.problems import Problem

CHUNK_ARTICLES = 256
CHUNK_BYTES = 4 << 20
# Reading an article takes about a tenth of a millisecond; other requests get their turn in between.
ARTICLES_PER_TURN = 16


def batches_router(ingest: Ingest) -> APIRouter:
    router = APIRouter(tags=["articles"])

    @router.post(
        "/v1/articles/batch",
        summary="Submit many articles",
        responses=documented.BATCH_DONE | documented.problems(400, 401, 408, 413, 415, 422, 429, 503),
        openapi_extra=documented.BATCH_BODY,
    )
    async def submit_batch(
        request: Request,
        door: Annotated[
            Literal["batch", "file"],
            Query(
                description="`file` for articles out of an archive: a line may then say in `provenance` "
                "where (`fetched_from`) and when (`fetched_at`) it was fetched."
            ),
        ] = "batch",
    ) -> Response:
        """Accept articles as NDJSON (one a line), a JSON array or a NewsML-G2 newsMessage: its start tells.

        Each is accepted, a duplicate or rejected by itself. Sending a batch again is safe.
        """
        submitter = ingest.doors.by_key(request.headers)
        ingest.check_room()
        batch = _Batch(ingest, submitter.name, allowed=await ingest.allow(submitter.name), door=door)
        await batch.take(request)
        if not batch.results:
            raise Problem(400, "empty-body", "The batch is empty. Send one article a line, or a JSON array.")
        return Response(batch.answer(), media_type="application/json")

    return router


@dataclass(slots=True)
class _Batch:
    """One batch on its way. `results` holds each result as JSON, for there may be very many.

    For `allowed` articles the limit of the source has been asked already.
    """

    ingest: Ingest
    submitted_by: str | None
    allowed: int
    door: Door = "batch"
    results: list[bytes] = field(default_factory=list)
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    error: str | None = None
    _items: list[Item] = field(default_factory=list)
    _bytes: int = 0

    async def take(self, request: Request) -> None:
        """Read and submit the whole body. Raises a 503 Problem when Redis stops taking it midway."""
        splitter = BatchSplitter(self.ingest.settings.max_batch_line_bytes)
        async for chunk in request.stream():
            for item in splitter.feed(chunk):
                if not await self._add(item):
                    return
        for item in splitter.finish():
            if not await self._add(item):
                return
        await self._flush()

    async def _add(self, item: Item) -> bool:
        """Take `item` and return True, unless the batch is already as long as it may be."""
        most = self.ingest.settings.max_batch_articles
        if len(self.results) + len(self._items) >= most:
            await self._flush()
            self.error = f"A batch may hold {most:,} articles; those from line {item.line} on were not read."
            return False
        self._items.append(item)
        self._bytes += len(item.raw)
        if len(self._items) >= CHUNK_ARTICLES or self._bytes >= CHUNK_BYTES:
            await self._flush()
        return True

    async def _flush(self) -> None:
        """Submit the items at hand in one pipeline, and note what became of them in their order."""
        items, self._items, self._bytes = self._items, [], 0
        origin = Origin(self.door, self.submitted_by, self.ingest.now())
        outcomes: list[Submission | Problem] = []
        refusal = await self._allow(len(items))
        for number, item in enumerate(items, 1):
            outcomes.append(refusal if refusal and number > self.allowed else self._read(item, origin))
            if number % ARTICLES_PER_TURN == 0:
                await asyncio.sleep(0)
        submissions = [outcome for outcome in outcomes if isinstance(outcome, Submission)]
        submitted = iter(await self._submit(submissions))
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Problem):
                self._note_rejected(item, outcome)
            else:
                self._note(item, next(submitted))
        self.allowed = max(0, self.allowed - len(items))

    async def _allow(self, articles: int) -> Problem | None:
        """Make `allowed` as many as the source may submit of these; return why it is not all of them."""
        try:
            while self.allowed < articles:
                self.allowed += await self.ingest.allow(self.submitted_by, articles - self.allowed)
        except Problem as problem:
            if problem.status != 429:
                raise
            detail = f"{problem.detail} Send those that were rejected again, and not the whole batch."
            return Problem(429, problem.slug, detail, headers=problem.headers)
        return None

    def _read(self, item: Item, origin: Origin) -> Submission | Problem:
        if item.error is not None:
            return Problem(422, "invalid-line", f"This article is {item.error}.")
        try:
            return self.ingest.read_submission(item.raw, origin, restore=False)
        except Problem as problem:
            return problem

    async def _submit(self, submissions: list[Submission]) -> list[Submitted]:
        try:
            return await self.ingest.submit_many(submissions, self.door)
        except Problem as problem:
            taken = self.accepted + self.duplicates
            if taken:
                detail = f"{problem.detail} {taken} articles of this batch were taken before: send it again."
                raise Problem(problem.status, problem.slug, detail, headers=problem.headers) from problem
            raise

    def _note(self, item: Item, submitted: Submitted) -> None:
        if (refusal := refusal_of(submitted)) is not None:
            self._add_result(item, submitted, "rejected", refusal.detail)
        elif submitted.outcome == "accepted":
            self._add_result(item, submitted, "accepted", None)
        else:
            stale = "a later version is already here" if submitted.outcome == "stale" else None
            self._add_result(item, submitted, "duplicate", stale)

    def _note_rejected(self, item: Item, problem: Problem) -> None:
        self.ingest.count_rejected(problem.slug)
        details = [error.detail for error in problem.errors[:5]] or [problem.detail]
        again_s = problem.headers.get("retry-after") if problem.headers and problem.status == 429 else None
        self._add_result(
            item, None, "rejected", "; ".join(details), None if again_s is None else int(again_s)
        )

    def _add_result(
        self,
        item: Item,
        submitted: Submitted | None,
        status: str,
        error: str | None,
        retry_after_s: int | None = None,
    ) -> None:
        if status == "accepted":
            self.accepted += 1
        elif status == "duplicate":
            self.duplicates += 1
        else:
            self.rejected += 1
        result: dict[str, Any] = {
            "line": item.line,
            "id": submitted and submitted.article_id,
            "revision": submitted and submitted.revision,
            "status": status,
            "error": error,
        }
        if retry_after_s is not None:
            result["retry_after_s"] = retry_after_s
        self.results.append(to_json(result))

    def answer(self) -> bytes:
        head = (
            f'{{"accepted":{self.accepted},"duplicates":{self.duplicates},"rejected":{self.rejected},'
            f'"error":{to_json(self.error).decode()},"results":['
        )
        return head.encode() + b",".join(self.results) + b"]}"
