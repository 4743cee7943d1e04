"""`POST /v1/articles`, takedowns and receipts.

The submit route reads the body and writes the answer itself: FastAPI's own validation of both would cost
more than everything else on this path together. Its schema is in the OpenAPI document all the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Path, Query, Request
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.availability import reading
from services.ingest.doors import Submitter
from services.ingest.formats.xml import is_xml
from services.ingest.idempotency import Answer, check_key
from services.ingest.senders import check_may_restore
from services.ingest.service import Ingest, refusal_of
from services.ingest.submission import Origin, Submission, Submitted, retraction
from services.ingest.webhooks import ID_HEADER
from shared.events import ArticleId
from shared.http.direct import DirectRoute
from shared.http.problems import FieldError, Problem
from shared.receipts import Receipt, receipt_from_hash
from shared.streams import article_key

_IDEMPOTENCY_HEADER = "idempotency-key"
_FLAGS: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False, "": False}

ArticlePath = Annotated[ArticleId, Path(alias="id", description="The article's id: 32 hex digits.")]


def add_submit_route(app: FastAPI, ingest: Ingest) -> None:
    """Add `POST /v1/articles`, which is the hot path."""

    async def submit_article(request: Request) -> Response:
        """Accept one article; it is searchable a moment later.

        It is an object of the fields below, ninjs (1.0 to 3.1) or a NewsML-G2 newsItem: what it looks like
        decides, not its Content-Type.

        The id comes from the publisher's id (with source), else the URL, else the text. Unchanged content
        is answered `duplicate`, changed content becomes the next revision. With an Idempotency-Key (or
        webhook-id), the same key and body gives the first answer again.
        """
        try:
            answer = await _submit(ingest, request)
        except Problem as problem:
            ingest.count_rejected(problem.slug)
            raise
        return answered(answer)

    app.router.add_api_route(
        "/v1/articles",
        submit_article,
        methods=["POST"],
        status_code=202,
        tags=["articles"],
        summary="Submit an article",
        responses=documented.SUBMITTED
        | documented.problems(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
        openapi_extra=documented.SUBMIT_BODY,
        route_class_override=DirectRoute,
    )


def articles_router(ingest: Ingest) -> APIRouter:
    """Return the routes of takedowns and receipts."""
    router = APIRouter(tags=["articles"])

    @router.delete(
        "/v1/articles/{id}",
        status_code=202,
        summary="Take an article down",
        responses=documented.SUBMITTED | documented.problems(401, 403, 422, 503),
    )
    async def take_down(
        request: Request,
        id_: ArticlePath,
        reason: Annotated[str | None, Query(max_length=300, description="Why, for the receipt.")] = None,
    ) -> Response:
        """Take the article down, for good unless it is submitted again with `?restore=true`.

        Works for an article that was never seen, too: a takedown that comes before its article still wins.
        """
        submitter = ingest.doors.by_key(request.headers)
        origin = Origin("api", submitter.name, ingest.now())
        submission = retraction(
            id_,
            origin,
            generation=ingest.states.generation,
            reason=reason or None,
            partitions=ingest.settings.partitions,
            own_only=ingest.doors.source(submitter.name) is not None,
        )
        return answered(answer_to(await ingest.submit(submission, "api")))

    @router.get(
        "/v1/articles/{id}/receipt",
        summary="What has happened to an article",
        responses=documented.problems(401, 404, 422, 503),
    )
    async def receipt(request: Request, id_: ArticlePath) -> Receipt:
        """Return the article's timeline: accepted, enriched, indexed, dead-lettered (why), retracted."""
        ingest.doors.by_key(request.headers)
        found = receipt_from_hash(id_, await _hash(ingest, id_))
        if found is None:
            raise Problem(404, "article-unknown", "No article with this id was ever submitted here.")
        return found

    return router


async def _hash(ingest: Ingest, id_: str) -> Mapping[bytes, bytes]:
    async with reading():
        fields: Any = await ingest.redis.hgetall(article_key(id_, ingest.settings.partitions))
    return fields  # type: ignore[no-any-return] # as a client without decode_responses really gives it


async def _submit(ingest: Ingest, request: Request) -> Answer:
    submitter, body = await ingest.admit(request)
    restore = wants_restore(request)
    origin = Origin(submitter.door, submitter.name, ingest.now())
    if is_xml(body):
        # Two megabytes of it take up to a second.
        submission = await asyncio.to_thread(ingest.read_submission, body, origin, restore=restore)
    else:
        submission = ingest.read_submission(body, origin, restore=restore)
    if restore:
        await check_restore(ingest, submitter, submission)

    async def answer() -> Answer:
        return answer_to(await ingest.submit(submission, origin.door))

    key = _idempotency_key(request)
    if key is None:
        return await answer()
    return await ingest.idempotency.once(
        submitter.name, key, (b"restore " if restore else b"") + body, answer
    )


async def check_restore(ingest: Ingest, submitter: Submitter, submission: Submission) -> None:
    """Raises a 403 Problem where a source would bring back what it may not."""
    source = ingest.doors.source(submitter.name)
    if source is not None:
        check_may_restore(source, await _hash(ingest, submission.article_id))


def wants_restore(request: Request) -> bool:
    if not request.scope["query_string"]:
        return False
    restore = _FLAGS.get(request.query_params.get("restore", "").lower())
    if restore is None:
        detail = "restore must be true or false."
        raise Problem(422, "invalid-request", detail, errors=[FieldError("query/restore", detail)])
    return restore


def _idempotency_key(request: Request) -> str | None:
    for header in (_IDEMPOTENCY_HEADER, ID_HEADER):
        key = request.headers.get(header)
        if key is not None:
            return check_key(key, header)
    return None


def answer_to(submitted: Submitted) -> Answer:
    """Return the answer to a submit. Raises a 409 Problem for an article that was taken down, or a 403."""
    if (refusal := refusal_of(submitted)) is not None:
        raise refusal
    id_ = submitted.article_id
    status_url = f"/v1/articles/{id_}/receipt"
    status = "accepted" if submitted.outcome == "accepted" else "duplicate"
    detail = ',"detail":"a later version is already here"' if submitted.outcome == "stale" else ""
    body = (
        f'{{"id":"{id_}","revision":{submitted.revision},"status":"{status}",'
        f'"status_url":"{status_url}"{detail}}}'
    )
    return Answer(202, body.encode(), status_url)


def answered(answer: Answer) -> Response:
    headers = {"location": answer.location} if answer.location else None
    return Response(answer.body, answer.status, headers, media_type="application/json")
