"""Forms that change something: only from a page of ours, and only in the shape that browsers send.

A browser that holds the reader's key, or runs on the machine itself, sends it along whoever's page the form
stands on. So the form must come from the address it is sent to, and a browser must say that it does.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import Request

from shared.http.own_site import require_own_site
from shared.http.problems import Problem

MAX_FORM_BYTES = 64 << 10
MAX_FIELDS = 500
_MEDIA_TYPE = "application/x-www-form-urlencoded"


async def read_form(request: Request, *, loopback_only: bool = False) -> dict[str, list[str]]:
    """Return the fields of the form. Raises a 400, 403, 413 or 415 Problem for what no form of ours sends.

    With `loopback_only` it has to be sent to this machine by one of its own names, too.
    """
    require_own_site(request.headers, loopback_only=loopback_only)
    if "origin" not in request.headers and "sec-fetch-site" not in request.headers:
        raise Problem(
            403,
            "another-site",
            "No browser says that this form stood on a page of ours. Programs use the API.",
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _MEDIA_TYPE:
        raise Problem(415, "unsupported-media-type", f"A form comes as {_MEDIA_TYPE}.")
    body = await request.body()
    if len(body) > MAX_FORM_BYTES:
        raise Problem(413, "form-too-large", f"A form may have {MAX_FORM_BYTES:,} bytes.")
    try:
        return parse_qs(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Problem(400, "invalid-form", "These are not the fields of a form.") from error
