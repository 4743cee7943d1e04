"""Errors over HTTP: every failure is an RFC 9457 problem document that says what is wrong and where.

Handlers raise `Problem`; `install_problem_handlers` turns it, and what the framework itself raises, into
`application/problem+json`. `type` is a relative URL whose last part is a stable slug for programs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import WireroomError
from shared.logging import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# More than this many errors in one document helps nobody and lets a small request ask for a large answer.
MAX_ERRORS = 50
# For OpenAPI documents.
PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457 problem document.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "position": {"type": "integer"},
                },
            },
        },
    },
}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request; `pointer` is a JSON pointer (RFC 6901), or "query/name".

    `position` is where in a text value: a character offset from 0.
    """

    pointer: str
    detail: str
    position: int | None = None

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"pointer": self.pointer, "detail": self.detail}
        if self.position is not None:
            document["position"] = self.position
        return document


class Problem(WireroomError):
    """A failure to tell the client about. `slug` names its kind for programs, `detail` is for people."""

    def __init__(
        self,
        status: int,
        slug: str,
        detail: str,
        *,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.slug = slug
        self.detail = detail
        self.title = title or HTTPStatus(status).phrase
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        super().__init__(detail)

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = [error.document() for error in self.errors[:MAX_ERRORS]]
        return document


def problem_response(problem: Problem) -> Response:
    # ASCII JSON: a detail may quote the client's text, lone surrogates included.
    body = json.dumps(problem.document(), separators=(",", ":")).encode("ascii")
    return Response(body, status_code=problem.status, headers=problem.headers, media_type=MEDIA_TYPE)


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with `problem` from a middleware, where no handler of the framework sees it."""
    await problem_response(problem)(scope, receive, send)


def json_pointer(location: Iterable[str | int]) -> str:
    """Return the RFC 6901 pointer to `location`; the whole document is ""."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def problem_from_http(error: HTTPException) -> Problem:
    """Return the problem for what Starlette raises by itself: no route, or not with this method."""
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.NOT_FOUND and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return Problem(404, "not-found", "There is nothing at this path; /docs lists what there is.")
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = headers.get("allow") or headers.get("Allow") or "another method"
        detail = f"This path does not take this method; it takes {allowed}."
        return Problem(405, "method-not-allowed", detail, headers=headers)
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    return Problem(error.status_code, slug, str(error.detail), headers=headers)


def problem_from_validation(error: RequestValidationError) -> Problem:
    """Return the 422 for parameters or a body that do not fit; pointers start with where they were found."""
    errors = [
        FieldError(_pointer_of(tuple(problem["loc"])), str(problem["msg"])) for problem in error.errors()
    ]
    first = errors[0] if errors else FieldError("", "the request does not fit")
    return Problem(
        422, "invalid-request", f"{first.pointer or 'The request'}: {first.detail}.", errors=errors
    )


def _pointer_of(location: tuple[str | int, ...]) -> str:
    if location and location[0] == "body":
        return json_pointer(location[1:])
    return "/".join(map(str, location))


def install_problem_handlers(app: FastAPI) -> None:
    """Answer everything that goes wrong under `app` with a problem document."""

    async def on_problem(_: Request, error: Exception) -> Response:
        return problem_response(error if isinstance(error, Problem) else _unforeseen())

    async def on_http(_: Request, error: Exception) -> Response:
        return problem_response(
            problem_from_http(error) if isinstance(error, HTTPException) else _unforeseen()
        )

    async def on_validation(_: Request, error: Exception) -> Response:
        return problem_response(
            problem_from_validation(error) if isinstance(error, RequestValidationError) else _unforeseen()
        )

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_validation)


def _unforeseen() -> Problem:
    return Problem(500, "internal", "Something went wrong here, and has been logged. Try again later.")


class UnforeseenErrors:
    """Outermost middleware: log what nobody foresaw, answer 500 without internals, keep serving."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except ClientDisconnect:
            log.debug("client hung up", method=scope["method"])
        except Exception as error:
            log.exception("request failed", method=scope["method"], error=type(error).__name__)
            if started:
                raise  # the response is half sent: only closing the connection tells the client
            await send_problem(_unforeseen(), scope, receive, send)
