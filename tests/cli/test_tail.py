"""`wireroom tail` against a live wire that breaks, restarts and repeats itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import typer

from services.cli.instants import instant_of
from services.cli.wire_lines import article_line
from tests.conftest import ROOT


def card(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": name * 32,
        "revision": 1,
        "title": f"Title {name}",
        "source": "AP",
        "indexed_at": "2026-11-25T08:01:02.5Z",
        "sentiment": {"label": "negative", "score": -0.4},
        "entities": [{"canonical": "Xi Jinping", "label": "PERSON"}],
        **changes,
    }


def event(number: int, document: Any, name: str = "article") -> bytes:
    return f"event: {name}\nid: {number}-{'0' * 16}\ndata: {json.dumps(document)}\n\n".encode()


@dataclass(slots=True)
class Wire:
    """Answers the n-th connection with the n-th of `answers`: bytes of a stream, or a status."""

    url: str = ""
    answers: list[bytes | int] = field(default_factory=list)
    hits: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, list[str]], str | None]] = field(default_factory=list)
    connected: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def wire() -> Iterator[Wire]:
    found = Wire()
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            split = urlsplit(self.path)
            found.asked.append((split.path, parse_qs(split.query), self.headers.get("last-event-id")))
            if split.path == "/v1/search":
                self.answer(json.dumps({"hits": found.hits}).encode(), "application/json")
                return
            content = found.answers.pop(0) if found.answers else b""
            if isinstance(content, int):
                self.send_response(content)
                self.send_header("retry-after", "0")
                self.end_headers()
                return
            self.answer(content, "text/event-stream")
            found.connected.set()
            if not found.answers:
                stopping.wait(20)

        def answer(self, content: bytes, media_type: str) -> None:
            self.send_response(200)
            self.send_header("content-type", media_type)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    stopping.set()
    server.shutdown()
    server.server_close()


Command = Callable[..., Any]


def test_each_article_is_a_line(wire: Wire, wireroom: Command) -> None:
    wire.answers = [event(1, card("a")) + event(2, card("b", sentiment=None, entities=[], title=" x\n y "))]
    done = wireroom("tail", "x", "--source", "AP", "--count", "2", "--index-url", wire.url)
    assert done.code == 0 and done.out.splitlines() == [
        "08:01:02  -0.40  AP  Title a  · Xi Jinping",
        "08:01:02      –  AP  x y",
    ]
    assert wire.asked[0][1] == {"q": ["x"], "source": ["AP"], "lenient": ["true"]}


def test_a_broken_wire_goes_on_where_it_was(wire: Wire, wireroom: Command) -> None:
    half = event(3, card("c"))
    wire.answers = [event(1, card("a")), 503, event(2, card("b")) + half[:60], half]
    done = wireroom("tail", "--count", "3", "--json", "--index-url", wire.url)
    assert [json.loads(line)["title"] for line in done.out.splitlines()] == ["Title a", "Title b", "Title c"]
    resumed = [last_id and last_id.partition("-")[0] for _, _, last_id in wire.asked]
    assert resumed == [None, "1", "1", "2"]
    assert done.err.count("trying again") == 2 and done.err.count("Connected.") == 2


def test_a_service_that_is_busy_at_first_is_waited_for(wire: Wire, wireroom: Command) -> None:
    wire.answers = [503, event(1, card("a"))]
    done = wireroom("tail", "-n", "1", "--count", "1", "--index-url", wire.url)
    assert done.code == 0 and "Title a" in done.out and "busy; trying again" in done.err
    assert [path for path, _, _ in wire.asked] == ["/v1/stream", "/v1/stream", "/v1/search"]


def test_a_wire_that_broke_before_its_first_event_loses_nothing(wire: Wire, wireroom: Command) -> None:
    wire.answers = [b": hello\n\n", event(1, card("a"))]
    before = datetime.now(UTC).timestamp()
    wireroom("tail", "--count", "1", "--index-url", wire.url)
    last_id = wire.asked[1][2]
    assert last_id is not None and abs(int(last_id.partition("-")[0]) / 1e6 - before) < 10


def test_the_newest_come_first_oldest_on_top_and_only_once(wire: Wire, wireroom: Command) -> None:
    wire.hits = [card("b"), card("a")]
    wire.answers = [
        event(1, card("b")) + event(2, card("b", revision=2, title="b again")) + event(3, card("c"))
    ]
    out = wireroom("tail", "-n", "2", "--count", "4", "--index-url", wire.url).out
    assert [line.split("  ")[3] for line in out.splitlines()] == ["Title a", "Title b", "b again", "Title c"]
    assert [path for path, _, _ in wire.asked] == ["/v1/stream", "/v1/search"]


def test_a_takedown_is_told_of_what_was_shown(wire: Wire, wireroom: Command) -> None:
    gone = [event(2, {"id": name * 32}, "retracted") for name in "az"]
    wire.answers = [event(1, card("a")) + b"".join(gone) + event(4, card("b"))]
    out = wireroom("tail", "--count", "2", "--index-url", wire.url).out
    assert "taken down  Title a" in out and "z" not in out


def test_since_asks_for_what_came_after(wire: Wire, wireroom: Command) -> None:
    wire.answers = [event(1, card("a"))]
    wireroom("tail", "--since", "2026-11-25T08:00Z", "--count", "1", "--index-url", wire.url)
    assert wire.asked[0][2] == "1795593600000000-0000000000000000"


def test_odd_events_are_passed_over(wire: Wire, wireroom: Command) -> None:
    odd = b"".join(event(1, document) for document in ([], 7, None, {})) + b"event: article\ndata: {\n\n"
    wire.answers = [odd + event(2, card("a"), "unknown") + event(3, card("b"))]
    out = wireroom("tail", "--count", "2", "--index-url", wire.url).out
    assert "Title b" in out and "Title a" not in out


@pytest.mark.parametrize(
    ("answers", "words"), [([404], "index answered 404"), ([b"data:" + b"x" * 2_100_000], "no event stream")]
)
def test_what_will_not_pass_ends_it(
    wire: Wire, wireroom: Command, answers: list[bytes | int], words: str
) -> None:
    wire.answers = answers
    done = wireroom("tail", "--index-url", wire.url)
    assert done.code == 1 and words in done.err


def test_nothing_listening_is_told(wireroom: Command) -> None:
    done = wireroom("tail", "--index-url", "http://127.0.0.1:1")
    assert done.code == 1 and "index does not answer" in done.err


@pytest.mark.process
def test_ctrl_c_is_a_good_end(wire: Wire) -> None:
    wire.answers = [event(1, card("a"))]
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "tail", "--json", "--index-url", wire.url],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and json.loads(process.stdout.readline())["title"] == "Title a"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.communicate()[1] == b""


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("90s", datetime(2026, 11, 25, 11, 58, 30, tzinfo=UTC)),
        ("2h", datetime(2026, 11, 25, 10, tzinfo=UTC)),
        ("7d", datetime(2026, 11, 18, 12, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-25T13:00+02:00", datetime(2026, 11, 25, 11, tzinfo=UTC)),
    ],
)
def test_since_is_read_as_people_write_it(text: str, at: datetime) -> None:
    assert instant_of(text, datetime(2026, 11, 25, 12, tzinfo=UTC)) == at


@pytest.mark.parametrize("text", ["", "soon", "10x", "999999d9", "2026-13-01"])
def test_since_says_what_it_takes(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        instant_of(text, datetime(2026, 11, 25, tzinfo=UTC))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 200])
@pytest.mark.parametrize("title", ["Short", "long " * 60, "紅海 " * 60], ids=["short", "long", "wide"])
def test_a_line_never_wraps(width: int, title: str) -> None:
    line = article_line(card("a", title=title, source="An Outlet With A Long Name"), width)
    assert line.cell_len <= max(width, 40)


def test_text_from_outside_cannot_steer_the_terminal() -> None:
    line = article_line(card("a", title="\x1b]0;owned\x07x", source="[red]\x9b"), None).plain
    assert not set("\x1b\x07\x9b") & set(line) and "[red]" in line
