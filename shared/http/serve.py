"""Run an ASGI application: one process, uvloop and httptools, drained on SIGTERM and SIGINT."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Coroutine, Generator
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from shared.errors import ConfigurationError
from shared.http.headers import CountRequests, SecurityHeaders
from shared.http.limits import LimitRequests, Limits
from shared.http.problems import UnforeseenErrors, install_problem_handlers
from shared.http.protocol import BoundedHttpProtocol
from shared.logging import get_logger
from shared.metrics import Metrics

log = get_logger(__name__)

KEEP_ALIVE_S = 15
BACKLOG_CONNECTIONS = 2048
# Of the drain timeout, for requests in hand; the rest is for what the application ends after them.
HTTP_SHARE = 0.5
# After the drain timeout, until a process that has not ended by itself is ended.
EXIT_MARGIN_S = 1.0
_TELL_S = 0.3


def install_http(app: FastAPI, *, metrics: Metrics, limits: Limits) -> None:
    """Give `app` what every service's HTTP side has: problems, limits, security headers, counts."""
    install_problem_handlers(app)
    # The last one added is the outermost.
    app.add_middleware(LimitRequests, limits=limits)
    app.add_middleware(UnforeseenErrors)
    app.add_middleware(CountRequests, metrics=metrics)
    app.add_middleware(SecurityHeaders)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, which raise the signal again after the drain and so end
    the process before its other tasks have finished."""

    def __init__(self, config: uvicorn.Config, listening: asyncio.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _is_news(record: logging.LogRecord) -> bool:
    """Tell whether a line of uvicorn's is more than that it cancelled a request that outlasted the drain.

    It logs an error with a traceback for each; how many there were, it says beside them.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket. Raises ConfigurationError when the address is in use or not ours."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise ConfigurationError(f"cannot listen on {host}: {error.strerror or error}") from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}; stop what uses it, or choose another"
        ) from error
    return sock


async def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    drain_timeout_s: float,
    stop: asyncio.Event,
    started: asyncio.Event | None = None,
    on_drain: Callable[[], None] = lambda: None,
) -> None:
    """Serve `app` until `stop` is set, then finish the requests in hand and end the application's lifespan.

    Requests get half of `drain_timeout_s`, and a second at least, before they are cancelled.
    The address is bound before the application starts, so a port in use fails at once.
    `started` is set when connections are taken. `on_drain` is called when `stop` is set, to end answers that
    would go on for ever.
    """
    sock = bind(host, port)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    config = uvicorn.Config(
        app,
        loop="none",
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, int(drain_timeout_s * HTTP_SHARE)),
        backlog=BACKLOG_CONNECTIONS,
    )
    listening = started or asyncio.Event()
    server = _Server(config, listening)
    watching = asyncio.create_task(
        _watch(server, listening, stop, on_drain, f"{host}:{sock.getsockname()[1]}")
    )
    try:
        await server.serve(sockets=[sock])
    finally:
        watching.cancel()
        sock.close()


async def _watch(
    server: _Server,
    listening: asyncio.Event,
    stop: asyncio.Event,
    on_drain: Callable[[], None],
    address: str,
) -> None:
    """Tell when `server` listens, and make it drain once `stop` is set."""
    await listening.wait()
    _calm_collector()
    log.info("listening", address=address)
    await stop.wait()
    log.info("draining", address=address)
    server.should_exit = True
    on_drain()


def _calm_collector() -> None:
    """Leave what start-up made out of garbage collection, and collect less often.

    A request makes some hundred objects; at the default of 700 the collector walked the whole
    application every few requests, which took about a tenth of the CPU time of a submit.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def stop_on_signals(on_stop: Callable[[], None]) -> asyncio.Event:
    """Return an event that the first SIGTERM or SIGINT sets, after calling `on_stop`.

    A second signal ends the process as usual.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        on_stop()
        stop.set()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    return stop


def run_service(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    drain_timeout_s: float,
    on_drain: Callable[[], None] = lambda: None,
) -> None:
    """Serve `app` on an event loop of its own until SIGTERM or SIGINT; returns when drained.

    `on_drain` is that of `serve`.

    A process that is still there a moment after `drain_timeout_s` exits with status 1. What it had in hand
    stays pending in the streams, for another to take over.
    """
    context = contextvars.copy_context()
    # A daemon, so it ends with the process and needs no cancelling; the wait of an ending interpreter
    # for its worker threads is what it must outlast.
    watchdog = threading.Timer(drain_timeout_s + EXIT_MARGIN_S, context.run, (_give_up, drain_timeout_s))
    watchdog.name = "drain-watchdog"
    watchdog.daemon = True

    async def main() -> None:
        stop = stop_on_signals(watchdog.start)
        await serve(app, host, port, drain_timeout_s=drain_timeout_s, stop=stop, on_drain=on_drain)

    run(main())


def _give_up(drain_timeout_s: float) -> None:
    """End the process at once: a thread that hangs cannot be cancelled, and the process would wait for it."""
    threads = sorted(thread.name for thread in threading.enumerate() if not thread.daemon)
    # In a thread as well, because the hanging one may hold the lock of the log.
    telling = threading.Thread(
        target=contextvars.copy_context().run,
        args=(lambda: log.error("not drained in time, exiting", seconds=drain_timeout_s, threads=threads),),
        daemon=True,
    )
    telling.start()
    telling.join(_TELL_S)
    os._exit(1)


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop."""
    uvloop.run(main)
