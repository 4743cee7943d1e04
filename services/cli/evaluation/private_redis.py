"""A Redis for one evaluation: empty, in memory, on a socket of its own, gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.cli.output import Failure
from services.supervisor import leash
from services.supervisor.redis_server import find_redis_server
from shared.errors import ConfigurationError

HINT: Final = (
    "This is measured on an empty Redis of its own. Install redis-server or valkey-server, or set "
    "WIREROOM_REDIS_SERVER to a binary."
)
START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 10.0
# The kernel's limit for the path of a socket is 108 bytes.
MAX_SOCKET_PATH_BYTES: Final = 100


@contextmanager
def private_redis() -> Iterator[str]:
    """Yield the path of the socket of a new, empty Redis. WIREROOM_REDIS_URL is left alone on purpose.

    Raises Failure when there is no server to run or it does not start.
    """
    try:
        server = find_redis_server()
    except ConfigurationError as error:
        raise Failure(str(error).partition("\n")[0], HINT) from error
    with tempfile.TemporaryDirectory(prefix="wireroom-eval-") as directory:
        socket = Path(directory) / "s"
        if len(os.fsencode(socket)) > MAX_SOCKET_PATH_BYTES:
            raise Failure(f"{directory} is too long a path for a socket.", "Set TMPDIR to a shorter one.")
        log = Path(directory) / "log"
        on_leash = (sys.executable, leash.__file__, str(int(signal.SIGTERM)), str(os.getpid()))
        listening = ("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700")
        in_memory = ("--dir", directory, "--save", "", "--appendonly", "no", "--logfile", str(log))
        command = (*on_leash, server, *listening, *in_memory)
        process = subprocess.Popen(command)  # noqa: S603  # find_redis_server chose it
        try:
            _wait_for(socket, process, log)
            yield str(socket)
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(socket: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace")[-300:] if log.exists() else ""
            raise Failure("the private Redis did not start.", said)
        time.sleep(0.02)
