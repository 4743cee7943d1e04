"""The body of an article in paragraphs, with the entities marked where they are mentioned. Pure.

Offsets come from enrichment, but nothing here relies on them being sane.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.index.web.labels import entity_class
from services.index.web.texts import plain, signed, within

MAX_MENTIONS = 5_000
MAX_MENTION_CHARS = 200
NAME_CHARS = 80
_LINE = re.compile(r"[^\n\r]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text; `css` and `title` are set where an entity is mentioned."""

    text: str
    css: str = ""
    title: str = ""


Paragraph = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    css: str
    title: str


def mentions_of(body_chars: int, entities: Iterable[Mapping[str, Any]]) -> list[_Mention]:
    """Return the mentions that can be marked, in order: inside the body, short, and not over each other.

    Of two that overlap the one that begins first is kept, the longer one when they begin together.
    """
    found: list[_Mention] = []
    for entity in entities:
        css, title = entity_class(entity.get("label")), _mention_title(entity)
        for mention in entity.get("mentions") or ():
            start, end = mention.get("start", -1), mention.get("end", -1)
            if 0 <= start < end <= body_chars and end - start <= MAX_MENTION_CHARS:
                found.append(_Mention(start, end, css, title))
        if len(found) > MAX_MENTIONS:
            break
    found.sort(key=lambda mention: (mention.start, -mention.end))
    kept: list[_Mention] = []
    for mention in found[:MAX_MENTIONS]:
        if not kept or mention.start >= kept[-1].end:
            kept.append(mention)
    return kept


def _mention_title(entity: Mapping[str, Any]) -> str:
    parts = [str(entity.get("label")), plain(entity.get("canonical"), NAME_CHARS)]
    score = within(entity, "sentiment", "score")
    if isinstance(score, int | float):
        parts.append(f"tone {signed(score)}")
    return " · ".join(parts)


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
            pieces.append(Piece(body[mention.start : mention.end], mention.css, mention.title))
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
