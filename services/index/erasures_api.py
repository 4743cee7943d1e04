"""`/v1/admin/erasures`: erase articles that were taken down, and report where they were."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from redis.exceptions import RedisError

from services.index.erasing import Eraser, NotTakenDown
from services.index.erasures import MAX_ARTICLES, Erasure, Erasures
from services.index.maintenance import require_admin
from shared.events import ArticleId
from shared.http.problems import Problem


class ErasureRequest(BaseModel):
    """Which articles to erase."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: Annotated[list[ArticleId], Field(min_length=1, max_length=MAX_ARTICLES)]


def erasures_router(eraser: Eraser, erasures: Erasures, token: str) -> APIRouter:
    async def authorized(request: Request) -> None:
        require_admin(request, token)

    router = APIRouter(prefix="/v1/admin/erasures", tags=["maintenance"], dependencies=[Depends(authorized)])

    @router.post("", status_code=202, summary="Erase articles that were taken down")
    async def ask(request: ErasureRequest) -> dict[str, Any]:
        """Begin to erase the articles from streams, archive and index; `GET` tells how far it is."""
        try:
            return document_of(await eraser.ask(request.ids))
        except NotTakenDown as error:
            detail = f"{error}. Take articles down before they are erased."
            raise Problem(409, "not-taken-down", detail) from error
        except (RedisError, OSError) as error:
            detail = f"The request could not be written down: {error}"
            raise Problem(503, "unavailable", detail, headers={"retry-after": "2"}) from error

    @router.get("", summary="What was erased lately, and what is to be")
    async def list_erasures() -> dict[str, Any]:
        return {"erasures": [document_of(erasure) for erasure in erasures.all]}

    @router.get("/{number}", summary="Where articles were, and whether they are gone")
    async def one(number: Annotated[int, Path(ge=1, lt=1 << 53)]) -> dict[str, Any]:
        found = erasures.get(number)
        if found is None:
            raise Problem(404, "erasure-unknown", "There is no such erasure, or it was done long ago.")
        return document_of(found)

    return router


def document_of(erasure: Erasure) -> dict[str, Any]:
    return {
        "number": erasure.number,
        "ids": list(erasure.epochs),
        "state": "done" if erasure.done else "pending",
        "asked_at": erasure.asked_at.isoformat(),
        "done_at": erasure.done_at.isoformat() if erasure.done_at else None,
        "attempts": erasure.attempts,
        "problem": erasure.problem,
        "places": [place.model_dump(mode="json") for place in erasure.places],
    }
