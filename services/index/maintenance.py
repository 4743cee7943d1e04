"""Work on the index while it serves: rebuilding it from the archive and going over to the new one."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.index.api import json_response
from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_edits_file import EntityEdits
from services.index.reindex import Rebuild, ReindexReport
from shared.errors import ConfigurationError
from shared.http.auth import presented_key, unauthorized
from shared.http.problems import Problem
from shared.logging import get_logger

log = get_logger(__name__)

ADMIN_FILE = "admin.token"


class Reindexer:
    """Rebuilds the index one at a time. `writing` is held by whoever stores batches.

    The work is a task of its own, because its threads cannot be cancelled: were the lock given back while
    one of them still exchanges the index, what is stored meanwhile would be missing from the new one. Whoever
    cancels a rebuild therefore waits until it has either stopped before the exchange or gone through with it.
    """

    def __init__(
        self,
        engine: TantivyEngine,
        archive: Archive,
        writing: asyncio.Lock,
        edits: EntityEdits | None = None,
    ) -> None:
        self._engine = engine
        self._archive = archive
        self._writing = writing
        self._edits = edits
        self._running = asyncio.Lock()
        self._stopping = threading.Event()

    async def run(self) -> dict[str, Any]:
        """Return the report. Searches go on meanwhile; storing waits only for the switch itself."""
        if self._running.locked():
            raise Problem(409, "reindex-running", "The index is being rebuilt already.")
        async with self._running:
            self._stopping.clear()
            work = asyncio.create_task(self._rebuild(), name="reindex")
            cancelled = False
            while not work.done():
                try:
                    await asyncio.wait([work])
                except asyncio.CancelledError:
                    cancelled = True
                    self._stopping.set()
            if cancelled:
                log.warning("rebuild of the index cancelled", error=repr(work.exception()))
                raise asyncio.CancelledError
            return work.result()

    async def stop(self) -> None:
        """End a rebuild, if there is one, before the engine is closed under it."""
        self._stopping.set()
        async with self._running:
            return

    async def _rebuild(self) -> dict[str, Any]:
        began = time.monotonic()
        try:
            rebuild = await asyncio.to_thread(
                Rebuild, self._engine.home, self._archive.path, self._raise_if_stopping, self._edits
            )
        except ConfigurationError as error:
            raise Problem(409, "no-archive", str(error)) from error
        try:
            await asyncio.to_thread(rebuild.catch_up)
            async with self._writing:
                report = await asyncio.to_thread(rebuild.switch)
                await asyncio.to_thread(self._engine.reopen_if_moved)
        except BaseException:
            await asyncio.to_thread(rebuild.abandon)
            raise
        document = asdict(report) | {"seconds": round(time.monotonic() - began, 3)}
        lost = report.damaged_frames or report.damaged_records or report.failed
        (log.error if lost else log.info)("index rebuilt", **document)
        return document

    def _raise_if_stopping(self, _report: ReindexReport, _remaining_bytes: int) -> None:
        if self._stopping.is_set():
            raise Problem(503, "reindex-stopped", "The rebuild was stopped; the index is as it was.")


def write_admin_token(data_dir: Path) -> str:
    """Make this run's token and leave it in the data directory: who may read that, may maintain the index."""
    token = secrets.token_urlsafe(32)
    path = data_dir / "index" / ADMIN_FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")
    return token


def require_admin(request: Request, token: str) -> None:
    """Raises a 401 Problem unless the request carries the token."""
    key = presented_key(request.headers)
    if key is None or not secrets.compare_digest(key.encode(), token.encode()):
        raise unauthorized(
            "admin-token", f"Send `Authorization: Bearer` with the token in DATA/index/{ADMIN_FILE}."
        )


def maintenance_router(reindexer: Reindexer, token: str) -> APIRouter:
    router = APIRouter(prefix="/v1/admin", tags=["maintenance"])

    @router.post("/reindex", summary="Rebuild the index from the archive, then switch to it")
    async def reindex(request: Request) -> Response:
        require_admin(request, token)
        return json_response(await reindexer.run())

    return router
