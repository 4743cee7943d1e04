"""What an importing client says of where an article was fetched: the `provenance` of a line of a batch. Pure.

Only lines that come through the door `file` are asked: elsewhere we know ourselves where an article is from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from services.ingest import fields
from shared.http.problems import FieldError, Problem

FIELD = "provenance"


class Fetched(NamedTuple):
    """`url` is the address that answered with the article, `at` when it did."""

    url: str | None = None
    at: datetime | None = None


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    fetched_from: fields.Url = None
    fetched_at: fields.Instant = None


def split_fetched(document: Any) -> tuple[Any, Fetched]:
    """Return the document without its `provenance`, and what that says.

    An article exported from here has more in it (door, versions): that is of another time and is left out.
    Raises a 422 Problem that names what cannot be read.
    """
    if not isinstance(document, dict) or not isinstance(document.get(FIELD), dict):
        return document, Fetched()
    rest = {name: value for name, value in document.items() if name != FIELD}
    try:
        given = _Input.model_validate(document[FIELD])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        problem = FieldError(f"/{FIELD}/{name}", f"{FIELD}.{name} {first['msg']}")
        raise Problem(
            422, "invalid-article", f"{problem.detail}.", title="Invalid article", errors=[problem]
        ) from None
    return rest, Fetched(given.fetched_from, given.fetched_at)
