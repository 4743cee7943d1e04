"""uvicorn's HTTP protocol with the bounds it lacks: on the time and the size of a request's head.

uvicorn starts no timer for a connection that sends nothing, or half of a head, and httptools collects
headers of any size; a few thousand such connections would hold the service for ever. And it reads on, without
end, what is left of a body that was answered early.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.http.problems import MEDIA_TYPE, FieldError, Problem

HEAD_TIMEOUT_S = 10.0
MAX_HEAD_BYTES = 64 * 1024
# Of a body whose answer (401, 503) did not wait for it: closing on the client would take the answer from it.
LEFTOVER_TIMEOUT_S = 5.0
MAX_LEFTOVER_BYTES = 32 << 20
_PARAMETER = re.compile(rb"[?&]([A-Za-z_][\w.-]{0,40})=[^&]*\Z")
# Requests sent before the first of them is answered; each one waiting takes some 80 kB.
MAX_PIPELINED = 100
# An answer of which the client takes nothing for so long is given up.
WRITE_TIMEOUT_S = 30.0


class BoundedHttpProtocol(HttpToolsProtocol):
    """Close a connection whose next head, or the rest of an answered body, is too large or takes too long."""

    head_timeout_s = HEAD_TIMEOUT_S
    max_head_bytes = MAX_HEAD_BYTES
    leftover_timeout_s = LEFTOVER_TIMEOUT_S
    max_leftover_bytes = MAX_LEFTOVER_BYTES
    write_timeout_s = WRITE_TIMEOUT_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_timer: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._leftover_timer: asyncio.TimerHandle | None = None
        self._leftover_bytes = 0
        self._request_complete = True
        self._body_came = False
        self._bodiless_bytes = 0
        self._write_timer: asyncio.TimerHandle | None = None
        self._unwritten_bytes = 0
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        self._leftover_arrived()
        self._written()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        self._written()
        super().resume_writing()

    def _await_reader(self) -> None:
        self._unwritten_bytes = self.transport.get_write_buffer_size()
        self._write_timer = self.loop.call_later(self.write_timeout_s, self._reader_late)

    def _reader_late(self) -> None:
        if self.transport.get_write_buffer_size() < self._unwritten_bytes:
            self._await_reader()  # slow, but it reads
        else:
            # close() would wait for what the client does not take.
            self.transport.abort()

    def _written(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._count_leftover(len(data))
            return
        if self._head_timer is None and self._between_requests():
            self._await_head()
        self._body_came = False
        super().data_received(data)
        if not self._request_complete and not self._body_came:
            # Trailers and chunk extensions: kept by the parser, and seen by nobody.
            self._bodiless_bytes += len(data)
            if self._bodiless_bytes > self.max_head_bytes:
                self._refuse(_HEAD_TOO_LARGE)
        # Counted per read, so the bound is exact to one read: the body of a small request that came in
        # the same read as its head does not count, since the timer is gone by then.
        if self._head_timer is not None:
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                self._refuse_rest(_HEAD_TOO_LARGE)
        elif not self._request_complete and self._answered():
            self._count_leftover(len(data))

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.max_head_bytes:
            self._refuse_rest(_address_too_long(self.url, self.max_head_bytes))
            raise httptools.HttpParserError("the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._request_complete:  # else it is a trailer, which would join the headers of its request
            super().on_header(name, value)

    def on_body(self, body: bytes) -> None:
        self._body_came = True
        self._bodiless_bytes = 0
        super().on_body(body)

    def on_headers_complete(self) -> None:
        self._head_arrived()
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(_TOO_MANY)
            raise httptools.HttpParserError("too many requests at once")
        self._bodiless_bytes = 0
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

    def _refuse_rest(self, problem: Problem) -> None:
        """Refuse a head of which more is coming, and take that for a moment before closing.

        Closing at once would reset the connection, and that takes the answer from a client that sends all
        before it reads.
        """
        if self._refused or not self._answered():  # what is still to be answered needs the way out
            self._refuse(problem)
            return
        if self.transport.is_closing():
            return
        self._answer(problem)
        self._refused = True
        self.transport.write_eof()
        self._leftover_arrived()
        self._count_leftover(0)

    def _refuse(self, problem: Problem) -> None:
        if self._refused or self.transport.is_closing():
            return
        self._answer(problem)
        self.transport.close()

    def _answer(self, problem: Problem) -> None:
        self._head_arrived()
        body = json.dumps(problem.document()).encode("ascii")
        head = (
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "x-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode("ascii") + body)


def _address_too_long(address: bytes, max_bytes: int) -> Problem:
    """Return the 400 that names the parameter in which a request's address grew too long, if it can tell.

    It is no 414: to who asked, it is a query that is too long, as it is one some bytes earlier.
    """
    parameter = _PARAMETER.search(address, max(0, address.rfind(b"&"), address.rfind(b"?")))
    detail = f"The request's address exceeds {max_bytes} bytes"
    if parameter is None:
        return Problem(400, "address-too-long", f"{detail}.")
    name = parameter[1].decode("ascii")
    error = FieldError(f"query/{name}", f"the address exceeds {max_bytes} bytes here")
    return Problem(400, "address-too-long", f"{detail}, in {name}.", errors=[error])


_NOT_HTTP = Problem(400, "not-http", "This is not a valid HTTP/1.1 request.")
_HEAD_TOO_SLOW = Problem(
    408, "head-too-slow", f"The request's headers did not arrive within {HEAD_TIMEOUT_S:g} s."
)
_TOO_MANY = Problem(
    429, "too-many-pipelined", f"More than {MAX_PIPELINED} requests wait on this connection for an answer."
)
_HEAD_TOO_LARGE = Problem(431, "head-too-large", f"The request's headers exceed {MAX_HEAD_BYTES} bytes.")
