"""What the routes of the ingest service work with, and the steps that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from redis.asyncio import Redis
from starlette.requests import Request

from services.ingest.availability import Backlog, check_room, state_missing
from services.ingest.doors import Doors, Submitter
from services.ingest.fetched import Fetched, split_fetched
from services.ingest.fetching.pages import PageFetcher
from services.ingest.formats.reading import parse_document, read_article
from services.ingest.idempotency import Idempotency
from services.ingest.rates import Rates
from services.ingest.recent import RecentSubmits
from services.ingest.senders import as_sent_by
from services.ingest.settings import IngestSettings
from services.ingest.state_watch import StateWatch
from services.ingest.submission import (
    RETRACT,
    Origin,
    Submission,
    Submitted,
    submission_from_article,
    submitted_from_reply,
)
from services.ingest.writer import CoalescingWriter
from shared.http.problems import Problem
from shared.metrics import Metrics
from shared.runtime.deadletters import DeadLetters


@dataclass(frozen=True, slots=True)
class Ingest:
    """The parts of one running ingest service. `now` is the clock."""

    settings: IngestSettings
    metrics: Metrics
    redis: Redis
    doors: Doors
    rates: Rates
    backlog: Backlog
    states: StateWatch
    recent: RecentSubmits
    writer: CoalescingWriter
    idempotency: Idempotency
    dead_letters: DeadLetters
    pages: PageFetcher
    now: Callable[[], datetime]

    async def admit(self, request: Request) -> tuple[Submitter, bytes]:
        """Return who submits, and the body.

        Raises a Problem: 401 for the secret, 503 when there is no room, 429 when the source has reached its
        limit. All are looked at before the body is read, unless only the body can tell who sent it.
        """
        if not self.doors.needs_body(request.headers):
            submitter = self.doors.by_key(request.headers)
            self.check_room()
            await self.allow(submitter.name)
            return submitter, await request.body()
        self.check_room()
        body = await request.body()
        if self.doors.slow_to_verify(body):
            submitter = await asyncio.to_thread(self.doors.by_signature, request.headers, body, self.now())
        else:
            submitter = self.doors.by_signature(request.headers, body, self.now())
        await self.allow(submitter.name)
        return submitter, body

    async def allow(self, name: str | None, articles: int = 1) -> int:
        """Return how many of the articles this submitter may submit now, at least one.

        Raises a 429 Problem when it has reached its limit.
        """
        source = self.doors.source(name)
        return articles if source is None else await self.rates.take(source, articles)

    def check_room(self) -> None:
        """Raises a 503 Problem when nothing can be taken now: no room, no Redis, or one without its state."""
        check_room(self.backlog)
        if not self.states.generation:
            raise state_missing()

    def read_submission(self, body: bytes, origin: Origin, *, restore: bool) -> Submission:
        """Return the step for the article in `body`. Raises a 4xx Problem that says what is wrong with it."""
        document, fetched = parse_document(body), Fetched()
        if origin.door == "file":
            document, fetched = split_fetched(document)
        read = read_article(document, origin.received_at)
        source = self.doors.source(origin.submitted_by)
        if source is not None:
            read = as_sent_by(source, read)
        return submission_from_article(
            read,
            replace(origin, fetched_from=fetched.url, fetched_at=fetched.at) if any(fetched) else origin,
            generation=self.states.generation,
            restore=restore,
            partitions=self.settings.partitions,
            ttl_s=self.settings.article_state_ttl_s,
            own_only=source is not None,
        )

    async def submit(self, submission: Submission, door: str) -> Submitted:
        """Write one submission. Raises a 503 Problem when Redis did not take it."""
        return (await self.submit_many([submission], door))[0]

    async def submit_many(self, submissions: Sequence[Submission], door: str) -> list[Submitted]:
        """Write all in one pipeline. Raises a 503 Problem when Redis did not take one of them."""
        replies = await self.writer.write_many([(step.script, step.call) for step in submissions])
        results = []
        for submission, reply in zip(submissions, replies, strict=True):
            submitted = submitted_from_reply(submission.article_id, reply)
            self._note(submission, submitted, door)
            results.append(submitted)
        if any(submitted.outcome == "unrestored" for submitted in results):
            raise state_missing()
        return results

    def _note(self, submission: Submission, submitted: Submitted, door: str) -> None:
        """Count the outcome, and remember what was accepted."""
        if submitted.outcome == "accepted":
            self.recent.add(submission.event(submitted))
        if submitted.outcome == "unrestored":
            return
        if submitted.outcome == "tombstoned":
            self.count_rejected("taken-down")
        elif submitted.outcome == "foreign":
            self.count_rejected("not-your-article")
        elif submitted.outcome != "accepted":
            self.metrics.inc("wireroom_articles_duplicate_total", door=door)
        elif submission.script is RETRACT:
            self.metrics.inc("wireroom_articles_retracted_total")
        else:
            self.metrics.inc("wireroom_articles_accepted_total", door=door)

    def count_rejected(self, reason: str) -> None:
        self.metrics.inc("wireroom_articles_rejected_total", reason=reason)


def refusal_of(submitted: Submitted) -> Problem | None:
    """Return why the submit was refused, None when it was not."""
    if submitted.outcome == "tombstoned":
        return taken_down()
    if submitted.outcome == "foreign":
        detail = "A source may take down articles that it alone has submitted. This one needs an operator."
        return Problem(403, "not-your-article", detail, title="Not your article")
    return None


def taken_down() -> Problem:
    detail = "This article was taken down. Submit it with ?restore=true to bring it back."
    return Problem(409, "taken-down", detail, title="Taken down")
