"""A lean HTTP/1.1 client over keep-alive connections: it shares two cores with what it measures.

Requests are bytes made beforehand; of an answer, the status, the length and the body are read.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

from bench.failures import ConnectionLost


class Answer(NamedTuple):
    status: int
    body: bytes
    retry_after_s: float


def request_bytes(method: str, path: str, body: bytes = b"", content_type: str = "application/json") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nhost: bench\r\n"
    if method in {"POST", "PUT"}:
        head += f"content-type: {content_type}\r\ncontent-length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def split_answer(buffer: bytes | bytearray) -> tuple[Answer, int] | None:
    """Return the answer at the start of `buffer` and its length in bytes, or None until it is whole.

    Raises ValueError for an answer without Content-Length: none of the measured routes streams.
    """
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    length, retry_after_s = None, 0.0
    status_line, *headers = bytes(buffer[:end]).split(b"\r\n")
    for header in headers:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
        elif name.lower() == b"retry-after":
            retry_after_s = float(value)
    if length is None:
        raise ValueError(f"an answer without Content-Length: {status_line!r}")
    whole = end + 4 + length
    if len(buffer) < whole:
        return None
    return Answer(int(status_line.split(b" ", 2)[1]), bytes(buffer[end + 4 : whole]), retry_after_s), whole


class Connection(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None
        self._lost = False

    @classmethod
    async def open(cls, host: str, port: int) -> Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(cls, host, port)
        return connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._waiting is None or self._waiting.done():
            return
        try:
            found = split_answer(self._buffer)
        except ValueError as error:
            self._waiting.set_exception(error)
            return
        if found is not None:
            answer, length = found
            del self._buffer[:length]
            self._waiting.set_result(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(ConnectionLost(str(exc or "closed")))

    async def send(self, request: bytes) -> Answer:
        """Raises ConnectionLost."""
        if self._lost or self._transport is None:
            raise ConnectionLost("closed")
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._waiting

    @property
    def lost(self) -> bool:
        return self._lost

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def connections(address: Address, count: int) -> AsyncIterator[list[Connection]]:
    opened = [await Connection.open(*address) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


class Pool:
    """Connections shared by more requests than there are of them; a request waits for a free one."""

    def __init__(self, address: Address, size: int) -> None:
        self._address = address
        self._free: asyncio.LifoQueue[Connection | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._free.put_nowait(None)

    async def send(self, request: bytes) -> Answer:
        connection = await self._free.get()
        try:
            if connection is None or connection.lost:  # servers close a connection that was idle for seconds
                connection = await Connection.open(*self._address)
            return await connection.send(request)
        finally:
            self._free.put_nowait(connection)

    def close(self) -> None:
        while not self._free.empty():
            connection = self._free.get_nowait()
            if connection is not None:
                connection.close()


async def send_all(opened: list[Connection], requests: Iterator[bytes]) -> list[Answer]:
    """Send all requests, each connection taking the next one as soon as it has an answer."""
    answers: list[Answer] = []

    async def keep_sending(connection: Connection) -> None:
        for request in requests:
            answers.append(await connection.send(request))  # noqa: PERF401  # shared, and one at a time

    async with asyncio.TaskGroup() as group:
        for connection in opened:
            group.create_task(keep_sending(connection))
    return answers
