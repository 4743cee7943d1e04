"""A web server on loopback that answers exactly what a test tells it to, and resolvers that need no DNS."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.fetch.fetcher import Fetcher
from shared.fetch.guard import AllowedHosts, Guard, Resolver

Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def response(
    body: bytes | str = b"", *headers: str, status: str = "200 OK", type_: str = "text/html; charset=utf-8"
) -> bytes:
    """Return a whole response; `headers` are lines like "location: /b"."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"content-type: {type_}", f"content-length: {len(content)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def redirect(to: str, status: str = "302 Found") -> bytes:
    return response(b"", f"location: {to}", status=status)


@dataclass
class WebServer:
    """What it answers, by path with query; anything else is 404. Requests are kept as they came."""

    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    server_names: list[str | None] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def paths(self) -> list[str]:
        return [request.split(b" ", 2)[1].decode() for request in self.requests]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                given = re.search(rb"\r\ncontent-length: *([0-9]+)", head, re.IGNORECASE)
                length = int(given[1]) if given else 0
                self.requests.append(head + await reader.readexactly(length))
                answer = self.answers.get(head.split(b" ", 2)[1].decode(), response(status="404 Not Found"))
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(writer)
                    break
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def web_server(context: ssl.SSLContext | None = None) -> AsyncIterator[WebServer]:
    web = WebServer()
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0, ssl=context)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None


def resolver(names: dict[str, Sequence[str]]) -> Resolver:
    """Return a resolver that knows only `names`."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return names[host]

    return resolve


@asynccontextmanager
async def fetcher(
    allow: str = "", names: dict[str, Sequence[str]] | Resolver | None = None, **options: object
) -> AsyncIterator[Fetcher]:
    """A fetcher that may reach the hosts of `allow` and knows the names of `names` and no others."""
    resolve = names if callable(names) else resolver(names or {})
    # Loading the system's certificates would take longer than a test.
    options.setdefault("ssl_context", ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    made = Fetcher(Guard(AllowedHosts.parse(allow), resolver=resolve), **options)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.aclose()
