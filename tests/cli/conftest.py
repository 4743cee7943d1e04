"""A small HTTP server whose answers a test chooses, and a way to run commands as a terminal would."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from services.cli import output
from services.cli.app import run

Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


@dataclass(slots=True)
class Request:
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.body.splitlines()]


@dataclass(slots=True)
class FakeApi:
    """Answers with `answer(request)`: a status, a JSON document or bytes, and headers if wanted."""

    url: str = ""
    answer: Callable[[Request], Answer] = lambda _: (404, {"detail": "nothing here"})
    requests: list[Request] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]


@pytest.fixture
def api() -> Iterator[FakeApi]:
    fake = FakeApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            split = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            request = Request(
                self.command,
                split.path,
                parse_qs(split.query),
                {k.lower(): v for k, v in self.headers.items()},
                body,
            )
            fake.requests.append(request)
            status, content, *more = fake.answer(request)
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    server.server_close()


@dataclass(frozen=True, slots=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def wireroom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Done]:
    """Run a command in a directory of its own, away from any Wireroom that runs on this machine."""
    for name in ("WIREROOM_API_KEY", "WIREROOM_DATA_DIR", "WIREROOM_INGEST_URL", "WIREROOM_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WIREROOM_DATA_DIR", str(tmp_path / "no data here"))
    monkeypatch.setenv("COLUMNS", "100")

    def command(*arguments: str) -> Done:
        # Consoles hold on to the streams they were made with; pytest changes those for each test.
        output.stdout.cache_clear()
        output.stderr.cache_clear()
        code = run(arguments)
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return command
