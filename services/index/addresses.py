"""At which address readers reach this service: absolute links in feeds and messages begin with it."""

from __future__ import annotations

import re

from fastapi import Request

_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


def base_url_of(request: Request, public_url: str | None) -> str:
    """Return the address without a slash at its end: the one that is set, else the one that was asked.

    A Host header that is none counts for nothing; then it is where the connection arrived.
    """
    if public_url is not None:
        return public_url.rstrip("/")
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        name, port = request.scope.get("server") or ("127.0.0.1", None)
        shown = f"[{name}]" if ":" in name else name
        host = shown if port is None else f"{shown}:{port}"
    return f"{request.scope['scheme']}://{host}"
