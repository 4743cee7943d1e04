"""Who and what is rising: entities that more texts name now than their own past lets expect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from services.index.engine.aggregations import Aggregations, EntityCounts
from services.index.engine.protocol import Filters
from services.index.intervals import within_dates
from services.index.query.nodes import Bool, Field, In, MatchAll, Node, Range, all_of
from services.index.significance import Sample, expected_in, rise, usual
from services.index.story_text import distinct_articles
from shared.errors import WireroomError

TrendLabel = Literal["PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW"]
LABELS: tuple[TrendLabel, ...] = get_args(TrendLabel)
SHORTEST, LONGEST_WINDOW, LONGEST_BASELINE = timedelta(hours=1), timedelta(days=7), timedelta(days=90)
MIN_TEXTS = 3
"""Fewer texts in the window are no trend, whoever they name."""
MIN_RATIO = 1.5
"""A name that is always there can rise surely and yet by too little to tell of."""
MIN_SCORE = 10.8
"""Chance alone scores this less than once in a thousand names; see `significance.rise`."""
MAX_CANDIDATES = 1_000
"""The names most written about in the window, whose past is looked up."""
_WEEK = timedelta(days=7)
_SPAN = re.compile(r"([1-9]\d{0,3})([hd])", re.ASCII)
_UNITS = {"h": "hours", "d": "days"}
_SHOWN_ARTICLES = 3
_READ_ARTICLES = 10


class InvalidSpan(WireroomError):
    """A window or baseline that cannot be; `parameter` names which."""

    def __init__(self, parameter: str, message: str) -> None:
        self.parameter = parameter
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class TrendQuery:
    """`window` ends at `until`; `baseline` lies before it, but not before `since`. No labels mean all."""

    node: Node
    filters: Filters
    until: datetime
    window: timedelta
    baseline: timedelta
    since: datetime | None = None
    labels: tuple[str, ...] = ()
    size: int = 10

    def __post_init__(self) -> None:
        if not SHORTEST <= self.window <= LONGEST_WINDOW:
            raise InvalidSpan("window", "the window is 1h to 7d")
        if not self.window <= self.baseline <= LONGEST_BASELINE:
            raise InvalidSpan("baseline", "the baseline is as long as the window at least, and 90d at most")


@dataclass(frozen=True, slots=True)
class Trend:
    """`count` texts name LABEL:canonical, `expected` would have; `score` is that of `significance.rise`."""

    name: str
    count: int
    expected: float
    score: float


def _span_of(parameter: str, text: str) -> timedelta:
    """Return the span that `24h` or `14d` names. Raises InvalidSpan."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise InvalidSpan(parameter, "write a number of hours or days, such as 6h or 14d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def trend_query(
    node: Node,
    filters: Filters,
    now: datetime,
    *,
    window: str = "24h",
    baseline: str = "14d",
    labels: Sequence[str] = (),
    size: int = 10,
) -> TrendQuery:
    """Return the question as of `now`, or as of `to` of the filters; their `from` limits the baseline.

    The window ends with the minute, so that who asks within one asks the same. Raises InvalidSpan.
    """
    until = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    if filters.to_at is not None:
        until = min(until, within_dates(filters.to_at) + timedelta(seconds=1))
    return TrendQuery(
        node=node,
        filters=replace(filters, from_at=None, to_at=None),
        until=until,
        window=_span_of("window", window),
        baseline=_span_of("baseline", baseline),
        since=filters.from_at,
        labels=tuple(labels),
        size=size,
    )


def trends_document(aggregations: Aggregations, query: TrendQuery) -> dict[str, Any]:
    """Return the trends in the shape of the HTTP contract, with the articles that drive each."""
    found, window_texts, past_texts = rising(aggregations, query)
    warnings = []
    if past_texts < window_texts:
        warnings.append(
            f"There is little past to compare with: {past_texts:,} texts in the baseline, "
            f"{window_texts:,} in the window."
        )
    return {
        "until": query.until,
        "texts": {"window": window_texts, "baseline": past_texts},
        "trends": [_told(aggregations, query, trend) for trend in found],
        "warnings": warnings,
    }


def rising(aggregations: Aggregations, query: TrendQuery) -> tuple[list[Trend], int, int]:
    """Return the trends, the surest first, and how many texts there are in the window and in the baseline."""
    window = _counts(aggregations, query, _window(query), at_least=MIN_TEXTS)
    names = _candidates(window, query.labels)
    past = _counts(aggregations, query, _baseline(query), among=names)
    weekdays = _same_weekdays(query)
    weekly = EntityCounts(0, {}) if weekdays is None else _counts(aggregations, query, weekdays, among=names)
    trends = [trend for name in names if (trend := _trend(name, window, past, weekly)) is not None]
    trends.sort(key=lambda trend: (-trend.score, -trend.count, trend.name))
    return trends[: query.size], window.texts, past.texts


def _candidates(window: EntityCounts, labels: Sequence[str]) -> list[str]:
    wanted = labels or LABELS
    names = [name for name in window.by_entity if name.partition(":")[0] in wanted]
    return sorted(names, key=lambda name: (-window.by_entity[name], name))[:MAX_CANDIDATES]


def _trend(name: str, window: EntityCounts, past: EntityCounts, weekly: EntityCounts) -> Trend | None:
    count = window.by_entity[name]
    seen = Sample(count, window.texts)
    before = usual(_sample(name, past), _sample(name, weekly))
    expected, score = expected_in(seen, before), rise(seen, before)
    if score < MIN_SCORE or count < MIN_RATIO * expected:
        return None
    return Trend(name, count, expected, score)


def _sample(name: str, counts: EntityCounts) -> Sample:
    return Sample(counts.by_entity.get(name, 0), counts.texts)


def _counts(
    aggregations: Aggregations,
    query: TrendQuery,
    span: Node,
    *,
    at_least: int = 1,
    among: Sequence[str] | None = None,
) -> EntityCounts:
    """Count the texts that name entities. `texts` are all that the filters let through, the text aside.

    Else a flood in Lyon would be no news to who searches for Lyon: all that is found names it, now as before.
    """
    filters = query.filters.nodes()
    counts = aggregations.entity_counts(all_of(query.node, *filters, span), at_least=at_least, among=among)
    if isinstance(query.node, MatchAll):
        return counts
    return replace(counts, texts=aggregations.entity_counts(all_of(*filters, span), among=()).texts)


def _window(query: TrendQuery) -> Node:
    return _between(query.until - query.window, query.until)


def _baseline(query: TrendQuery) -> Node:
    end = query.until - query.window
    return _between(max(filter(None, (query.since, end - query.baseline))), end)


def _same_weekdays(query: TrendQuery) -> Node | None:
    """Return the condition for the window's place in each whole week of the baseline; None if it has none."""
    starts = [query.until - query.window - _WEEK * week for week in range(1, query.baseline // _WEEK + 1)]
    windows = [
        _between(start, start + query.window)
        for start in starts
        if query.since is None or start >= query.since
    ]
    return Bool(should=tuple(windows)) if windows else None


def _between(start: datetime, end: datetime) -> Node:
    return Range(Field.PUBLISHED, within_dates(start), within_dates(end), include_upper=False)


def _told(aggregations: Aggregations, query: TrendQuery, trend: Trend) -> dict[str, Any]:
    label, _, canonical = trend.name.partition(":")
    naming = In(Field.ENTITY, (trend.name,))
    node = all_of(query.node, *query.filters.nodes(), _window(query), naming)
    return {
        "entity": {"label": label, "canonical": canonical},
        "count": trend.count,
        "expected": round(trend.expected, 2),
        "score": round(trend.score, 1),
        "articles": distinct_articles(aggregations.articles(node, _READ_ARTICLES, "newest"), _SHOWN_ARTICLES),
    }
