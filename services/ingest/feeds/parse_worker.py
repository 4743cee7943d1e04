"""The process that parses feeds: `python -m services.ingest.feeds.parse_worker`.

Whatever a document does to the parser, it does it here: the kernel ends this process when one document takes
more than its share of time or memory, and ingest goes on. It reads requests from standard input, one at a
time, answers on standard output, and ends when its input does.

A frame is four bytes of length, big-endian, and as many bytes. A request is a frame of JSON with the
document's `content_type` and `url`, and a frame with the document; the answer is a frame of JSON.
"""

from __future__ import annotations

import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pydantic_core import from_json, to_json

from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.formats.parse import parse_feed

MAX_CPU_S = 2.0
MAX_MEMORY_BYTES = 1 << 30
# Its default action ends the process, however deep in a C library it is.
CPU_SIGNAL = signal.SIGPROF


def answer(request: bytes, body: bytes) -> bytes:
    """Return the answer to one request."""
    asked = from_json(request)
    try:
        feed = parse_feed(body, content_type=asked["content_type"], url=asked["url"])
    except MalformedFeed as error:
        return to_json({"malformed": str(error)})
    except MemoryError:
        return to_json({"malformed": "the document takes more memory to read than a feed may"})
    return to_json({"feed": feed})


def read_frame(source: BinaryIO) -> bytes | None:
    """Return the next frame; None at the end of the input."""
    head = source.read(4)
    if len(head) < 4:
        return None
    return source.read(int.from_bytes(head, "big"))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):  # where there is no such file
        # If memory runs out on the machine or in the container, this process is the one to do without.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (request := read_frame(source)) is not None:
        body = read_frame(source)
        if body is None:
            return
        signal.setitimer(signal.ITIMER_PROF, MAX_CPU_S)
        reply = answer(request, body)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(len(reply).to_bytes(4, "big") + reply)
        sink.flush()


if __name__ == "__main__":
    main()
