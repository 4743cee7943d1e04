"""Forms that change something: only from a page of ours, and only in the shape that browsers send.

A browser that holds the reader's key, or runs on the machine itself, sends it along whoever's page the form
stands on. So the form must come from the address it is sent to.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import Request

from shared.http.problems import Problem
from shared.settings import is_loopback

MAX_FORM_BYTES = 64 << 10
MAX_FIELDS = 500
_MEDIA_TYPE = "application/x-www-form-urlencoded"


def check_same_origin(request: Request) -> None:
    """Raise a 403 Problem unless the browser says that the form stood on a page of this very address."""
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    says = [site == "same-origin"] if site is not None else []
    if origin is not None:
        says.append(_authority(origin) == headers.get("host", "").lower())
    if not says or not all(says):
        raise Problem(
            403, "foreign-form", "This form was not sent from a page of this Wireroom, so nothing was done."
        )


def _authority(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def check_own_name(request: Request) -> None:
    """Raise a 403 Problem for a request by another name than this machine's, where only it may ask.

    A name that a stranger's page had its address changed to ours (DNS rebinding) arrives as Host.
    """
    try:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        host = ""
    if not is_loopback(host):
        raise Problem(
            403,
            "foreign-host",
            "Ask for this page by the name of this machine: http://127.0.0.1 or localhost.",
        )


async def read_form(request: Request) -> dict[str, list[str]]:
    """Return the fields of the form. Raises a 400, 413 or 415 Problem for what no form of ours sends."""
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
