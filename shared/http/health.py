"""Liveness, readiness and metrics, the same for every service.

`/livez` says that the process answers, `/readyz` whether it can do its work and if not why not,
`/metrics` is what Prometheus reads. None of them needs a key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse, Response

from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

# Returns None when fine, else a sentence that says what is wrong.
Check = Callable[[], Awaitable[str | None]]

READYZ_TIMEOUT_S = 2.0
METRICS_MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


async def run_checks(checks: Mapping[str, Check], timeout_s: float) -> dict[str, str | None]:
    """Run all checks at once; one that raises or takes longer than `timeout_s` is not fine."""

    async def run(name: str, check: Check) -> str | None:
        try:
            async with asyncio.timeout(timeout_s):
                return await check()
        except TimeoutError:
            return f"no answer within {timeout_s:g} s"
        except Exception as error:
            log.warning("readiness check failed", check=name, error=repr(error))
            return f"the check itself failed: {type(error).__name__}"

    results = await asyncio.gather(*(run(name, check) for name, check in checks.items()))
    return dict(zip(checks, results, strict=True))


def health_router(
    checks: Mapping[str, Check], metrics: Metrics, *, timeout_s: float = READYZ_TIMEOUT_S
) -> APIRouter:
    """Return the routes /livez, /readyz and /metrics."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="Whether the process answers")
    async def livez() -> Response:
        return JSONResponse({"status": "live"})

    @router.get(
        "/readyz",
        summary="Whether the service can do its work, and if not why not",
        responses={503: {"description": "Not ready; `checks` says why."}},
    )
    async def readyz() -> Response:
        results = await run_checks(checks, timeout_s)
        ready = all(problem is None for problem in results.values())
        document = {
            "status": "ready" if ready else "not ready",
            "checks": {name: problem or "ok" for name, problem in results.items()},
            "not_ready": [name for name, problem in results.items() if problem is not None],
        }
        return JSONResponse(document, status_code=200 if ready else 503)

    @router.get("/metrics", summary="Metrics in the Prometheus text format", response_class=PlainTextResponse)
    async def exposition() -> Response:
        return Response(metrics.exposition(), media_type=METRICS_MEDIA_TYPE)

    return router
