"""Quotes of an article: who said what, in marks or reported."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from services.enrich.quotes import words
from services.enrich.quotes.attribution import ACCORDING
from services.enrich.quotes.marks import paragraphs, quoted, reopens
from services.enrich.quotes.reading import Found, ParagraphReader
from services.enrich.quotes.speakers import Memory
from services.enrich.quotes.tokens import Named, folded, tokens_of
from shared.events import Entity, Quote

VERSION: Final = "quotes-1"
MAX_CHARS: Final = 200_000
MAX_QUOTES: Final = 300
MAX_QUOTE_CHARS: Final = 5_000
_SIGNALS: Final = frozenset(
    form + mark for form in (*words.CUES, ACCORDING) for mark in ("", ",", ".", ":", ";", "—")
)


def find_quotes(body: str, entities: Iterable[Entity]) -> tuple[Quote, ...]:
    """Return the quotes of `body` in order: at most MAX_QUOTES, of its first MAX_CHARS characters."""
    text = body[:MAX_CHARS]
    lower = folded(text)
    names = sorted(
        [
            Named(mention.start, mention.end, entity.label, entity.canonical)
            for entity in entities
            for mention in entity.mentions
            if mention.end <= len(text)
        ]
    )
    starts = [name.start for name in names]
    memory = Memory()
    found: list[Found] = []
    going_on: Found | None = None
    for start, end in paragraphs(text):
        here = names[bisect_left(starts, start) : bisect_left(starts, end)]
        marks = quoted(text, start, end)
        if marks and marks[-1].unclosed and not reopens(text, end):
            marks.pop()
        memory.new_paragraph()
        if not marks and _SIGNALS.isdisjoint(lower[start:end].split()):
            memory.pass_over(here)
            going_on = None
            continue
        known = len(found)
        found += ParagraphReader(text, tokens_of(text, lower, start, end, marks, here), memory).read(going_on)
        going_on = found[-1] if marks and marks[-1].unclosed and len(found) > known else None
        if len(found) >= MAX_QUOTES:
            break
    return tuple(_quote(text, one) for one in sorted(found)[:MAX_QUOTES])


def _quote(text: str, found: Found) -> Quote:
    end = min(found.end, found.start + MAX_QUOTE_CHARS)
    return Quote(
        text=text[found.start : end],
        start=found.start,
        end=end,
        kind=found.kind,
        cue=found.cue,
        speaker=found.speaker.name,
        speaker_start=found.speaker.start,
        speaker_end=found.speaker.end,
    )
