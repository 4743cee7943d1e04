"""Wait until Redis and the services can do their work, and say what is wrong when they cannot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import httpx2
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError

from services.supervisor.child import Child
from shared.errors import ConfigurationError, WireroomError

POLL_S = 0.05
REDIS_TIMEOUT_S = 10.0
# Loading a large append-only file takes its time; Redis says so, and then we wait longer.
REDIS_LOADING_TIMEOUT_S = 600.0
MAX_EARLY_EXITS = 3
# What a service exits with when no number of attempts will help.
MISCONFIGURED = 2


class StartFailed(WireroomError):
    """Something did not come up. `recent` holds the last lines it logged."""

    def __init__(self, process: str, message: str, recent: tuple[str, ...] = ()) -> None:
        self.process = process
        self.recent = recent
        super().__init__(message)


async def wait_for_redis(url: str, password: str | None, child: Child | None = None) -> None:
    """Return once Redis answers. Raises ConfigurationError (a Redis of the user's) or StartFailed (ours)."""
    clock = asyncio.get_running_loop().time
    started, timeout_s = clock(), REDIS_TIMEOUT_S
    try:
        client: Redis = Redis.from_url(url, socket_timeout=2.0, socket_connect_timeout=2.0, password=password)
    except ValueError as error:
        raise ConfigurationError(f"WIREROOM_REDIS_URL: {error}") from error
    try:
        while True:
            problem = await _redis_problem(client)
            if problem is None:
                return
            if isinstance(problem, BusyLoadingError):
                timeout_s = REDIS_LOADING_TIMEOUT_S
            if child is not None and child.exits >= MAX_EARLY_EXITS:
                raise StartFailed("redis", "Redis keeps exiting", tuple(child.recent)) from problem
            if clock() - started > timeout_s:
                raise _no_redis(problem, child) from problem
            await asyncio.sleep(POLL_S)
    finally:
        await client.aclose()


async def _redis_problem(client: Redis) -> Exception | None:
    try:
        await client.ping()
    except AuthenticationError as error:
        raise ConfigurationError(
            f"Redis refuses the password: {error}.\n"
            "Set WIREROOM_REDIS_PASSWORD to the right one, or put it into WIREROOM_REDIS_URL."
        ) from error
    except (RedisError, OSError) as error:
        return error
    return None


def _no_redis(problem: Exception, child: Child | None) -> WireroomError:
    if child is not None:
        return StartFailed("redis", f"Redis does not answer: {problem}", tuple(child.recent))
    return ConfigurationError(
        f"no Redis answers at WIREROOM_REDIS_URL: {problem}.\n"
        "Start it, correct the URL, or unset it: then Wireroom runs a private Redis."
    )


async def wait_until_ready(urls: Mapping[str, str], children: Mapping[str, Child], timeout_s: float) -> None:
    """Poll /readyz of each service until all are ready. Raises StartFailed, naming one that is not."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + timeout_s
    waiting = dict(urls)
    async with httpx2.AsyncClient(timeout=3.0, trust_env=False) as client:
        while True:
            found = await asyncio.gather(*(_readiness_problem(client, url) for url in waiting.values()))
            problems = {name: problem for name, problem in zip(waiting, found, strict=True) if problem}
            waiting = {name: waiting[name] for name in problems}
            if not waiting:
                return
            for name, problem in problems.items():
                recent = tuple(children[name].recent)
                if children[name].exit_code == MISCONFIGURED:
                    raise StartFailed(name, f"{name} cannot start as it is configured", recent)
                if children[name].exits >= MAX_EARLY_EXITS:
                    raise StartFailed(name, f"{name} keeps exiting", recent)
                if clock() > deadline:
                    raise StartFailed(name, f"{name} is not ready: {problem}", recent)
            await asyncio.sleep(POLL_S)


async def _readiness_problem(client: httpx2.AsyncClient, url: str) -> str | None:
    try:
        response = await client.get(f"{url}/readyz")
    except httpx2.HTTPError as error:
        return f"{url}/readyz does not answer ({type(error).__name__})"
    if response.status_code == httpx2.codes.OK:
        return None
    return readiness_words(response.text)


def readiness_words(body: str) -> str:
    """Return what a /readyz document says is not ready, in one line."""
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(f"{name}: {state}" for name, state in checks.items() if state != "ok")
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(body.split())[:200] or "an empty answer"
