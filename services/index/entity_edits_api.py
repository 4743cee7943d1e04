"""`/v1/entity-edits`: what operators say of entities, made once, for new articles at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.index.entity_edits import EntityEdit, EntityEditInput
from services.index.entity_edits_file import EditRefused, EntityEdits
from services.index.maintenance import require_admin
from shared.http.problems import Problem


def entity_edits_router(edits: EntityEdits, token: str, now: Callable[[], datetime]) -> APIRouter:
    async def authorized(request: Request) -> None:
        require_admin(request, token)

    router = APIRouter(prefix="/v1/entity-edits", tags=["maintenance"], dependencies=[Depends(authorized)])

    @router.get("", summary="The entity edits in force")
    async def list_edits() -> dict[str, Any]:
        made = [edit.model_dump(mode="json", exclude_none=True) for edit in edits.table.edits]
        return {"entity_edits": made}

    @router.post("", status_code=201, summary="Merge, rename, relabel or block entities")
    async def add_edit(edit: EntityEditInput) -> EntityEdit:
        """Articles indexed from now on follow it; those before once the index is rebuilt."""
        try:
            return await asyncio.to_thread(edits.add, edit, now())
        except EditRefused as error:
            raise Problem(409, "edit-refused", f"{error}.") from error

    @router.delete("/{id}", status_code=204, summary="Undo an entity edit")
    async def remove_edit(id_: Annotated[int, Path(alias="id", ge=1, lt=1 << 53)]) -> Response:
        if not await asyncio.to_thread(edits.remove, id_):
            raise Problem(404, "entity-edit-unknown", "There is no such entity edit.")
        return Response(status_code=204)

    return router
