"""Requests that change something, kept from pages of other sites.

Where reading needs no key, whatever a browser on this machine can reach may read; it must not write for that.
Another site's page can send forms here (a browser says so in Origin and Sec-Fetch-Site), and one that has its
own name lead to 127.0.0.1 (DNS rebinding) counts as this site for the browser: then Host is not loopback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.fetch.networks import is_loopback_host, parse_address
from shared.http.problems import Problem, send_problem

# What a browser says of requests that a page of ours or a person at the address bar has made.
_OWN: Final = frozenset({"same-origin", "none"})
_CHANGE_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def require_own_site(headers: Headers, *, loopback_only: bool) -> None:
    """Raises a 403 Problem for a request that a page of another site makes a browser send.

    With `loopback_only` the Host has to be loopback, too.
    """
    host = headers.get("host", "")
    if loopback_only and not is_loopback_host(_hostname(host)):
        raise _foreign(
            "This service is for its own machine only: call it as localhost or 127.0.0.1, or set "
            "WIREROOM_READ_KEYS."
        )
    fetched_by = headers.get("sec-fetch-site")
    if fetched_by is not None and fetched_by not in _OWN:
        raise _foreign("A page of another site cannot change anything here.")
    origin = headers.get("origin")
    if origin is not None and _netloc(origin) != host.lower():
        raise _foreign("A page of another site cannot change anything here.")


def own_site(*, loopback_only: bool) -> Callable[[Request], Awaitable[None]]:
    """Return `require_own_site` as a dependency of routes that change something."""

    async def check(request: Request) -> None:
        require_own_site(request.headers, loopback_only=loopback_only)

    return check


async def require_json(request: Request) -> None:
    """Raises a 415 Problem for a body that does not say it is JSON, which is all that a form can send."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise Problem(415, "unsupported-media-type", "Send the body as `Content-Type: application/json`.")


class OwnSiteOnly:
    """Middleware of a service that needs no key: refuses changes that a page of another site makes.

    Nor is anything changed under a name that others could lead here: an address is nobody's to lead, a name
    without dots is of our network, and `public_url`, which `setting` sets, names the rest. Under such names
    only is what lies under the paths `private` read, too. `is_open` tells whether no key is needed now.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        public_url: str | None,
        setting: str,
        is_open: Callable[[], bool],
        private: tuple[str, ...] = (),
    ) -> None:
        self._app = app
        self._public_name = _hostname(_netloc(public_url or ""))
        self._setting = setting
        self._is_open = is_open
        self._private = private

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_open():
            try:
                self._check(scope["method"], scope["path"], Headers(scope=scope))
            except Problem as foreign:
                await send_problem(foreign, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _check(self, method: str, path: str, headers: Headers) -> None:
        changes = method not in _CHANGE_NOTHING
        if not changes and not path.startswith(self._private):
            return
        if not self._is_known(_hostname(headers.get("host", ""))):
            raise _foreign(
                f"Without keys nothing of this is {'changed' if changes else 'shown'} under this name, for "
                f"another site could have it lead here. Use an address, or set {self._setting} to where this "
                "service is."
            )
        if changes:
            require_own_site(headers, loopback_only=False)

    def _is_known(self, name: str) -> bool:
        if not name:
            return False
        return name == self._public_name or "." not in name or parse_address(name) is not None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _netloc(origin: str) -> str:
    # "null" is the origin of sandboxed pages and of local files: it has no host, so it is never ours.
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _foreign(detail: str) -> Problem:
    return Problem(403, "another-site", detail)
