"""Server-sent events out of bytes, however these were cut."""

from __future__ import annotations

import pytest

from services.cli.event_stream import MAX_EVENT_BYTES, NotAnEventStream, ServerEvent, server_events

STREAM = (
    b"retry: 250\nid: 7-0\n\n"
    b": a comment\n\n"
    b'event: article\nid: 8-a\ndata: {"title":\ndata: "\xe2\x80\xa8caf\xc3\xa9"}\n\n'
    b"event: retracted\r\nid: 9-b\r\ndata:x\r\n\r\n"
    b"data: none of ours\rid\r\r"
    b"event: article\nid: 10-c\ndata: half"
)
EVENTS = [
    ServerEvent("message", "", "7-0", 250),
    ServerEvent("article", '{"title":\n"\u2028café"}', "8-a"),
    ServerEvent("retracted", "x", "9-b"),
    ServerEvent("message", "none of ours", ""),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_events_are_the_same_however_the_bytes_come(size: int) -> None:
    chunks = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]
    assert list(server_events(chunks, "6-0")) == EVENTS


def test_an_id_lasts_until_another_comes() -> None:
    assert [event.id for event in server_events([b"data: a\n\nid: 2\ndata: b\n\ndata: c\n\n"], "1")] == [
        "1", "2", "2",
    ]  # fmt: skip


@pytest.mark.parametrize("part", [b"x" * 65_536, b"data: " + b"x" * 65_530 + b"\n"], ids=["line", "event"])
def test_what_never_ends_is_no_event_stream(part: bytes) -> None:
    with pytest.raises(NotAnEventStream):
        list(server_events([part] * (MAX_EVENT_BYTES // len(part) + 2)))
