"""Bars and columns drawn in characters. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_EIGHTHS_ACROSS = " ▏▎▍▌▋▊▉█"
_EIGHTHS_UP = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Column:
    """One interval: how many, and their mean tone (−1…1), None where nobody read it."""

    count: int
    tone: float | None = None


def bar(value: float, largest: float, width: int) -> str:
    """Return a bar of at most `width` characters; a value above nothing shows at least a sliver."""
    if value <= 0 or largest <= 0:
        return ""
    eighths = max(1, round(min(value / largest, 1) * width * 8))
    return _EIGHTHS_ACROSS[8] * (eighths // 8) + _EIGHTHS_ACROSS[eighths % 8].strip()


def column_heights(counts: Sequence[int]) -> str:
    """Return one character per count, as high as its share of the largest; an empty one is blank."""
    largest = max(counts, default=0)
    if largest <= 0:
        return " " * len(counts)
    return "".join(_EIGHTHS_UP[math.ceil(max(count, 0) / largest * 8)] for count in counts)


def squeezed(columns: Sequence[Column], width: int) -> list[Column]:
    """Return at most `width` columns, neighbours added up where there are more."""
    if len(columns) <= width:
        return list(columns)
    each = math.ceil(len(columns) / width)
    return [_sum(columns[start : start + each]) for start in range(0, len(columns), each)]


def _sum(columns: Sequence[Column]) -> Column:
    return Column(sum(column.count for column in columns), mean_tone(columns))


def mean_tone(columns: Sequence[Column]) -> float | None:
    """Return the mean over all articles of the columns."""
    read = [(column.tone, column.count) for column in columns if column.tone is not None]
    weight = sum(count for _, count in read)
    return sum(tone * count for tone, count in read) / weight if weight else None
