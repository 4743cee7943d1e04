"""When the articles of a search appeared, and in which tone: the chart above the results. Pure.

The chart is drawn in units of its own, a bucket being UNIT wide, and stretched to the width of the page: bars
for how many, and below them, on a line of its own, the mean tone: above it positive, below it negative.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.index.intervals import Interval, end_of
from services.index.web.address import Address
from services.index.web.texts import signed, tone_label
from shared.instants import rfc3339

UNIT = 10
# Fewer buckets are drawn as if there were so many: three bars across a page say nothing.
MIN_UNITS = 24
# Of fewer one sees the dates at a glance.
MIN_ARTICLES = 5
COUNTS_HEIGHT = 62
TONE_LINE = 83
TONE_REACH = 15
# The mean tone of many articles is hardly ever beyond this.
FULL_TONE = 0.6

Row = tuple[datetime, int, float | None]
"""Start of a bucket, how many articles, and the mean tone of those whose tone was read."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket; `href` narrows the search to it. `mood` has a height of 0 where no tone is known."""

    href: str
    label: str
    count: int
    tone: str
    tone_word: str
    x: int
    y: float
    height: float
    mood_y: float
    mood_height: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The chart. `width` is its own; `mean_tone` is over all its articles, "" where none is known."""

    bars: tuple[Bar, ...]
    width: int
    interval: str
    first: str
    last: str
    mean_tone: str
    mean_tone_word: str
    earlier: int


def timeline_view(
    interval: Interval, rows: Sequence[Row], address: Address, *, earlier: int = 0
) -> Timeline | None:
    """Return the chart, or None where it would say nothing: of few articles, or in one bucket.

    `earlier` is how many articles were published before the first bucket.
    """
    if len(rows) < 2 or sum(count for _, count, _ in rows) < MIN_ARTICLES:
        return None
    highest = max(count for _, count, _ in rows)
    ends = [start for start, _, _ in rows[1:]] + [end_of(interval, rows[-1][0])]
    bars = tuple(
        _bar(number, row, end, highest, interval, address)
        for number, (row, end) in enumerate(zip(rows, ends, strict=True))
    )
    mean = mean_tone(rows)
    return Timeline(
        bars=bars,
        width=UNIT * max(len(rows), MIN_UNITS),
        interval=interval,
        first=bars[0].label,
        last=bars[-1].label,
        mean_tone="" if mean is None else signed(mean),
        mean_tone_word="" if mean is None else tone_label(mean),
        earlier=earlier,
    )


def mean_tone(rows: Sequence[Row]) -> float | None:
    """Return the mean over the articles of all buckets, as if the tone of each had been read."""
    read = [(count, score) for _, count, score in rows if score is not None]
    total = sum(count for count, _ in read)
    return sum(count * score for count, score in read) / total if total else None


def _bar(number: int, row: Row, end: datetime, highest: int, interval: Interval, address: Address) -> Bar:
    start, count, score = row
    # A single article among thousands is still to be seen.
    height = max(1.5, COUNTS_HEIGHT * count / highest) if count else 0.0
    reach = TONE_REACH * min(1.0, abs(score or 0.0) / FULL_TONE)
    mood = max(1.2, reach) if score is not None else 0.0
    return Bar(
        href=narrowed(address, interval, start, end).href,
        label=bucket_label(interval, start),
        count=count,
        tone="" if score is None else signed(score),
        tone_word="" if score is None else tone_label(score),
        x=number * UNIT,
        y=round(COUNTS_HEIGHT - height, 2),
        height=round(height, 2),
        mood_y=round(TONE_LINE - mood if (score or 0.0) >= 0 else TONE_LINE, 2),
        mood_height=round(mood, 2),
    )


def narrowed(address: Address, interval: str, start: datetime, end: datetime) -> Address:
    """Return the search for what was published from `start` to just before `end`."""
    if interval == "hour":
        written: Callable[[datetime], str] = rfc3339
        last = end - timedelta(seconds=1)
    else:
        written, last = _date, end - timedelta(days=1)
    return address.setting("from", written(start)).setting("to", written(last))


def _date(at: datetime) -> str:
    return at.astimezone(UTC).date().isoformat()


def bucket_label(interval: str, start: datetime) -> str:
    day = f"{start.day} {start:%b} {start.year}"
    if interval == "hour":
        return f"{day}, {start:%H:%M}"
    if interval == "year":
        return str(start.year)
    if interval == "month":
        return f"{start:%b} {start.year}"
    return f"week of {day}" if interval == "week" else day
