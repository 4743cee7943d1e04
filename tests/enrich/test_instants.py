from datetime import UTC, datetime

import pytest

from services.enrich.steps.instants import parse_instant, plausible


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("2024-03-04", datetime(2024, 3, 4, tzinfo=UTC)),
        ("2024-03-04T10:00:00+02:00", datetime(2024, 3, 4, 8, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:00", None),
        ("2024-03-04T14:30:00.000Z", datetime(2024, 3, 4, 14, 30, tzinfo=UTC)),
        ("2024-03-04T14:30:00+0100", datetime(2024, 3, 4, 13, 30, tzinfo=UTC)),
        ("Mon, 04 Mar 2024 14:30:00 GMT", datetime(2024, 3, 4, 14, 30, tzinfo=UTC)),
        ("Mon, 04 Mar 2024 14:30:00 +9999", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("next Monday", None),
        ("Monday" * 100_000, None),
        ("\u0662\u0660\u0662\u0664-03-04", None),
        ("", None),
        (None, None),
        (20240304, None),
    ],
)
def test_instants_are_utc_or_nothing(value: object, instant: datetime | None) -> None:
    assert parse_instant(value) == instant


@pytest.mark.parametrize(
    ("instant", "is_plausible"),
    [
        (datetime(2024, 3, 4, tzinfo=UTC), True),
        (datetime(2024, 3, 11, tzinfo=UTC), True),
        (datetime(1885, 3, 4, tzinfo=UTC), True),
        (datetime(1970, 1, 3, tzinfo=UTC), True),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(1969, 12, 31, 23, tzinfo=UTC), False),
        (datetime(2099, 1, 1, tzinfo=UTC), False),
        (datetime(1, 1, 1, tzinfo=UTC), False),
    ],
)
def test_dates_of_broken_programs_are_not_believed(instant: datetime, is_plausible: bool) -> None:
    assert plausible(instant, datetime(2024, 3, 5, tzinfo=UTC)) == (instant if is_plausible else None)
