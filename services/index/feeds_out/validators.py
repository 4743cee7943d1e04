"""Whether a client already has what it asks for (RFC 9110, section 13). Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from starlette.datastructures import Headers

# A date has whole seconds: one that is younger could be that of two different answers.
_SETTLED = timedelta(seconds=2)


def validators(etag: str, modified_at: datetime | None, now: datetime) -> dict[str, str]:
    """Return the headers that a client compares by. There is no Last-Modified while it would be ambiguous."""
    headers = {"etag": etag}
    if modified_at is not None and now - modified_at >= _SETTLED:
        headers["last-modified"] = format_datetime(modified_at.astimezone(UTC), usegmt=True)
    return headers


def not_modified(asked: Headers, offered: dict[str, str]) -> bool:
    """Whether a request's conditions say that the client has what `validators` describe.

    Only the very date that was given out counts: a result of search may also go back, when its newest
    article is taken down.
    """
    tags = asked.getlist("if-none-match")
    if tags:
        given = [tag.strip().removeprefix("W/") for tag in ",".join(tags).split(",")]
        return "*" in given or offered["etag"] in given
    since = asked.get("if-modified-since")
    known = offered.get("last-modified")
    return since is not None and known is not None and _date(since) == _date(known)


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text[:100])
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError):
        return None
