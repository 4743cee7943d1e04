"""Limits on what a client may send: size, encoding and time, as pure ASGI middleware.

uvicorn bounds neither the size of a body nor the time it takes to come. Here a body is counted as it
arrives, with and without Content-Length, and waiting for it ends with 408. `shared.http.protocol` does
the same for the request head.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, send_problem

LINGER_BYTES = 32 << 20
LINGER_S = 5.0
LINGER_IDLE_S = 0.5
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Limits:
    """`max_body_bytes` holds for every path but those in `by_path`.

    `idle_timeout_s` bounds each wait for more of a body, `body_timeout_s` all waits for one body together. A
    body that comes in drops must keep up `min_bytes_per_s` beyond its first `idle_timeout_s`. The time a
    handler takes between two reads is its own.
    """

    max_body_bytes: int = 1 << 20
    by_path: Mapping[str, int] = field(default_factory=dict)
    idle_timeout_s: float = 10.0
    body_timeout_s: float = 60.0
    min_bytes_per_s: float = 512.0


class LimitRequests:
    """Answer 413, 415 or 408 in the application's place when a request is too large, encoded or slow."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        max_bytes = self.limits.by_path.get(scope["path"], self.limits.max_body_bytes)
        refusal, whole_body_is_small = self._judge_headers(scope, max_bytes)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)
            return
        if whole_body_is_small and scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        guard = _BodyGuard(self.limits, max_bytes, receive, send)
        try:
            await self.app(scope, guard.receive, guard.send)
        except Problem as problem:
            if problem is not guard.violation:
                raise
        if guard.violation is not None and not guard.response_started:
            await _refuse(guard.violation, scope, receive, send)

    def _judge_headers(self, scope: Scope, max_bytes: int) -> tuple[Problem | None, bool]:
        """Return why the headers alone refuse the request, and whether it has no body at all."""
        no_body = True
        for name, value in scope["headers"]:
            if name == b"content-length":
                # The HTTP parser has refused anything but digits; 20 of them exceed any limit.
                if len(value) > 19 or int(value) > max_bytes:
                    return _too_large(max_bytes), False
                no_body = no_body and value == b"0"
            elif name == b"transfer-encoding":
                no_body = False
            elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
                return _encoded(value), False
        return None, no_body


class _BodyGuard:
    """Count and time one request's body, and hold back the application's answer once it broke a limit."""

    def __init__(self, limits: Limits, max_bytes: int, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._max_bytes = max_bytes
        self._receive = receive
        self._send = send
        self._read_bytes = 0
        self._waited_s = 0.0
        self._complete = False
        self.violation: Problem | None = None
        self.response_started = False

    async def receive(self) -> Message:
        if self._complete:
            # Waiting for the client to hang up may take as long as it likes.
            return await self._receive()
        if self.violation is not None:
            raise self.violation
        message = await self._receive_in_time()
        if message["type"] == "http.request":
            self._read_bytes += len(message.get("body", b""))
            self._complete = not message.get("more_body", False)
            if self._read_bytes > self._max_bytes:
                self._complete = False
                raise self._violated(_too_large(self._max_bytes))
        return message

    async def _receive_in_time(self) -> Message:
        loop = asyncio.get_running_loop()
        started = loop.time()
        limits = self._limits
        allowed_s = min(
            limits.idle_timeout_s,
            limits.body_timeout_s - self._waited_s,
            limits.idle_timeout_s + self._read_bytes / limits.min_bytes_per_s - self._waited_s,
        )
        try:
            async with asyncio.timeout(allowed_s):
                return await self._receive()
        except TimeoutError:
            raise self._violated(_too_slow(limits)) from None
        finally:
            self._waited_s += loop.time() - started

    def _violated(self, problem: Problem) -> Problem:
        self.violation = problem
        return problem

    async def send(self, message: Message) -> None:
        if self.violation is not None and not self.response_started:
            return
        self.response_started = True
        await self._send(message)


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with `problem`, and take what is still coming for a moment before the connection closes.

    Most clients send their whole body before they read anything. Closing on them resets the connection,
    which throws away the answer that says why.
    """

    async def send_lingering(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({**message, "more_body": True})
        await _discard(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    lingering = problem.status != HTTPStatus.REQUEST_TIMEOUT
    await send_problem(problem, scope, receive, send_lingering if lingering else send)


async def _discard(receive: Receive) -> None:
    """Read on until the body ends, the client hangs up or pauses, or it has been long enough."""
    left_bytes = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_S):
            while left_bytes > 0:
                async with asyncio.timeout(LINGER_IDLE_S):
                    message = await receive()
                left_bytes -= len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


# Each of these leaves part of a body unread, so the connection cannot carry another request.
_CLOSE = {"connection": "close"}


def _too_large(max_bytes: int) -> Problem:
    detail = f"The body is larger than the {max_bytes} bytes that this path takes. Send less at once."
    return Problem(413, "body-too-large", detail, title="Body too large", headers=_CLOSE)


def _encoded(value: bytes) -> Problem:
    coding = value[:40].decode("ascii", "replace")
    detail = f"Content-Encoding {coding!r} is not taken here. Send the body as it is, without compression."
    headers = {**_CLOSE, "accept-encoding": "identity"}
    return Problem(415, "content-encoding", detail, title="Content encoding not supported", headers=headers)


def _too_slow(limits: Limits) -> Problem:
    detail = (
        f"The body did not arrive: no more than {limits.idle_timeout_s:g} s may pass between two parts "
        f"of it, and {limits.body_timeout_s:g} s in all, at no less than {limits.min_bytes_per_s:g} bytes a "
        "second. Send it again."
    )
    return Problem(408, "body-too-slow", detail, title="Body too slow", headers=_CLOSE)
