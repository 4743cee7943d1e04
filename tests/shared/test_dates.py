"""Which dates cannot be right."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from shared.dates import is_doubtful
from tests.support import NOW


@pytest.mark.parametrize(
    ("at", "doubtful"),
    [
        ("1970-01-01T00:00:00+00:00", True),
        ("1980-01-06T00:00:00+00:00", True),
        ("0001-01-01T00:00:00+00:00", True),
        ("2099-01-01T00:00:00+00:00", True),
        ("1994-05-01T00:00:00+00:00", False),
        ("2026-11-25T22:00:00+00:00", False),  # 14 hours ahead: a time of day without its zone
        ("2026-11-26T08:00:01+00:00", True),
    ],
)
def test_a_date_is_doubtful_before_the_web_and_in_the_future(at: str, doubtful: bool) -> None:
    assert is_doubtful(datetime.fromisoformat(at), NOW) is doubtful
    assert is_doubtful(NOW - timedelta(days=365), NOW) is False
