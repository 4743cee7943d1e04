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

from shared.fetch.networks import is_loopback_host
from shared.http.problems import Problem

# What a browser says of requests that a page of ours or a person at the address bar has made.
_OWN: Final = frozenset({"same-origin", "none"})


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
