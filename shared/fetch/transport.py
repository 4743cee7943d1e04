"""HTTP over connections that the guard has agreed to, as a transport of httpx2."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from time import perf_counter
from typing import Any, Final, cast

import httpcore2
import httpx2

from shared.fetch.errors import FetchFailed
from shared.fetch.guard import Guard

# Of a host with many addresses, so many are tried; all of them are looked at.
_MOST_ATTEMPTS: Final = 4
_CONNECT_TIMEOUT_S: Final = 5.0
# The request extension that says how many bytes of a body may come over the wire.
MOST_RAW_BYTES: Final = "wireroom.most_raw_bytes"
# A body in chunks of one byte costs 1,000 times what it should: this many pieces make no honest body.
_MAX_PIECES: Final = 100_000
_YIELD_EVERY_S: Final = 0.005


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections to the addresses that the guard returns, and resolves nothing itself.

    Host header and TLS server name come from the URL and stay what they are.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 # the signature is httpcore2's
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Raises FetchRefused when the guard does, FetchFailed when no address takes the connection."""
        addresses = await self._guard.addresses(f"[{host}]" if ":" in host else host, port)
        timeout = min(timeout or _CONNECT_TIMEOUT_S, _CONNECT_TIMEOUT_S)
        for address in addresses[:_MOST_ATTEMPTS]:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address=local_address, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        raise FetchFailed("connect", f"{host} does not take connections on port {port}.", transient=True)

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.AsyncNetworkStream:
        raise NotImplementedError("nothing is fetched from sockets of this machine")


class _Body(httpx2.AsyncByteStream):
    """A body as it comes over the wire, bounded before anything is decompressed."""

    def __init__(self, stream: AsyncIterable[bytes], most_bytes: int, host: str) -> None:
        self._stream = stream
        self._most_bytes = most_bytes
        self._host = host

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = pieces = 0
        paused_at = perf_counter()
        async for piece in self._stream:
            size += len(piece)
            pieces += 1
            if size > self._most_bytes or pieces > _MAX_PIECES:
                raise FetchFailed("too_large", f"{self._host} sent too much.", transient=False)
            yield piece
            if perf_counter() - paused_at > _YIELD_EVERY_S:
                # Data that is there already never waits, and others have a turn, too.
                await asyncio.sleep(0)
                paused_at = perf_counter()

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class GuardedTransport(httpx2.AsyncBaseTransport):
    """httpx2's transport with a pool of guarded connections. Errors are those of httpcore2, and ours."""

    def __init__(self, guard: Guard, *, ssl_context: ssl.SSLContext, max_connections: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=max_connections,
            max_keepalive_connections=max_connections // 4,
            keepalive_expiry=10.0,
            network_backend=GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=cast("AsyncIterable[bytes]", request.stream),
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(
                cast("AsyncIterable[bytes]", response.stream), request.extensions[MOST_RAW_BYTES], url.host
            ),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
