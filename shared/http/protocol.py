"""uvicorn's HTTP protocol with the bounds it lacks: on the time and the size of a request's head.

uvicorn starts no timer for a connection that sends nothing, or half of a head, and httptools collects
headers of any size; a few thousand such connections would hold the service for ever. And it reads on, without
end, what is left of a body that was answered early.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.http.problems import MEDIA_TYPE, Problem

HEAD_TIMEOUT_S = 10.0
MAX_HEAD_BYTES = 64 * 1024
# Of a body whose answer (401, 503) did not wait for it: closing on the client would take the answer from it.
LEFTOVER_TIMEOUT_S = 5.0
MAX_LEFTOVER_BYTES = 32 << 20


class BoundedHttpProtocol(HttpToolsProtocol):
    """Close a connection whose next head, or the rest of an answered body, is too large or takes too long."""

    head_timeout_s = HEAD_TIMEOUT_S
    max_head_bytes = MAX_HEAD_BYTES
    leftover_timeout_s = LEFTOVER_TIMEOUT_S
    max_leftover_bytes = MAX_LEFTOVER_BYTES

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._leftover_timer: asyncio.TimerHandle | None = None
        self._leftover_bytes = 0
        self._request_complete = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        self._leftover_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._head_timer is None and self._between_requests():
            self._await_head()
        super().data_received(data)
        # Counted per read, so the bound is exact to one read: the body of a small request that came in
        # the same read as its head does not count, since the timer is gone by then.
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                self._refuse(_HEAD_TOO_LARGE)
        elif not self._request_complete and self._answered():
            self._count_leftover(len(data))

    def on_headers_complete(self) -> None:
        self._head_arrived()
        self._request_complete = False
        try:
            super().on_headers_complete()
        except (httptools.HttpParserError, UnicodeDecodeError):
            self._refuse(_NOT_HTTP)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._request_complete = True
        self._leftover_arrived()
        if self._answered():
            # uvicorn's own timer for an idle connection has ended with the first byte that was left over.
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        self._refuse(_NOT_HTTP)

    def _between_requests(self) -> bool:
        return self._request_complete and self._answered()

    def _answered(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or cycle.response_complete

    def _count_leftover(self, size: int) -> None:
        self._leftover_bytes += size
        if self._leftover_bytes > self.max_leftover_bytes:
            self.transport.close()
        elif self._leftover_timer is None:
            self._leftover_timer = self.loop.call_later(self.leftover_timeout_s, self.transport.close)

    def _leftover_arrived(self) -> None:
        self._leftover_bytes = 0
        if self._leftover_timer is not None:
            self._leftover_timer.cancel()
            self._leftover_timer = None

    def _await_head(self) -> None:
        self._head_arrived()
        self._head_bytes = 0
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._head_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        self._head_timer = None
        if self._head_bytes:
            self._refuse(_HEAD_TOO_SLOW)
        elif not self.transport.is_closing():
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        self._head_arrived()
        if self.transport.is_closing():
            return
        body = json.dumps(problem.document()).encode("ascii")
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode("ascii") + body)
        self.transport.close()


_NOT_HTTP = Problem(400, "not-http", "This is not a valid HTTP/1.1 request.")
_HEAD_TOO_SLOW = Problem(
    408, "head-too-slow", f"The request's headers did not arrive within {HEAD_TIMEOUT_S:g} s."
)
_HEAD_TOO_LARGE = Problem(431, "head-too-large", f"The request's headers exceed {MAX_HEAD_BYTES} bytes.")
