"""Dead letters: what no attempt could process, to look at, replay or discard."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator
from pydantic_core import from_json
from starlette.responses import Response

from services.ingest.api import documented
from services.ingest.availability import reading
from services.ingest.service import Ingest
from shared.errors import DEAD_LETTER_REASONS, PermanentError
from shared.events import DeadLetter
from shared.http.problems import FieldError, Problem
from shared.streams import EVENT_FIELD

_LETTER_ID = r"^[0-9]{1,5}-[0-9]{1,20}-[0-9]{1,20}$"


def _check_letter_id(id_: str) -> str:
    _, millis, sequence = map(int, id_.split("-"))
    if max(millis, sequence) >= 1 << 64:
        raise ValueError("each number of a dead letter's id fits 64 bits")
    if millis == sequence == 0:
        raise ValueError("no entry has the id 0-0")
    return id_


LetterPath = Annotated[
    str,
    Path(alias="id", pattern=_LETTER_ID, description="Partition and entry id, e.g. 0-1700000000000-0."),
    AfterValidator(_check_letter_id),
]
LetterBefore = Annotated[
    str | None,
    Query(pattern=_LETTER_ID, description="Only older than this id."),
    AfterValidator(lambda id_: id_ and _check_letter_id(id_)),
]


def dead_letters_router(ingest: Ingest) -> APIRouter:
    async def authorized(request: Request) -> None:
        ingest.doors.by_operator_key(request.headers)

    router = APIRouter(
        tags=["dead letters"],
        dependencies=[Depends(authorized)],
        responses=documented.problems(401, 404, 422, 503),
    )

    @router.get("/v1/dead-letters", summary="Dead letters, newest first")
    async def list_dead_letters(
        reason: Annotated[str | None, Query(description=f"One of {', '.join(DEAD_LETTER_REASONS)}.")] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        before: LetterBefore = None,
    ) -> dict[str, Any]:
        """Return up to `limit` dead letters; `next_before` asks for those after them."""
        if reason is not None and reason not in DEAD_LETTER_REASONS:
            detail = f"reason must be one of {', '.join(DEAD_LETTER_REASONS)}."
            raise Problem(422, "invalid-request", detail, errors=[FieldError("query/reason", detail)])
        async with reading():
            letters = await ingest.dead_letters.list(reason=reason, limit=limit, before=before)
        return {
            "dead_letters": [_summary(id_, letter) for id_, letter in letters],
            "next_before": letters[-1][0] if len(letters) == limit else None,
        }

    @router.get("/v1/dead-letters/{id}", summary="One dead letter, with the event it holds")
    async def get_dead_letter(id_: LetterPath) -> dict[str, Any]:
        async with reading():
            letter = await ingest.dead_letters.get(id_)
        if letter is None:
            raise _unknown()
        return {**_summary(id_, letter), "event": _event_of(letter), "fields": _readable_fields(letter)}

    @router.post("/v1/dead-letters/{id}/replay", status_code=202, summary="Put it back on its stream")
    async def replay_dead_letter(id_: LetterPath) -> dict[str, str]:
        """Process the entry again from its stage on, as if it had just arrived there."""
        async with reading():
            try:
                replayed = await ingest.dead_letters.replay(id_)
            except PermanentError as error:
                raise Problem(409, "not-replayable", f"It cannot be replayed: {error}.") from error
        if not replayed:
            raise _unknown()
        return {"id": id_, "status": "replayed"}

    @router.delete("/v1/dead-letters/{id}", status_code=204, summary="Discard it for good")
    async def discard_dead_letter(id_: LetterPath) -> Response:
        async with reading():
            discarded = await ingest.dead_letters.discard(id_)
        if not discarded:
            raise _unknown()
        return Response(status_code=204)

    return router


def _summary(id_: str, letter: DeadLetter) -> dict[str, Any]:
    return {"id": id_, **letter.model_dump(mode="json", exclude={"fields", "type", "schema_version"})}


def _event_of(letter: DeadLetter) -> Any:
    """Return the JSON document in the entry, or None if it holds none: then it is why it died."""
    try:
        return from_json(letter.fields.get(EVENT_FIELD.decode(), b""), allow_inf_nan=False)
    except ValueError:
        return None


def _readable_fields(letter: DeadLetter) -> dict[str, str]:
    return {name: value.decode("utf-8", "backslashreplace") for name, value in letter.fields.items()}


def _unknown() -> Problem:
    return Problem(404, "dead-letter-unknown", "There is no such dead letter; it may have been replayed.")
