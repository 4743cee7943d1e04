"""Serves an application as the product does, on loopback, for tests of what a real connection shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from shared.http.serve import serve
from tests.conftest import free_port


@asynccontextmanager
async def served(app: FastAPI, *, drain_timeout_s: float = 4) -> AsyncIterator[int]:
    """Give the port. At the end the service is stopped as by SIGTERM, and must end by itself."""
    port, stop, started = free_port(), asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(app, "127.0.0.1", port, drain_timeout_s=drain_timeout_s, stop=stop, started=started)
    )
    await asyncio.wait_for(started.wait(), 10)
    try:
        yield port
    finally:
        stop.set()
        await asyncio.wait_for(serving, drain_timeout_s + 5)


async def ask(port: int, target: str, **headers: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a GET and return the connection, of which nothing is read yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=64 * 1024)
    lines = [f"GET {target} HTTP/1.1", f"host: 127.0.0.1:{port}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()
    return reader, writer
