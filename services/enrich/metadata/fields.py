"""The fields that a page can tell, and how the strings in them are cleaned and cut."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import datetime
from html import unescape
from typing import Final

from services.enrich.steps.normalize import normalize_characters, one_line
from shared.events import Image

MAX_TITLE_CHARS: Final = 300
MAX_NAME_CHARS: Final = 150
MAX_DESCRIPTION_CHARS: Final = 2_000
MAX_KEYWORD_CHARS: Final = 100
MAX_KEYWORDS: Final = 50
MAX_AUTHORS: Final = 20

_TAG = re.compile(r"<[^<>]{0,300}>")
_BY = re.compile(r"by(?::\s?|\s)", re.IGNORECASE)
_KEYWORD_SEPARATOR = re.compile(r"[,;]")
_AUTHOR_SEPARATOR = re.compile(r"\s*[;|\n\u2022]\s*")
_NAME_SEPARATOR = re.compile(r",? and |,? & |, ")
_PROFILES: Final = ("http:", "https:", "//", "www.", "@")
_ROLE = re.compile(
    r"\b(?:editors?|correspondents?|reporters?|writers?|producers?|columnists?|contributors?|journalists?|analysts?"
    r"|anchors?|photographers?|critics?|desk|bureau|staff|team|chief)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What one reader has found; instants are UTC-aware, URLs absolute http(s) ones without fragment.

    `language` is the tag that the page declares, `is_accessible_for_free` false behind a paywall and None if
    the page does not say, `body` the article's text as the page's markup repeats it for machines.
    """

    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    image: Image | None = None
    canonical_url: str | None = None
    site_name: str | None = None
    language: str | None = None
    is_accessible_for_free: bool | None = None
    body: str | None = None


_FIELDS: Final = tuple(field.name for field in fields(Metadata))


def first_found(readers: Iterable[Metadata]) -> Metadata:
    """Return each field from the first of the readers that has found it."""
    found: dict[str, object] = {}
    for metadata in readers:
        for name in _FIELDS:
            value = getattr(metadata, name)
            if value is not None and value != ():
                found.setdefault(name, value)
    return replace(Metadata(), **found)  # type: ignore[arg-type]


def plain_line(value: object, max_chars: int) -> str | None:
    """Return a string of a page on one line without entities, tags and invisible characters, cut to size."""
    if not isinstance(value, str):
        return None
    text = _unescaped(value[: 4 * max_chars])
    if "<" in text:
        text = _TAG.sub(" ", text)
    return one_line(normalize_characters(text))[:max_chars].rstrip() or None


def _unescaped(text: str) -> str:
    """Twice: many systems escape what is escaped already."""
    return unescape(unescape(text)) if "&" in text else text


def keyword_list(texts: Iterable[object]) -> tuple[str, ...]:
    """Return keywords out of strings that hold one each or several between commas or semicolons."""
    words: dict[str, None] = {}
    for text in texts:
        if not isinstance(text, str):
            continue
        listed = _unescaped(text[: 2 * MAX_KEYWORDS * MAX_KEYWORD_CHARS])
        for piece in _KEYWORD_SEPARATOR.split(listed)[: 4 * MAX_KEYWORDS]:
            if word := plain_line(piece, MAX_KEYWORD_CHARS):
                words[word] = None
        if len(words) >= MAX_KEYWORDS:
            break
    return tuple(words)[:MAX_KEYWORDS]


def author_names(texts: Iterable[object], other_than: str | None = None) -> tuple[str, ...]:
    """Return names out of bylines: "By Ann Lee and Bob Ray, Political Editor" names two.

    Addresses of profiles and the name of the site itself (`other_than`) are no authors.
    """
    names: dict[str, None] = {}
    for text in texts:
        if not isinstance(text, str) or text.lstrip().lower().startswith(_PROFILES):
            continue
        for byline in _AUTHOR_SEPARATOR.split(_unescaped(text[: 16 * MAX_NAME_CHARS]))[:MAX_AUTHORS]:
            for name in _names(plain_line(byline, 4 * MAX_NAME_CHARS) or ""):
                names[name] = None
        if len(names) >= MAX_AUTHORS:
            break
    site = (other_than or "").casefold()
    return tuple(name for name in names if name.casefold() != site)[:MAX_AUTHORS]


def _names(byline: str) -> list[str]:
    if said_by := _BY.match(byline):
        byline = byline[said_by.end() :]
    if "@" in byline:
        byline = " ".join(word for word in byline.split() if "@" not in word)
    byline = byline.strip(" ,.;:()")
    pieces = [piece for piece in _NAME_SEPARATOR.split(byline) if piece]
    # "Lee, Ann" and "Dow Jones & Co" are one name each; names in a list have two words or more.
    if len(pieces) > 1 and all(2 <= len(piece.split()) <= 5 or _ROLE.search(piece) for piece in pieces):
        people = [piece for piece in pieces if not _ROLE.search(piece)]
        return [piece[:MAX_NAME_CHARS] for piece in people or pieces]
    return [byline[:MAX_NAME_CHARS]] if any(map(str.isalpha, byline)) else []
