"""Routes for hot paths: the endpoint takes the request and returns the response, with nothing in between.

FastAPI resolves dependencies and keeps two exit stacks for each request, which cost more than all of our
own work on a submit. A DirectRoute has the same OpenAPI description, method check and error handlers.
Add it to the application itself (`app.router.add_api_route(…, route_class_override=DirectRoute)`): a
route of an included router is matched twice.
"""

from __future__ import annotations

from typing import cast

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class DirectRoute(APIRoute):
    """Calls `async endpoint(request) -> Response` itself."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.methods and scope["method"] not in self.methods:
            await super().handle(scope, receive, send)
            return
        response = cast(Response, await self.endpoint(Request(scope, receive, send)))
        await response(scope, receive, send)
