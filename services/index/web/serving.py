"""How pages are answered: the policy they carry, and what goes wrong as a page too.

Every answer under the page's routes is a page, errors included: whoever follows a link gets no JSON.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from services.index.access import BASIC_CHALLENGE, may_read
from services.index.api import index_failed
from services.index.engine.protocol import IndexFailed, SearchEngine
from services.index.search_route import problem_from_parameters
from services.index.web.assets import render
from services.index.web.texts import capitalized, clip
from shared.http.auth import ApiKeys
from shared.http.problems import Problem
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# A page repeats its address in some hundred links.
MAX_ADDRESS_CHARS = 10_000
PAGE_HEADERS = {
    "content-security-policy": CSP,
    "cache-control": "private, no-cache",
    # With no-referrer a browser sends our own forms with "Origin: null", as it sends those of strangers.
    "referrer-policy": "same-origin",
}
_HEADINGS = {
    400: "This search cannot be read",
    401: "A key is needed to read here",
    403: "This is not open to you",
    404: "There is nothing here",
    409: "That cannot be done now",
    410: "This article is gone",
    414: "This address is too long",
    500: "Something went wrong",
    503: "This cannot be answered now",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page works with."""

    engine: SearchEngine
    metrics: Metrics
    read_keys: ApiKeys | None
    now: Callable[[], datetime]

    async def check_reader(self, request: Request) -> None:
        may_read(self.read_keys, request.headers)


class PageRoute(APIRoute):
    """A route whose failures are pages too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return problem_page(request, problem)
            except RequestValidationError as error:
                return problem_page(request, problem_from_parameters(error))
            except IndexFailed:
                return problem_page(request, index_failed())
            except Exception as error:
                # The outermost middleware would answer this too, but with JSON.
                log.exception("page failed", route=self.path, error=type(error).__name__)
                return problem_page(
                    request, Problem(500, "internal", "It has been logged. Try again in a moment.")
                )

        return handle


async def check_address(request: Request) -> None:
    if len(request.url.query) > MAX_ADDRESS_CHARS:
        raise Problem(
            414, "address-too-long", f"A search may have {MAX_ADDRESS_CHARS:,} characters in its address."
        )


async def page_response(
    template: str, *, here: str, q: str = "", status: int = 200, **values: object
) -> Response:
    """Return the page; `here` is the section it belongs to, `q` what the search field holds."""
    content = await asyncio.to_thread(render, template, here=here, q=q, **values)
    return Response(content, status, headers=PAGE_HEADERS, media_type="text/html; charset=utf-8")


def problem_page(request: Request, problem: Problem) -> Response:
    """Return the page that says what is wrong, with the search kept so that it can be mended."""
    q = request.query_params.get("q", "") if request.url.path == "/" else ""
    status = 400 if problem.status == 422 else problem.status
    content = render(
        "problem.html",
        here="",
        q=clip(q, 1_000),
        status=problem.status,
        heading=_HEADINGS.get(status, problem.title),
        # A caret under the fault, if there is one, stands on the lines after the first.
        detail=capitalized(clip(problem.detail.partition("\n")[0].removeprefix("query/"), 400)),
        excerpt=problem.detail.partition("\n")[2][:400],
    )
    headers = {**problem.headers, **PAGE_HEADERS, **(BASIC_CHALLENGE if problem.status == 401 else {})}
    return Response(content, problem.status, headers=headers, media_type="text/html; charset=utf-8")
