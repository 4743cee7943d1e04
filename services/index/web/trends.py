"""What the page of trends shows, made from the document of the API. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.index.web.address import Address
from services.index.web.labels import entity_class, entity_word
from services.index.web.stories import Choice, Headline, headline
from services.index.web.texts import Moment, capitalized, clip, moment
from shared.instants import rfc3339

NAME_CHARS = 80
BAR_WIDTH = 200
# A window and the past that it is compared with. A week is too long for a past of two.
WINDOWS = {"6h": "6 hours", "24h": "24 hours", "7d": "7 days"}
BASELINES = {"6h": "14d", "24h": "14d", "7d": "56d"}
KINDS = {"people": ("PERSON",), "organisations": ("ORG",), "places": ("GPE", "LOC", "FAC")}


@dataclass(frozen=True, slots=True)
class TrendRow:
    """`now_width` and `usual_width` are how long the bars of `count` and `expected` are, of BAR_WIDTH."""

    name: str
    word: str
    css: str
    href: str
    count: int
    expected: str
    times: str
    now_width: float
    usual_width: float
    headlines: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class TrendsView:
    """`latest` is the way to the trends of when the newest article was published, if that is long ago."""

    heading: str
    rows: tuple[TrendRow, ...]
    windows: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    window: str
    until: Moment | None
    chosen: bool
    texts: str
    latest: Choice | None
    warnings: tuple[str, ...]


def trends_view(
    told: Mapping[str, Any],
    address: Address,
    *,
    window: str,
    kind: str,
    newest_at: datetime | None,
    warnings: Iterable[str],
    now: datetime,
) -> TrendsView:
    """`newest_at` is when the newest of all articles that match was published."""
    q = address.get("q").strip()
    until: datetime = told["until"]
    asked = address.elsewhere("/trends")

    def link(**changed: str) -> str:
        given = {"window": window, "kind": kind, **changed}
        return address.elsewhere("/trends", **{name: value for name, value in given.items() if value})

    return TrendsView(
        heading=f"Rising in “{clip(q, 120)}”" if q else "Rising now",
        rows=trend_rows(told["trends"], address, until, window, now),
        windows=tuple(Choice(words, link(window=span), span == window) for span, words in WINDOWS.items()),
        kinds=(
            Choice("everything", link(kind=""), not kind),
            *(Choice(name, link(kind=name), name == kind) for name in KINDS),
        ),
        window=WINDOWS[window],
        until=moment(until.isoformat(), now),
        chosen=asked != "/trends",
        texts=f"{told['texts']['window']:,}",
        latest=_latest(newest_at, until, address),
        warnings=tuple(capitalized(clip(warning, 300)) for warning in warnings),
    )


def trend_rows(
    trends: Sequence[Mapping[str, Any]], address: Address, until: datetime, window: str, now: datetime
) -> tuple[TrendRow, ...]:
    longest = max((max(trend["count"], trend["expected"]) for trend in trends), default=1)
    since = until - _span(window)
    return tuple(_row(trend, address, since, until, longest, now) for trend in trends)


def _row(
    trend: Mapping[str, Any],
    address: Address,
    since: datetime,
    until: datetime,
    longest: float,
    now: datetime,
) -> TrendRow:
    label, canonical = str(trend["entity"]["label"]), str(trend["entity"]["canonical"])
    count, expected = int(trend["count"]), float(trend["expected"])
    found = (
        address.setting("entity", f"{label}:{canonical}")
        .setting("from", rfc3339(since))
        .setting("to", rfc3339(until))
    )
    return TrendRow(
        name=clip(canonical, NAME_CHARS),
        word=entity_word(label),
        css=entity_class(label),
        href=found.elsewhere("/"),
        count=count,
        expected=f"{expected:,.0f}" if expected >= 10 else f"{expected:,.1f}".removesuffix(".0"),
        times=f"{count / expected:,.0f}×" if expected >= 0.1 else "new",
        now_width=round(BAR_WIDTH * count / longest, 1),
        usual_width=round(BAR_WIDTH * expected / longest, 1),
        headlines=tuple(headline(card, now) for card in trend["articles"]),
    )


def _latest(newest_at: datetime | None, until: datetime, address: Address) -> Choice | None:
    if newest_at is None or until - newest_at < timedelta(days=7):
        return None
    day = newest_at.date().isoformat()
    return Choice(
        f"the week up to {newest_at.day} {newest_at:%b} {newest_at.year}",
        address.setting("to", day).elsewhere("/trends", window="7d"),
        False,
    )


def _span(window: str) -> timedelta:
    return timedelta(hours=int(window[:-1])) if window.endswith("h") else timedelta(days=int(window[:-1]))
