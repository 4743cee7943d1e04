"""What went wrong with a fetch, as the problem that the submitter is told. Pure."""

from __future__ import annotations

from math import ceil

from services.ingest.fetching.pages import NoArticle
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.http.problems import Problem

MAX_RETRY_AFTER_S = 3_600


def problem_from_fetch(error: FetchRefused | FetchFailed | NoArticle) -> Problem:
    """Return the problem: 403 what may not be fetched, 415 and 422 no article, 502 to 504 no page now."""
    detail = str(error)
    if isinstance(error, NoArticle):
        return Problem(422, error.kind, detail, title="No article there")
    if isinstance(error, FetchRefused):
        if error.reason == "robots":
            return Problem(403, "robots-disallowed", detail, title="Robots are not let in")
        return Problem(403, "fetch-refused", detail, title="Not fetched from there")
    if error.reason == "media_type":
        return Problem(415, "not-html", detail)
    if error.reason == "too_large":
        return Problem(422, "page-too-large", detail, title="Page too large")
    if error.reason == "timeout":
        return Problem(504, "fetch-timeout", f"{detail} Try again later.")
    if error.retry_after_s is not None:
        wait_s = min(max(1, ceil(min(error.retry_after_s, MAX_RETRY_AFTER_S))), MAX_RETRY_AFTER_S)
        headers = {"retry-after": str(wait_s)}
        return Problem(503, "host-busy", f"{detail} Try again in {wait_s} s.", headers=headers)
    return Problem(502, "fetch-failed", f"{detail} Try again later." if error.transient else detail)
