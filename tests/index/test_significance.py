"""How surely a name rises: what beats what, and how often chance alone is taken for a rise."""

from __future__ import annotations

import random

import pytest

from services.index.significance import Sample, expected_in, rise, usual
from services.index.trends import MIN_SCORE

DAY, FORTNIGHT = 500, 14 * 500


def score(before_per_day: float, now: float, *, texts: float = DAY) -> float:
    return rise(Sample(now, texts), Sample(14 * before_per_day, FORTNIGHT))


def test_a_name_that_rises_from_nothing_to_little_does_not_beat_one_that_quadruples() -> None:
    assert score(0, 2) < 1 < MIN_SCORE < score(20, 80)


def test_the_figures_of_the_docstring_hold() -> None:
    assert score(20, 80) == pytest.approx(86, abs=1)


@pytest.mark.parametrize(
    ("more", "less"),
    [((0, 30), (0, 10)), ((10, 40), (20, 40)), ((1, 12), (10, 25)), ((100, 200), (10, 20))],
    ids=["higher", "rarer before", "steeper", "surer"],
)
def test_a_clearer_rise_scores_more(more: tuple[float, float], less: tuple[float, float]) -> None:
    assert score(*more) > score(*less)


def test_what_falls_or_stays_scores_nothing() -> None:
    assert score(20, 20) == score(20, 5) == score(0, 1) == 0


def test_a_busy_day_lifts_nobody() -> None:
    assert score(20, 60, texts=3 * DAY) == 0
    assert expected_in(Sample(60, 3 * DAY), Sample(14 * 20, FORTNIGHT)) == pytest.approx(60)


def test_little_past_makes_nothing_sure() -> None:
    assert rise(Sample(10, 300), Sample(0, 10)) < MIN_SCORE
    assert rise(Sample(10, 300), Sample(0, 0)) == 0


def test_who_is_named_each_weekend_is_judged_by_weekends() -> None:
    overall, weekends = Sample(4 * 30, FORTNIGHT), Sample(2 * 30, 2 * DAY)
    before = usual(overall, weekends)
    assert before.rate == pytest.approx(0.0457, rel=0.01)
    assert rise(Sample(32, DAY), before) < MIN_SCORE < rise(Sample(32, DAY), overall)


def test_the_same_weekdays_never_lower_what_is_expected() -> None:
    overall = Sample(140, FORTNIGHT)
    assert usual(overall, Sample(0, 2 * DAY)) == overall
    assert usual(overall, Sample(0, 0)) == overall


def test_chance_is_taken_for_a_rise_less_than_once_in_a_thousand_names() -> None:
    rng = random.Random(5)
    found = 0
    for number in range(5_000):
        rate = (0.5, 2, 5, 15, 40)[number % 5] / DAY
        now = sum(rng.random() < rate for _ in range(DAY))
        past = max(0, round(rng.gauss(rate * FORTNIGHT, (rate * FORTNIGHT) ** 0.5)))
        found += rise(Sample(now, DAY), Sample(past, FORTNIGHT)) >= MIN_SCORE
    assert found <= 1
