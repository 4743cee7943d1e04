"""The body of an article in paragraphs, with the entities marked where they are mentioned. Pure.

Offsets come from enrichment, but nothing here relies on them being sane.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.index.web.address import Address
from services.index.web.labels import entity_class, entity_word
from services.index.web.texts import plain, signed, tone_label, within

MAX_MENTIONS = 5_000
MAX_MENTION_CHARS = 200
NAME_CHARS = 80
_LINE = re.compile(r"[^\n\r]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text. Where an entity is mentioned, `css` says of which kind and `tip` what is known of it.

    `tone` is the word for how it is spoken of, `href` finds articles on it: neither is there for a date.
    """

    text: str
    css: str = ""
    tip: str = ""
    tone: str = ""
    href: str = ""


Paragraph = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    of: Piece


def mentions_of(body_chars: int, entities: Iterable[Mapping[str, Any]]) -> list[_Mention]:
    """Return the mentions that can be marked, in order: inside the body, short, and not over each other.

    Of two that overlap the one that begins first is kept, the longer one when they begin together.
    """
    found: list[_Mention] = []
    for entity in entities:
        of = _mention_of(entity)
        for mention in entity.get("mentions") or ():
            start, end = mention.get("start", -1), mention.get("end", -1)
            if 0 <= start < end <= body_chars and end - start <= MAX_MENTION_CHARS:
                found.append(_Mention(start, end, of))
        if len(found) > MAX_MENTIONS:
            break
    found.sort(key=lambda mention: (mention.start, -mention.end))
    kept: list[_Mention] = []
    for mention in found[:MAX_MENTIONS]:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _mention_of(entity: Mapping[str, Any]) -> Piece:
    """Return what every mention of the entity shows, without a text."""
    label = str(entity.get("label"))
    parts = [entity_word(label), plain(entity.get("canonical"), NAME_CHARS)]
    score = within(entity, "sentiment", "score")
    known = isinstance(score, int | float)
    if known:
        parts.append(f"tone {signed(score)}")
    css = entity_class(label)
    return Piece(
        "",
        css,
        " · ".join(parts),
        tone_label(score) if known else "",
        "" if css == "value" else Address((("entity", f"{label}:{entity.get('canonical')}"),)).href,
    )


def paragraphs_of(body: str, entities: Iterable[Mapping[str, Any]]) -> tuple[Paragraph, ...]:
    """Return the lines of the body that hold text, cut where entities are mentioned.

    A mention that runs over the end of a line is not marked.
    """
    mentions = mentions_of(len(body), entities)
    paragraphs: list[Paragraph] = []
    following = 0
    for line in _LINE.finditer(body):
        start, end = line.span()
        pieces: list[Piece] = []
        while following < len(mentions) and mentions[following].start < end:
            mention = mentions[following]
            following += 1
            if mention.start < start or mention.end > end:
                continue
            if mention.start > start:
                pieces.append(Piece(body[start : mention.start]))
            pieces.append(replace(mention.of, text=body[mention.start : mention.end]))
            start = mention.end
        if start < end:
            pieces.append(Piece(body[start:end]))
        if line.group().strip():
            paragraphs.append(tuple(pieces))
    return tuple(paragraphs)


_LEGEND = (("person", "person"), ("org", "organisation"), ("place", "place"), ("other", "other name"),
           ("value", "date or amount"))  # fmt: skip


def legend(paragraphs: Iterable[Paragraph]) -> tuple[tuple[str, str], ...]:
    used = {piece.css for paragraph in paragraphs for piece in paragraph}
    return tuple((css, word) for css, word in _LEGEND if css in used)
