"""Who may read: one rule for the API and the web page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.datastructures import Headers

from shared.http.auth import ApiKeys, unauthorized
from shared.http.problems import Problem

# What makes a browser or a feed reader ask a person for the key.
BASIC_CHALLENGE = {"www-authenticate": 'Basic realm="wireroom: any name, your key as the password"'}


def may_read(read_keys: ApiKeys | None, headers: Headers) -> None:
    """Raise a 401 Problem unless reading is open or the request carries a key that we take.

    Beside the ways of `ApiKeys.authenticate`, the key may come as the password of HTTP Basic, whatever the
    user name: that is what a browser can ask a person for.
    """
    if read_keys is None:
        return
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        read_keys.name_of(_password(credentials))
    else:
        read_keys.authenticate(headers)


def may_read_with_password(read_keys: ApiKeys | None, headers: Headers) -> None:
    """Like `may_read`, for what feed readers ask for: its 401 invites to HTTP Basic, which all of them know.

    There is no parameter for the key: URLs end up in logs, histories and other people's subscriptions.
    """
    try:
        may_read(read_keys, headers)
    except Problem as problem:
        raise Problem(
            problem.status, problem.slug, problem.detail, headers={**problem.headers, **BASIC_CHALLENGE}
        ) from problem


def readers_only(
    read_keys: ApiKeys | None, *, with_password: bool = False
) -> Callable[[Request], Awaitable[None]]:
    """Return `may_read` as a dependency of routes, or `may_read_with_password`."""
    check = may_read_with_password if with_password else may_read

    async def check_reader(request: Request) -> None:
        check(read_keys, request.headers)

    return check_reader


def _password(credentials: str) -> str:
    try:
        pair = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise unauthorized(
            "bad-authorization", "Basic credentials must be base64 of a name, a colon and the key."
        ) from error
    return pair.partition(":")[2]
