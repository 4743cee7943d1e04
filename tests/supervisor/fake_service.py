"""A stand-in for a service: answers /readyz, notes when it starts and stops, misbehaves on request.

python fake_service.py NAME JOURNAL [BEHAVIOUR]
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

name, journal = sys.argv[1], Path(sys.argv[2])
behaviour = sys.argv[3] if len(sys.argv) > 3 else ""


def log(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def note(what: str) -> None:
    with journal.open("a") as file:
        file.write(f"{name} {what} {os.getpid()}\n")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ready = behaviour != "never ready"
        body = json.dumps({"checks": {"index": "ok" if ready else "still loading"}}).encode()
        self.send_response(200 if ready else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


stop = threading.Event()
ignore = behaviour == "ignores SIGTERM"
signal.signal(signal.SIGTERM, (lambda *_: None) if ignore else (lambda *_: stop.set()))
note("started")
if behaviour == "exits":
    log(json.dumps({"event": "cannot open the index", "level": "error"}))
    sys.exit(0)
if behaviour == "misconfigured":
    log("index cannot start: WIREROOM_INDEX_PORT: too large")
    sys.exit(2)
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ[f"WIREROOM_{name.upper()}_PORT"])), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
log(json.dumps({"event": "listening", "level": "info", "port": server.server_port}))
while not stop.wait(0.05):
    if behaviour == "odd":
        log("Traceback (most recent call last):")
        time.sleep(1)
note("stopped")
