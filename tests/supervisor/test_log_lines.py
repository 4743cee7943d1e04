from __future__ import annotations

import json

import pytest

from services.supervisor.log_lines import MAX_LINE_CHARS, LogLine, parse_line


def test_a_structured_line_keeps_level_message_and_values() -> None:
    raw = b'{"event":"batch committed","level":"info","timestamp":"2026-01-01T00:00:00Z","service":"x","n":3}'
    assert parse_line("index", raw) == LogLine(
        "index", "info", "batch committed", "2026-01-01T00:00:00Z", {"n": 3}
    )


@pytest.mark.parametrize(
    ("raw", "level"),
    [
        (b"7293:M 25 Nov 2026 03:09:10.503 # Server initialized", "debug"),
        (b"7293:M 25 Nov 2026 03:09:10.503 # WARNING Memory overcommit must be enabled! x", "debug"),
        (b"7293:M 25 Nov 2026 03:09:10.503 * Ready to accept connections", "debug"),
        (b"7293:signal-handler (1795576152) Received SIGTERM scheduling shutdown...", "debug"),
        (b"7293:M 25 Nov 2026 03:09:10.503 # Error writing to the AOF file: No space left", "warning"),
        (b"*** FATAL CONFIG FILE ERROR (Redis 7.0.15) ***", "error"),
    ],
    ids=["start", "overcommit", "notice", "signal", "disk full", "fatal"],
)
def test_only_what_is_wrong_with_redis_is_loud(raw: bytes, level: str) -> None:
    line = parse_line("redis", raw)
    assert line is not None and line.level == level


@pytest.mark.parametrize(
    "raw",
    [b"Traceback (most recent call last):", b'{"event": 1', b"[]", b"{}", b"{" * 20_000, b"\xff\xfe\x00"],
    ids=["traceback", "torn", "list", "no event", "nested", "not text"],
)
def test_a_line_that_nobody_planned_is_an_error(raw: bytes) -> None:
    line = parse_line("enrich", raw)
    assert line is not None and line.level == "error" and len(line.message) <= MAX_LINE_CHARS


def test_an_empty_line_is_no_line() -> None:
    assert parse_line("enrich", b"  \r\n") is None


def test_json_form_can_be_read_back() -> None:
    line = LogLine("index", "warning", "slow \u2028 commit", "2026-01-01T00:00:00Z", {"seconds": 2})
    assert json.loads(line.as_json()) == {
        "timestamp": "2026-01-01T00:00:00Z",
        "level": "warning",
        "service": "index",
        "event": "slow \u2028 commit",
        "seconds": 2,
    }
