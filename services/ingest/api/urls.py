"""`POST /v1/urls`: submit the article at an address. The page is fetched within the request."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic_core import to_json
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.api.articles import answer_to, answered, check_restore, wants_restore
from services.ingest.availability import unavailable
from services.ingest.fetching.pages import ArticlePage, NoArticle
from services.ingest.fetching.problems import problem_from_fetch
from services.ingest.schema import ALIASES, parse_json
from services.ingest.service import Ingest
from services.ingest.submission import Origin, Submission
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.http.problems import FieldError, Problem
from shared.logging import get_logger
from shared.urls import shown_url

log = get_logger(__name__)

_TEXTS: Final = frozenset({"body", "html"})
_TEXT_NAMES: Final = _TEXTS | {alias for alias, name in ALIASES.items() if name in _TEXTS}


def urls_router(ingest: Ingest) -> APIRouter:
    """Return the route of submits by address."""
    router = APIRouter(tags=["articles"])
    under_way = 0

    @router.post(
        "/v1/urls",
        status_code=202,
        summary="Submit the article at an address",
        responses=documented.SUBMITTED
        | documented.problems(400, 401, 403, 408, 409, 413, 415, 422, 502, 503, 504),
        openapi_extra=documented.URL_BODY,
    )
    async def submit_url(request: Request) -> Response:
        """Fetch the page at `url`, find out which article it shows, and accept that.

        robots.txt is honoured. AMP pages, tracking parameters and redirects lead to one article. A page that
        is no article (a soft 404, the beginning of an article behind a paywall) is refused and not kept.
        """
        nonlocal under_way
        try:
            if under_way >= ingest.settings.fetch_max_pages_at_once:
                raise unavailable("overloaded", "Too many pages are being fetched; this one was not.")
            under_way += 1
            try:
                return await _submit(ingest, request)
            finally:
                under_way -= 1
        except Problem as problem:
            ingest.count_rejected(problem.slug)
            raise

    return router


async def _submit(ingest: Ingest, request: Request) -> Response:
    submitter, body = await ingest.admit(request)
    restore = wants_restore(request)
    document = _document(body)
    origin = Origin("url", submitter.name, ingest.now())
    # What is wrong with it is told before anything is fetched.
    _read(ingest, document | {"html": "<p>Not fetched yet.</p>"}, origin, restore=restore)
    page = await _fetch(ingest, document["url"].strip())
    if len(page.html) > ingest.settings.max_body_bytes:
        detail = f"The page has more than {ingest.settings.max_body_bytes:,} characters without its scripts."
        raise Problem(422, "page-too-large", detail, title="Page too large")
    origin = Origin("url", submitter.name, ingest.now(), fetched_from=page.fetched_from)
    submission = _read(ingest, document | {"url": page.url, "html": page.html}, origin, restore=restore)
    if restore:
        await check_restore(ingest, submitter, submission)
    return answered(answer_to(await ingest.submit(submission, origin.door)))


def _read(ingest: Ingest, document: dict[str, Any], origin: Origin, *, restore: bool) -> Submission:
    return ingest.read_submission(to_json(document), origin, restore=restore)


async def _fetch(ingest: Ingest, url: str) -> ArticlePage:
    try:
        page = await ingest.pages.fetch_article(url, seconds=ingest.settings.fetch_timeout_s)
    except (FetchRefused, FetchFailed, NoArticle) as error:
        problem = problem_from_fetch(error)
        log.info("page not taken", url=shown_url(url), why=problem.slug, detail=str(error))
        raise problem from error
    return page


def _document(body: bytes) -> dict[str, Any]:
    """Return what was sent. Raises a Problem unless it names an address, and brings no text of its own."""
    document = parse_json(body)
    if not isinstance(document, dict) or not _is_filled(document.get("url")):
        raise _invalid("/url", 'url must hold an address in a string: {"url": "https://…"}')
    for name in document:
        if name in _TEXT_NAMES:
            raise _invalid(
                f"/{name}", f"{name} is fetched from url; send an article with text to /v1/articles"
            )
    if document.get("status", "usable") not in ("usable", None):
        raise _invalid(
            "/status", "status cannot be given here: take articles down with DELETE, or /v1/articles"
        )
    return document


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _invalid(pointer: str, advice: str) -> Problem:
    detail = f"{advice[:1].upper()}{advice[1:]}."
    return Problem(
        422, "invalid-article", detail, title="Invalid article", errors=[FieldError(pointer, advice)]
    )
