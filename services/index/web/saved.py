"""What the pages of saved searches show. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.index.engine.protocol import VALUE_FILTERS, Filters
from services.index.saved_searches.history import Delivery, Statistics
from services.index.saved_searches.records import Match, MatchState, SavedSearch
from services.index.web.address import Address
from services.index.web.labels import FEEDS, PARAMETERS, filter_value
from services.index.web.stories import Choice
from services.index.web.texts import Moment, clip, host_of, moment, plain

NAME_CHARS = 200
QUERY_CHARS = 300
OUTCOMES = {
    "delivered": "delivered",
    "gone": "the receiver is gone (410)",
    "rejected": "the receiver refused it",
    "timeout": "no answer in time",
    "connect": "no connection",
    "dns": "the name is not known",
    "tls": "no secure connection",
    "protocol": "no HTTP in the answer",
    "refused": "an address that we may not connect to",
}
STATUSES = {"active": "Active", "paused": "Paused", "disabled": "Webhook disabled"}
_KINDS = {
    "article.matched": "match",
    "article.updated": "update",
    "article.retracted": "takedown",
    "test": "test",
}


@dataclass(frozen=True, slots=True)
class FilterChip:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SearchRow:
    """`trouble` is set when the webhook needs somebody to look at it."""

    id: str
    name: str
    q: str
    filters: tuple[FilterChip, ...]
    status: str
    status_word: str
    reason: str
    receiver: str
    matches: int
    matched: Moment | None
    pending: int
    trouble: str
    last: str
    href: str
    search_href: str


@dataclass(frozen=True, slots=True)
class MatchRow:
    title: str
    href: str | None
    source: str
    note: str
    at: Moment | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    webhook_id: str
    kind: str
    href: str | None
    at: Moment | None
    attempt: int
    said: str
    ok: bool
    took: str


@dataclass(frozen=True, slots=True)
class SavedView:
    """One saved search. `secret` is shown once, when it was made; `told` is what was just done."""

    row: SearchRow
    webhook_url: str
    created: Moment | None
    matches: tuple[MatchRow, ...]
    deliveries: tuple[DeliveryRow, ...]
    more_href: str | None
    secret: str
    told: str
    can_be_enabled: bool
    feeds: tuple[Choice, ...]
    api_href: str


@dataclass(frozen=True, slots=True)
class SaveForm:
    """The form for a new search, or with `id` for one that is changed; `fault` is why it was refused."""

    id: str
    name: str
    q: str
    webhook_url: str
    hidden: tuple[tuple[str, str], ...]
    filters: tuple[FilterChip, ...]
    dates_left_out: bool
    fault: str = ""
    excerpt: str = ""


def search_row(search: SavedSearch, statistics: Statistics | None, now: datetime) -> SearchRow:
    pairs = filter_pairs(search.filters)
    last = statistics.last_delivery if statistics else None
    return SearchRow(
        id=search.id,
        name=clip(search.name, NAME_CHARS),
        q=clip(search.q, QUERY_CHARS),
        filters=chips(pairs),
        status=search.status,
        status_word=STATUSES[search.status],
        reason=clip(search.reason, 300),
        receiver=host_of(search.webhook_url) if search.webhook_url else "",
        matches=statistics.matches if statistics else 0,
        matched=_at(statistics.matched_at if statistics else None, now),
        pending=statistics.pending if statistics else 0,
        trouble=_trouble(search, statistics),
        last=delivery_phrase(last.outcome, last.status) if last else "",
        href=f"/saved/{search.id}",
        search_href=Address((("q", search.q), *pairs) if search.q else pairs).href,
    )


def _trouble(search: SavedSearch, statistics: Statistics | None) -> str:
    if search.status == "disabled":
        return clip(search.reason, 200) or "The webhook was disabled"
    if statistics and statistics.failures:
        times = f"{statistics.failures:,} time{'' if statistics.failures == 1 else 's'}"
        return f"Not delivered {times} in a row"
    return ""


def delivery_phrase(outcome: str, status: int | None) -> str:
    said = OUTCOMES.get(outcome, outcome)
    return f"{said} ({status})" if status and outcome in ("delivered", "rejected") else said


def filter_pairs(filters: Filters) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name in VALUE_FILTERS for value in getattr(filters, name))


def chips(pairs: Iterable[tuple[str, str]]) -> tuple[FilterChip, ...]:
    return tuple(FilterChip(PARAMETERS[name], clip(filter_value(name, value), 80)) for name, value in pairs)


def saved_view(
    search: SavedSearch,
    statistics: Statistics | None,
    matches: Sequence[Match],
    cards: Mapping[str, Mapping[str, Any]],
    deliveries: Sequence[Delivery],
    *,
    full_page: int,
    secret: str,
    told: str,
    now: datetime,
) -> SavedView:
    """`cards` are what a list of results shows of those articles that can still be found."""
    following = matches[-1].seq if len(matches) == full_page else None
    return SavedView(
        row=search_row(search, statistics, now),
        webhook_url=search.webhook_url or "",
        created=_at(search.created_at, now),
        matches=tuple(_match(match, cards.get(match.article_id), now) for match in matches),
        deliveries=tuple(_delivery(one, now) for one in deliveries),
        more_href=f"/saved/{search.id}?before={following}#matches" if following else None,
        secret=secret,
        told=told,
        can_be_enabled=search.status != "active",
        feeds=tuple(Choice(name, f"/search.{kind}?saved={search.id}", False) for kind, name in FEEDS.items()),
        api_href=f"/v1/saved-searches/{search.id}",
    )


def _match(match: Match, card: Mapping[str, Any] | None, now: datetime) -> MatchRow:
    notes = {MatchState.LAPSED: "no longer matches", MatchState.RETRACTED: "taken down"}
    return MatchRow(
        title=clip(card.get("title"), 240) or "Without a title" if card else "An article that is gone",
        href=f"/articles/{match.article_id}" if card else None,
        source=clip(card.get("source"), 80) if card else "",
        note=notes.get(match.state, ""),
        at=_at(match.at, now),
    )


def _delivery(one: Delivery, now: datetime) -> DeliveryRow:
    return DeliveryRow(
        webhook_id=one.webhook_id,
        kind=_KINDS.get(one.kind, one.kind),
        href=f"/articles/{one.article_id}" if one.article_id else None,
        at=_at(one.at, now),
        attempt=one.tries,
        said=delivery_phrase(one.outcome, one.status),
        ok=one.outcome == "delivered",
        took=f"{one.duration_ms:,} ms",
    )


def save_form(address: Address) -> SaveForm:
    """Return the form for the search at `address`. Dates are no part of a search that goes on."""
    q = address.get("q").strip()
    pairs = tuple(pair for pair in address.pairs if pair[0] in VALUE_FILTERS)
    shown = chips(pairs)
    return SaveForm(
        id="",
        name=plain(q or ", ".join(chip.value for chip in shown) or "Everything", NAME_CHARS),
        q=q,
        webhook_url="",
        hidden=pairs,
        filters=shown,
        dates_left_out=bool(address.get("from") or address.get("to")),
    )


def form_of(search: SavedSearch) -> SaveForm:
    pairs = filter_pairs(search.filters)
    return SaveForm(
        id=search.id,
        name=search.name,
        q=search.q,
        webhook_url=search.webhook_url or "",
        hidden=pairs,
        filters=chips(pairs),
        dates_left_out=False,
    )


def _at(value: datetime | None, now: datetime) -> Moment | None:
    return moment(value.isoformat(), now) if value else None
