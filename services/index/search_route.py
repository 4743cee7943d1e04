"""How routes of the index answer parameters that cannot be read: 400, with the parameter named."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import Response

from services.index.search_documented import PROBLEMS
from shared.http.problems import Problem, problem_from_validation


class SearchRoute(APIRoute):
    """A route on which a parameter of the wrong form is a 400, as a fault in the query's text is."""

    def __init__(self, *args: Any, responses: dict[int | str, dict[str, Any]] | None = None, **kwargs: Any):
        super().__init__(*args, responses=PROBLEMS | (responses or {}), **kwargs)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await handler(request)
            except RequestValidationError as error:
                raise problem_from_parameters(error) from error

        return handle


def problem_from_parameters(error: RequestValidationError) -> Problem:
    """Return the 400 for parameters of a search that do not fit, or the 404 for a path that leads nowhere.

    An id that no article or story can have is as unknown as one that none has. A body stays a 422.
    """
    problem = problem_from_validation(error)
    places = {place.get("loc", ("",))[0] for place in error.errors()}
    if "body" in places:
        return problem
    if places == {"path"}:
        return Problem(404, "not-found", problem.detail, errors=problem.errors)
    return Problem(400, problem.slug, problem.detail, errors=problem.errors)
