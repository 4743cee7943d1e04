"""Work on the index while it serves: rebuilding it from the archive and going over to the new one."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from services.index.api import json_response
from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_edits_file import EntityEdits
from services.index.reindex import Rebuild, ReindexReport
from services.index.replacement import Replacement
from services.index.staging import StagingRefused
from shared.errors import ConfigurationError
from shared.http.auth import presented_key, unauthorized
from shared.http.problems import Problem
from shared.logging import get_logger

log = get_logger(__name__)

ADMIN_FILE = "admin.token"


class StagedRun(BaseModel):
    """Names what is to be switched to, so that it is what somebody has seen the report of."""

    run: str = Field(pattern=r"^[0-9a-f]{32}$", description="`id` of DATA/re-enrich/run.json.")


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

    async def run(self, re_enriched: str | None = None) -> dict[str, Any]:
        """Return the report. Searches go on meanwhile; storing waits only for the switch itself.

        `re_enriched` is the run of `wireroom re-enrich` whose articles join the archive with the switch.
        """
        if self._running.locked():
            raise Problem(409, "reindex-running", "The index is being rebuilt already.")
        async with self._running:
            self._stopping.clear()
            work = asyncio.create_task(self._rebuild(re_enriched), name="reindex")
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

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Keep rebuilds from running, after the one that does."""
        async with self._running:
            yield

    async def stop(self) -> None:
        """End a rebuild, if there is one, before the engine is closed under it."""
        self._stopping.set()
        async with self._running:
            return

    async def _rebuild(self, re_enriched: str | None) -> dict[str, Any]:
        if re_enriched is None:
            return await self._build(None)
        data_dir = self._archive.path.parent
        try:
            replacement = await asyncio.to_thread(Replacement, data_dir, re_enriched)
        except StagingRefused as error:
            raise Problem(409, "nothing-to-switch-to", f"{error}.") from error
        try:
            return await self._build(replacement)
        except StagingRefused as error:
            raise Problem(409, "nothing-to-switch-to", f"{error}.") from error
        finally:
            replacement.close()

    async def _build(self, replacement: Replacement | None) -> dict[str, Any]:
        began = time.monotonic()
        try:
            rebuild = await asyncio.to_thread(
                Rebuild, self._engine.home, self._archive.path, self._raise_if_stopping, self._edits
            )
        except ConfigurationError as error:
            raise Problem(409, "no-archive", str(error)) from error
        try:
            if replacement is not None:
                await asyncio.to_thread(rebuild.include, replacement.read())
            await asyncio.to_thread(rebuild.catch_up)
            if replacement is not None:
                await asyncio.to_thread(replacement.prepare, rebuild)
            make_current = None if replacement is None else replacement.switch_of(self._archive)
            async with self._writing:
                report = await asyncio.to_thread(rebuild.switch, make_current)
                await asyncio.to_thread(self._engine.reopen_if_moved)
        except BaseException:
            await asyncio.to_thread(rebuild.abandon)
            raise
        document = asdict(report) | {"seconds": round(time.monotonic() - began, 3)}
        document |= {} if replacement is None else replacement.report()
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

    @router.post("/re-enrich", summary="Switch to the articles that `wireroom re-enrich` has made")
    async def re_enrich(request: Request, staged: StagedRun) -> Response:
        require_admin(request, token)
        return json_response(await reindexer.run(re_enriched=staged.run))

    return router
