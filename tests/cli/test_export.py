"""`wireroom export`: a whole file, or none of that name."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from services.cli.export import Progress

LINES = b"".join(json.dumps({"id": str(n), "title": "Größe"}).encode() + b"\n" for n in range(5_000))


def _answer(request):
    return (200, {"total": 5_000}) if request.path == "/v1/search" else (200, LINES)


def test_all_articles_of_the_query_are_in_the_file(api, wireroom, tmp_path: Path) -> None:
    api.answer = _answer
    path = tmp_path / "out.ndjson"
    done = wireroom(
        "export", "a b", "--source", "AP", "--source", "AFP", "-o", str(path), "--index-url", api.url
    )
    assert done.code == 0 and path.read_bytes() == LINES and done.out == ""
    assert "✓ 5,000 articles" in done.err
    assert api.requests[1].query == {"q": ["a b"], "source": ["AP", "AFP"], "format": ["ndjson"]}
    assert list(tmp_path.glob("out.*")) == [path]


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [(("-o", "x.csv"), "csv"), (("-o", "x.csv", "--format", "ndjson"), "ndjson"), ((), "ndjson")],
)
def test_the_format_is_as_said_or_as_the_name_ends(
    api, wireroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], chosen: str
) -> None:
    monkeypatch.chdir(tmp_path)
    api.answer = _answer
    assert wireroom("export", *arguments, "--index-url", api.url).code == 0
    assert api.requests[1].query["format"] == [chosen]


def test_without_a_file_stdout_gets_the_articles_and_nothing_else(api, wireroom) -> None:
    api.answer = _answer
    done = wireroom("export", "--index-url", api.url)
    assert done.out.encode() == LINES and done.err == ""


@pytest.fixture
def breaking() -> Iterator[str]:
    """A service whose export breaks off in the middle of a chunked body."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path.startswith("/v1/search"):
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                return
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"5\r\n{}\n{}\r\n")
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_export_that_breaks_off_leaves_no_file_of_that_name(
    breaking: str, wireroom, tmp_path: Path
) -> None:
    path = tmp_path / "out.ndjson"
    path.write_text("from before\n")
    done = wireroom("export", "-o", str(path), "--index-url", breaking)
    assert done.code == 1 and "broke off" in done.err
    assert path.read_text() == "from before\n"


def test_a_refusal_is_told_in_its_words(api, wireroom, tmp_path: Path) -> None:
    problem = {"type": "/problems/query-syntax", "detail": "no such field\nx:y\n^"}
    api.answer = lambda _: (400, problem)
    done = wireroom("export", "x:y", "-o", str(tmp_path / "x"), "--index-url", api.url)
    assert done.code == 1 and "no such field" in done.err and not list(tmp_path.glob("x*"))


def test_a_folder_that_is_not_there_is_told(api, wireroom, tmp_path: Path) -> None:
    api.answer = _answer
    done = wireroom("export", "-o", str(tmp_path / "no" / "x"), "--index-url", api.url)
    assert done.code == 1 and "cannot write" in done.err


def test_progress_counts_articles_where_lines_are_articles() -> None:
    ndjson, csv = (Progress(10, by_line=by_line, clock=lambda: 0.0) for by_line in (True, False))
    for progress in (ndjson, csv):
        progress.add(b"a\nb\n")
    assert ndjson._so_far() == "2 of 10 articles · 0.0 MB" and csv._so_far() == "0.0 MB"
