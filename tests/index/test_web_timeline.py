"""The timeline above the results: what its bars show, and which search each of them leads to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.index.web.address import Address
from services.index.web.timeline import Row, mean_tone, timeline_view
from tests.index.web_document import parameters

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HARBOUR = Address((("q", "harbour"),))


def rows(*counted: tuple[int, float | None], step: timedelta = timedelta(days=1)) -> list[Row]:
    return [(MONDAY + number * step, count, tone) for number, (count, tone) in enumerate(counted)]


def test_bars_are_as_high_as_their_counts_and_stand_on_one_line() -> None:
    chart = timeline_view("day", rows((10, None), (5, None), (0, None)), HARBOUR)
    assert chart is not None
    assert [bar.height for bar in chart.bars] == [62, 31, 0]
    assert {bar.y + bar.height for bar in chart.bars} == {62}


def test_one_article_among_thousands_is_still_seen() -> None:
    chart = timeline_view("day", rows((100_000, None), (1, None)), HARBOUR)
    assert chart is not None and chart.bars[1].height >= 1


def test_tone_rises_above_its_line_or_hangs_below_it() -> None:
    chart = timeline_view("day", rows((1, 0.6), (1, -0.3), (1, 0.0), (1, None), (1, 5.0)), HARBOUR)
    assert chart is not None
    good, bad, none, unknown, beyond = chart.bars
    assert (good.mood_y, good.mood_height, good.tone_word) == (68, 15, "positive")
    assert (bad.mood_y, bad.mood_height, bad.tone) == (83, 7.5, "−0.30")
    assert none.mood_height > 0 and none.tone_word == "neutral"
    assert (unknown.mood_height, unknown.tone) == (0, "")
    assert beyond.mood_y >= 68, "whatever the score, the bar stays in the picture"


@pytest.mark.parametrize(
    ("interval", "step", "begin", "end"),
    [
        ("hour", timedelta(hours=1), "2026-11-02T00:00:00Z", "2026-11-02T00:59:59Z"),
        ("day", timedelta(days=1), "2026-11-02", "2026-11-02"),
        ("week", timedelta(days=7), "2026-11-02", "2026-11-08"),
    ],
)
def test_a_bar_leads_to_the_search_in_its_interval(
    interval: str, step: timedelta, begin: str, end: str
) -> None:
    old = HARBOUR.setting("from", "2020-01-01").setting("to", "2027-01-01")
    chart = timeline_view(interval, rows((3, None), (2, None), step=step), old)
    assert chart is not None
    assert parameters(chart.bars[0].href) == {"q": ["harbour"], "from": [begin], "to": [end]}


def test_months_and_years_end_with_their_last_day() -> None:
    for interval, first, second, ends in (
        ("month", (2024, 1), (2024, 2), ("2024-01-31", "2024-02-29")),
        ("year", (2023, 1), (2024, 1), ("2023-12-31", "2024-12-31")),
    ):
        told: list[Row] = [(datetime(*month, 1, tzinfo=UTC), 4, None) for month in (first, second)]
        chart = timeline_view(interval, told, HARBOUR)
        assert chart is not None
        assert tuple(parameters(bar.href)["to"][0] for bar in chart.bars) == ends


def test_there_is_no_chart_where_there_is_nothing_to_compare() -> None:
    assert timeline_view("day", [], HARBOUR) is None
    assert timeline_view("day", rows((9, 0.1)), HARBOUR) is None
    assert timeline_view("day", rows((0, None), (0, None)), HARBOUR) is None
    assert timeline_view("day", rows((2, None), (2, None)), HARBOUR) is None


def test_the_mean_tone_weighs_the_articles_and_not_the_buckets() -> None:
    assert mean_tone(rows((9, 0.5), (1, -0.5), (90, None))) == pytest.approx(0.4)
    assert mean_tone(rows((9, None))) is None
