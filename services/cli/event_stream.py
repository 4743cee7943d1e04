"""Server-sent events as a stream of bytes brings them (HTML standard, 9.2.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# An event is a card of some kilobytes; whatever sends more than this is no event stream.
MAX_EVENT_BYTES = 2_000_000
# Only these end a line: text may hold U+2028 and the like, which other readers of lines split at.
_LINE_END = re.compile(rb"\r\n|\n|\r(?!\Z)")


class NotAnEventStream(ValueError):
    """What came is no event stream, or an event without end."""


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """One event. `id` is where to resume after it, "" before any was given.

    An event without data only moves `id`, or carries `retry_ms`: how long to wait before connecting again.
    """

    name: str
    data: str
    id: str
    retry_ms: int | None = None


def server_events(chunks: Iterable[bytes], last_id: str = "") -> Iterator[ServerEvent]:
    """Yield the events of a stream, comments left out. What an interrupted stream leaves half is dropped.

    Raises NotAnEventStream.
    """
    name, size, touched = "", 0, False
    data: list[str] = []
    retry_ms: int | None = None
    for line in _lines(chunks):
        if not line:
            if data or touched:
                yield ServerEvent(name or "message", "\n".join(data), last_id, retry_ms)
            name, size, touched, data, retry_ms = "", 0, False, [], None
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        size += len(value)
        if size > MAX_EVENT_BYTES:
            raise NotAnEventStream("an event has no end")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id, touched = value, True
        elif field == "retry" and value.isascii() and value.isdigit() and len(value) <= 9:
            retry_ms, touched = int(value), True


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = _LINE_END.split(rest + chunk)
        if len(rest) > MAX_EVENT_BYTES:
            raise NotAnEventStream("a line has no end")
        for line in whole:
            yield line.decode("utf-8", "replace")
