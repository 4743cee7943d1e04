"""The quotes of an article as a list that leads into its text. Pure; nothing here trusts the offsets."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from services.index.web.address import Address
from services.index.web.texts import clip

MAX_QUOTES = 20
QUOTE_CHARS = 400
SPEAKER_CHARS = 80
_LINE = re.compile(r"[^\n\r]*\S[^\n\r]*")


@dataclass(frozen=True, slots=True)
class QuoteRow:
    """`marked`: the words stood between quotation marks. `href` is the paragraph that they are from.

    `speaker` is "" where nobody knows who spoke; `speaker_href` finds articles that name a known speaker.
    """

    text: str
    marked: bool
    speaker: str
    speaker_href: str | None
    href: str


def quote_rows(
    body: str, quotes: Iterable[Mapping[str, Any]], entities: Iterable[Mapping[str, Any]]
) -> tuple[QuoteRow, ...]:
    """Return the first quotes; paragraphs count from 1, as the lines of the body that hold text."""
    starts = [line.start() for line in _LINE.finditer(body)]
    labels = {entity.get("canonical"): entity.get("label") for entity in entities}
    return tuple(
        _row(quote, starts, labels) for quote in islice(quotes, MAX_QUOTES) if clip(quote.get("text"), 1)
    )


def _row(quote: Mapping[str, Any], starts: list[int], labels: Mapping[Any, Any]) -> QuoteRow:
    speaker, start = quote.get("speaker"), quote.get("start")
    label = labels.get(speaker)
    paragraph = bisect_right(starts, start) if isinstance(start, int) else 0
    return QuoteRow(
        text=clip(quote.get("text"), QUOTE_CHARS),
        marked=quote.get("kind") == "direct",
        speaker=clip(speaker, SPEAKER_CHARS),
        speaker_href=Address((("entity", f"{label}:{speaker}"),)).href if label else None,
        href=f"#p{max(1, paragraph)}",
    )
