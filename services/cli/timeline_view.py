"""A timeline on the terminal: one column per interval, as high as its count and coloured by its tone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.cli.charts import Column, column_heights, mean_tone, squeezed
from services.cli.output import TONE_STYLES, harmless, plural, short_date

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

# A mean this far from 0 is told by colour; single articles of few words swing further.
CLEAR_TONE = 0.1
MAX_WIDTH = 100
LONG_INTERVALS = frozenset({"week", "month", "year"})
# Few intervals get broader columns.
BROADEST = 4


def timeline_lines(
    buckets: list[dict[str, Any]], width: int, *, interval: str | None = None
) -> RenderableType | None:
    """Return the columns, their first and last day, and what was most; None when there is nothing to show."""
    from rich.console import Group
    from rich.text import Text

    columns = [_column(bucket) for bucket in buckets]
    total = sum(column.count for column in columns)
    if not columns or not total:
        return None
    narrow = squeezed(columns, min(width, MAX_WIDTH))
    breadth = max(1, min(BROADEST, min(width, MAX_WIDTH) // len(narrow)))
    heights = column_heights([column.count for column in narrow])
    drawn = Text()
    for height, column in zip(heights, narrow, strict=True):
        drawn.append(height * breadth, tone_style(column.tone))
    first, last = day(buckets[0].get("start")), day(buckets[-1].get("start"))
    span = len(narrow) * breadth
    room = span - len(first) - len(last)
    axis = f"{first}{' ' * room}{last}" if room > 0 else f"{first} – {last}" if first != last else first
    return Group(drawn, Text(axis, "dim"), _words(buckets, columns, interval))


def _words(buckets: list[dict[str, Any]], columns: list[Column], interval: str | None) -> Text:
    from rich.text import Text

    peak = max(range(len(columns)), key=lambda index: columns[index].count)
    start = str(buckets[peak].get("start") or "")
    when = f"from {day(start)}" if interval in LONG_INTERVALS else f"on {short_date(start)}"
    said = f"most {when}: {columns[peak].count:,}"
    if interval:
        said = f"{plural(sum(column.count for column in columns), 'article')} by {harmless(interval)}, {said}"
    text = Text().append(said, "dim")
    mean = mean_tone(columns)
    if mean is not None:
        text.append(" · mean tone ", "dim").append(f"{mean:+.2f}", tone_style(mean))
    return text


def tone_style(tone: float | None) -> str:
    if tone is None:
        return "dim"
    label = "negative" if tone <= -CLEAR_TONE else "positive" if tone >= CLEAR_TONE else "neutral"
    return "" if label == "neutral" else TONE_STYLES[label]


def _column(bucket: dict[str, Any]) -> Column:
    count, tone = bucket.get("count"), bucket.get("sentiment")
    return Column(
        count if isinstance(count, int) else 0, float(tone) if isinstance(tone, int | float) else None
    )


def day(instant: Any) -> str:
    """Return the day of an ISO 8601 instant as people read it: `19 Jun 2023`."""
    try:
        at = datetime.fromisoformat(str(instant))
    except ValueError:
        return harmless(str(instant or ""))
    return f"{at.day} {at:%b %Y}"
