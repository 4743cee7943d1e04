"""Retry-After, as servers write it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.http.retry_after import seconds_from_retry_after

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Wed, 25 Nov 2026 08:02:00 GMT", 120.0),
        ("Wed, 25 Nov 2026 09:02:00 +0100", 120.0),
        ("Wed, 25 Nov 2020 08:02:00 GMT", 0.0),
        ("9" * 400, float("inf")),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("Wed, 99 Nov 2026 99:99:99 GMT", None),
        ("x" * 100_000, None),
    ],
)
def test_the_wait_is_read(value: str | None, seconds: float | None) -> None:
    assert seconds_from_retry_after(value, NOW) == seconds
