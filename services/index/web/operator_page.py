"""The routes under `/operator`: pipeline health, and dead letters to read, replay and discard.

What there is to know comes from Redis by `shared.runtime`, and from the engine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from redis.asyncio import Redis
from redis.exceptions import RedisError
from starlette.responses import RedirectResponse, Response

from services.index.web.forms import read_form
from services.index.web.operator import LETTERS_ON_PAGE, Backlog, operator_view, outcome_phrase
from services.index.web.operator_access import OperatorAccess
from services.index.web.serving import Desk, PageRoute, check_address, page_response
from shared.errors import DEAD_LETTER_REASONS, PermanentError
from shared.http.health import READYZ_TIMEOUT_S, Check, run_checks
from shared.http.problems import Problem
from shared.instants import instant_of
from shared.logging import get_logger
from shared.runtime.deadletters import DeadLetters
from shared.runtime.lag import read_lags

log = get_logger(__name__)

REDIS_TIMEOUT_S = 3.0
_LETTER_ID = re.compile(r"[0-9]{1,5}-[0-9]{1,19}-[0-9]{1,19}")
_COUNT = re.compile(r"[0-9]{1,4}")
_OUTCOMES = ("replayed", "discarded", "gone", "refused")


@dataclass(frozen=True, slots=True)
class OperatorDesk:
    """What the operator's page works with; `checks` are those of /readyz."""

    redis: Redis
    partitions: int
    checks: Mapping[str, Check]
    access: OperatorAccess


def operator_router(desk: Desk, operator: OperatorDesk) -> APIRouter:
    router = APIRouter(
        route_class=PageRoute,
        include_in_schema=False,
        dependencies=[Depends(check_address), Depends(operator.access.check)],
    )
    letters = DeadLetters(operator.redis, operator.partitions)

    @router.api_route("/operator", methods=["GET", "HEAD"])
    async def health(request: Request) -> Response:
        asked = request.query_params
        reason, before = asked.get("reason", ""), asked.get("before", "")
        if reason and reason not in DEAD_LETTER_REASONS:
            raise Problem(400, "invalid-request", f"Reason: one of {', '.join(DEAD_LETTER_REASONS)}.")
        if before and not _LETTER_ID.fullmatch(before):
            raise Problem(400, "invalid-request", "Before: the id of a dead letter.")
        stats = await asyncio.to_thread(desk.engine.stats)
        latest = await asyncio.to_thread(desk.engine.latest_arrival)
        checks = await run_checks(operator.checks, READYZ_TIMEOUT_S)
        backlog = await read_backlog(operator, letters, reason, before)
        done = [(name, int(asked[name])) for name in _OUTCOMES if _COUNT.fullmatch(asked.get(name, ""))]
        view = await asyncio.to_thread(
            operator_view,
            stats,
            instant_of(latest.indexed_us) if latest else None,
            checks,
            backlog,
            reason=reason,
            outcome=outcome_phrase((name, min(count, LETTERS_ON_PAGE)) for name, count in done),
            now=desk.now(),
        )
        return await page_response("operator.html", here="operator", view=view)

    @router.post("/operator/dead-letters/{action}")
    async def act(action: str, request: Request) -> Response:
        fields = await read_form(request)
        if action not in ("replay", "discard"):
            raise Problem(404, "not-found", "Dead letters can be replayed or discarded.")
        ids = dict.fromkeys(fields.get("id", ()))
        if not 1 <= len(ids) <= LETTERS_ON_PAGE or not all(map(_LETTER_ID.fullmatch, ids)):
            raise Problem(400, "invalid-request", "Which dead letters? Their ids were not sent.")
        counts = dict.fromkeys(_OUTCOMES, 0)
        for id_ in ids:
            outcome = await _act(letters, action, id_)
            counts[outcome] += 1
            log.info("dead letter acted upon", action=action, dead_letter_id=id_, outcome=outcome)
        told = {name: count for name, count in counts.items() if count}
        return RedirectResponse(f"/operator?{urlencode(told)}#letters", 303)

    return router


async def _act(letters: DeadLetters, action: str, id_: str) -> str:
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            if action == "discard":
                return "discarded" if await letters.discard(id_) else "gone"
            return "replayed" if await letters.replay(id_) else "gone"
    except PermanentError:
        return "refused"
    except (RedisError, OSError, TimeoutError) as error:
        raise Problem(
            503, "redis-away", "Redis does not answer. Look again at what was done before trying once more."
        ) from error


async def read_backlog(
    operator: OperatorDesk, letters: DeadLetters, reason: str, before: str
) -> Backlog | None:
    """Return what is in the streams; None when Redis does not answer."""
    try:
        async with asyncio.timeout(REDIS_TIMEOUT_S):
            memory: Mapping[str, Any] = await operator.redis.info("memory")
            return Backlog(
                lags=await read_lags(operator.redis, operator.partitions),
                letters=await letters.list(
                    reason=reason or None, limit=LETTERS_ON_PAGE, before=before or None
                ),
                letter_count=await letters.count(),
                memory_bytes=int(memory.get("used_memory", 0)),
            )
    except (RedisError, OSError, TimeoutError) as error:
        log.warning("operator page without Redis", error=repr(error))
        return None
