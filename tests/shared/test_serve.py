"""Stopping a service, as real processes: it drains, and it ends even when something in it does not."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, free_port

pytestmark = pytest.mark.process

DRAIN_S = 2.0
SERVICE = """
import asyncio, logging, sys, threading, time
from contextlib import asynccontextmanager
from fastapi import FastAPI
from shared.http.serve import run_service
from shared.logging import configure_logging

@asynccontextmanager
async def lifespan(_):
    yield
    print("lifespan ended", flush=True)

app = FastAPI(lifespan=lifespan)
nothing = threading.Event()

@app.get("/")
async def root():
    return "here"

@app.get("/hang")
async def hang():
    print("hanging", flush=True)
    await asyncio.to_thread(nothing.wait)

@app.get("/hang-with-log")
async def hang_with_log():
    def hold():
        with logging.getLogger().handlers[0].lock:
            nothing.wait()
    print("hanging", flush=True)
    await asyncio.to_thread(hold)

@app.get("/hang-outside")
async def hang_outside():
    threading.Thread(target=nothing.wait, name="outside").start()
    return "started"

@app.get("/slow")
async def slow():
    print("waiting", flush=True)
    await asyncio.sleep(60)

configure_logging("test", log_format="json", level="INFO")
run_service(app, "127.0.0.1", int(sys.argv[1]), drain_timeout_s=float(sys.argv[2]))
"""


class Service:
    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self.log = log
        with log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVICE, str(self.port), str(DRAIN_S)],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )

    def get(self, path: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    def wait_for(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def ended_by_sigterm(self) -> tuple[int, float]:
        """Return the exit code, and the seconds from SIGTERM to the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20), time.monotonic() - began


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    started = Service(tmp_path / "log")
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                started.get("/").close()
                break
            except OSError:
                time.sleep(0.05)
        yield started
    finally:
        started.process.kill()
        started.process.communicate()


def test_with_nothing_in_hand_it_ends_at_once_and_well(service: Service) -> None:
    code, seconds = service.ended_by_sigterm()
    assert code == 0
    assert seconds < DRAIN_S
    service.wait_for("lifespan ended")
    assert "not drained" not in service.log.read_text()


def test_a_thread_that_never_ends_does_not_keep_the_process(service: Service) -> None:
    with service.get("/hang"):
        service.wait_for("hanging")
        code, seconds = service.ended_by_sigterm()
    assert code == 1
    assert DRAIN_S <= seconds < DRAIN_S + 2
    log = service.log.read_text()
    assert '"event": "not drained in time, exiting"' in log
    assert '"level": "error"' in log and '"service": "test"' in log and "uvloop_0" in log


def test_nor_does_one_that_holds_the_log(service: Service) -> None:
    with service.get("/hang-with-log"):
        service.wait_for("hanging")
        code, seconds = service.ended_by_sigterm()
    assert code == 1
    assert seconds < DRAIN_S + 2


def test_nor_one_that_the_event_loop_knows_nothing_of(service: Service) -> None:
    with service.get("/hang-outside") as connection:
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    code, seconds = service.ended_by_sigterm()
    assert code == 1
    assert seconds < DRAIN_S + 2
    service.wait_for("lifespan ended")
    assert '"outside"' in service.log.read_text()


def test_a_slow_request_leaves_time_for_what_ends_after_it(service: Service) -> None:
    with service.get("/slow"):
        service.wait_for("waiting")
        code, seconds = service.ended_by_sigterm()
    assert code == 0
    assert DRAIN_S / 2 <= seconds < DRAIN_S
    service.wait_for("lifespan ended")
    log = service.log.read_text()
    assert "Cancel 1 running task" in log and "Traceback" not in log
