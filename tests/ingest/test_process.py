"""A real ingest process on a real socket: what only the server itself can do wrong."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ResponseError

from shared.runtime.state import marker_value
from shared.streams import RAW, STREAMS, state_key
from tests.conftest import ROOT, free_port
from tests.ingest.conftest import ARTICLE

pytestmark = pytest.mark.process
BODY = json.dumps(ARTICLE).encode()


def mark_state(redis_url: str) -> None:
    """Say that the state of the articles is in Redis, as the index service does at its first start."""
    with Redis.from_url(redis_url) as redis:
        for spec in STREAMS:
            for group in spec.groups:
                with contextlib.suppress(ResponseError):  # it is there
                    redis.xgroup_create(spec.key(0), group, id="0", mkstream=True)
        redis.set(state_key(0), marker_value("first", 1))


class Server:
    def __init__(self, redis_url: str, **environment: str) -> None:
        self.port = free_port()
        mark_state(redis_url)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "services.ingest.app"],
            cwd=ROOT,
            env={
                **os.environ,
                "WIREROOM_REDIS_URL": redis_url,
                "WIREROOM_INGEST_PORT": str(self.port),
                "WIREROOM_BODY_IDLE_TIMEOUT_S": "0.5",
                **environment,
            },
            stderr=subprocess.PIPE,
        )

    def send(self, *parts: bytes, pause_s: float = 0.0) -> bytes:
        """Send `parts`; return what comes back until the server closes, or then is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_s)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
                    connection.settimeout(0.8)
            except TimeoutError:
                answer += b"<still open>"
            return answer

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if b" 200 " in self.send(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("ingest did not become ready")


@pytest.fixture(scope="module")
def server(redis_url: str) -> Iterator[Server]:
    started = Server(redis_url)
    try:
        started.wait_until_ready()
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def head(path: str = "/v1/articles", **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_whole_request_keeps_its_connection(server: Server) -> None:
    answer = server.send(head(content_length=str(len(BODY))) + BODY)
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert answer.endswith(b"<still open>")
    assert b"x-content-type-options: nosniff" in answer


@pytest.mark.parametrize("path", ["/v1/articles", "/v1/articles/batch"])
def test_a_body_that_stops_half_way_is_answered_and_closed(server: Server, path: str) -> None:
    answer = server.send(head(path, content_length="5000") + b'{"title"')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"/problems/body-too-slow" in answer
    assert not answer.endswith(b"<still open>")


def test_a_chunked_body_that_stops_half_way_is_answered_and_closed(server: Server) -> None:
    answer = server.send(head(transfer_encoding="chunked") + b'5\r\n{"tit\r\n')
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert not answer.endswith(b"<still open>")


def test_a_body_over_the_limit_is_refused_before_it_is_sent(server: Server) -> None:
    answer = server.send(head(content_length=str(1 << 40), expect="100-continue"))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert not answer.endswith(b"<still open>")


def test_a_body_over_the_limit_without_a_length_is_cut_off(server: Server) -> None:
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = server.send(head(transfer_encoding="chunked"), *[chunk] * 33)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"/problems/body-too-large" in answer
    assert not answer.endswith(b"<still open>")


def test_an_answer_that_does_not_wait_for_the_body_is_not_lost(server: Server) -> None:
    size = 1 << 20
    early = head("/nowhere", content_length=str(size)) + b"x" * size
    answer = server.send(early, head(content_length=str(len(BODY))) + BODY)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"HTTP/1.1 202 " in answer, "the connection carries the next request"


def test_only_so_many_requests_may_wait_on_one_connection(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 20_000)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while chunk := connection.recv(1 << 20):
                answer += chunk
    assert answer.count(b"HTTP/1.1 200 ") < 20_000
    assert server.send(head(content_length=str(len(BODY))) + BODY).startswith(b"HTTP/1.1 202 ")


def test_trailers_have_a_bound(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        connection.sendall(head(transfer_encoding="chunked") + b"2\r\n{}\r\n0\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(200):
                connection.sendall(b"x-trailer: " + b"y" * 60_000 + b"\r\n")


def test_what_is_left_of_an_answered_body_is_not_read_for_ever(server: Server) -> None:
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as connection:
        connection.sendall(head("/nowhere", transfer_encoding="chunked"))
        with pytest.raises(ConnectionError):
            for _ in range(100):
                connection.sendall(chunk)


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/articles HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/articles HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST http:// HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["nonsense", "negative length", "two lengths", "odd target", "target not ASCII"],
)
def test_what_is_not_http_is_refused_and_closed(server: Server, request_: bytes) -> None:
    answer = server.send(request_)
    assert answer[:10] == b"HTTP/1.1 4"
    assert b"application/problem+json" in answer


def test_headers_without_end_are_refused_and_closed(server: Server) -> None:
    line = b"x: " + b"y" * 8000 + b"\r\n"
    answer = server.send(b"GET / HTTP/1.1\r\n", *[line] * 9)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert not answer.endswith(b"<still open>")


def test_after_all_that_it_still_serves(server: Server) -> None:
    assert server.send(head(content_length=str(len(BODY))) + BODY).startswith(b"HTTP/1.1 202 ")


def test_sigterm_drains_and_exits_cleanly(redis_url: str) -> None:
    server = Server(redis_url)
    server.wait_until_ready()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head(content_length=str(len(BODY))) + BODY[:10])
        time.sleep(0.2)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        connection.sendall(BODY[10:])
        assert connection.recv(65536).startswith(b"HTTP/1.1 202 ")
    assert server.process.wait(10) == 0
    server.process.communicate()


def test_a_port_in_use_says_so_and_exits(redis_url: str, server: Server) -> None:
    second = Server(redis_url, WIREROOM_INGEST_PORT=str(server.port))
    _, stderr = second.process.communicate(timeout=20)
    assert second.process.returncode != 0
    assert f"port {server.port}" in stderr.decode()
    assert "Traceback" not in stderr.decode()


async def test_what_was_answered_202_is_on_the_stream(
    server: Server, redis: AsyncRedis, redis_url: str
) -> None:
    mark_state(redis_url)  # the fixture has flushed it
    server.wait_until_ready()
    answer = server.send(head(content_length=str(len(BODY))) + BODY)
    assert answer.startswith(b"HTTP/1.1 202 ")
    assert await redis.xlen(RAW.key(0)) == 1
