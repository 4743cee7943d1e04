"""Bars and columns of characters."""

from __future__ import annotations

import pytest

from services.cli.charts import Column, bar, column_heights, mean_tone, squeezed


@pytest.mark.parametrize(
    ("value", "drawn"), [(8, "████████"), (4, "████"), (3.5, "███▌"), (0.001, "▏"), (0, ""), (-1, "")]
)
def test_a_bar_is_as_long_as_its_share(value: float, drawn: str) -> None:
    assert bar(value, 8, 8) == drawn


def test_nothing_is_blank_and_anything_is_seen() -> None:
    assert column_heights([0, 1, 500, 1_000]) == " ▁▄█"
    assert column_heights([0, 0]) == "  " and column_heights([]) == ""


def test_neighbours_are_added_up_where_there_is_no_room() -> None:
    columns = [Column(1, 1.0), Column(3, -1.0), Column(2, None), Column(0), Column(5, 0.0)]
    assert squeezed(columns, 3) == [Column(4, -0.5), Column(2, None), Column(5, 0.0)]
    assert squeezed(columns, 5) == columns


def test_the_mean_tone_weighs_articles_and_leaves_out_those_not_read() -> None:
    assert mean_tone([Column(1, 1.0), Column(3, 0.0), Column(9, None)]) == 0.25
    assert mean_tone([Column(4)]) is None
