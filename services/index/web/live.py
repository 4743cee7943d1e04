"""What the page of the live wire shows. Pure.

`static/live.js` makes the same rows out of the events of `/v1/stream`, with text nodes only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.index.engine.protocol import Page
from services.index.web.address import Address
from services.index.web.stories import Headline, headline
from services.index.web.texts import capitalized, clip


@dataclass(frozen=True, slots=True)
class Row:
    id: str
    headline: Headline


@dataclass(frozen=True, slots=True)
class LiveView:
    """`stream_href` is the stream of events behind the articles shown; `search_href` searches the same."""

    heading: str
    rows: tuple[Row, ...]
    chosen: bool
    stream_href: str
    search_href: str
    warnings: tuple[str, ...]


def live_view(
    page: Page, address: Address, *, after: str, warnings: Iterable[str], now: datetime
) -> LiveView:
    q = address.get("q").strip()
    return LiveView(
        heading=f"Live: “{clip(q, 120)}”" if q else "Live wire",
        rows=tuple(Row(hit.id, headline(hit.card, now)) for hit in page.hits),
        chosen=bool(q or address.filters),
        stream_href=address.elsewhere("/v1/stream", lenient="true", last_event_id=after),
        search_href=address.elsewhere("/"),
        warnings=tuple(capitalized(clip(warning, 300)) for warning in warnings),
    )
