"""Texts as a page shows them: bounded, and unable to disturb what stands around them. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from shared.instants import rfc3339

MAX_URL_CHARS = 2_048
_MARK = re.compile(r"(</?mark>)")
# Marks and overrides of writing direction: within an element they end with it, in a tab's title they do not.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def clip(text: object, length: int) -> str:
    """Return the text in at most `length` characters, without control characters."""
    shown = UNPRINTABLE.sub("", str(text or "")[: length + 1]).strip()
    return shown if len(shown) <= length else shown[: length - 1].rstrip() + "…"


def plain(text: object, length: int) -> str:
    """Return the text for an attribute or a tab's title, where nothing isolates writing direction."""
    return clip(_DIRECTION.sub("", str(text or "")[: 4 * length]), length)


def marked(highlighted: str, length: int) -> Markup:
    """Return escaped HTML with <mark> as an engine gives it, cut after `length` characters of text.

    Everything but the marks is unescaped and escaped anew: what an engine fails to escape shows as text.
    """
    parts: list[Markup] = []
    inside, left = False, length
    for piece in _MARK.split(highlighted):
        if piece in ("<mark>", "</mark>"):
            inside = piece == "<mark>"
            continue
        # A character is at most six when escaped, so this is more than what is shown of the piece.
        text = UNPRINTABLE.sub("", html.unescape(piece[: 6 * (left + 1)]))
        if not text:
            continue
        shown = escape(text[:left])
        parts.append(Markup("<mark>{}</mark>").format(shown) if inside else shown)
        left -= len(text)
        if left < 0:
            parts.append(Markup("…"))
            break
    return Markup("").join(parts)


def web_url(url: object) -> str | None:
    """Return the URL if a reader may follow it: http or https, with a host and nothing invisible in it."""
    if not isinstance(url, str) or len(url) > MAX_URL_CHARS or _DIRECTION.search(url):
        return None
    if any(char.isspace() or not char.isprintable() for char in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and host else None


def host_of(url: str) -> str:
    return clip((urlsplit(url).hostname or "").removeprefix("www."), 60)


def language_attribute(code: object) -> str | None:
    """Return the code if it may stand in a `lang` attribute."""
    known = isinstance(code, str) and code != "und" and _LANGUAGE.fullmatch(code)
    return code if known and isinstance(code, str) else None


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant for a `time` element: `iso` for programs, the others for people."""

    iso: str
    absolute: str
    relative: str


def moment(value: object, now: datetime) -> Moment | None:
    """Return the instant an ISO 8601 text stands for; None when it stands for none."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Moment(
        iso=rfc3339(at),
        absolute=f"{at.day} {at:%b} {at.year}, {at:%H:%M} UTC",
        relative=relative(at, now),
    )


def date_words(value: str) -> str:
    """Return a date or an instant as people write it; what is neither stays as it is."""
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return value
    day = f"{at.day} {at:%b} {at.year}"
    return f"{day}, {at:%H:%M}" if len(value) > len("2026-11-25") else day


_UNITS = (("year", 31_557_600), ("month", 2_629_800), ("day", 86_400), ("hour", 3_600), ("minute", 60))


def relative(at: datetime, now: datetime) -> str:
    """Return how long ago `at` was, in the largest unit it fills, or how soon it will be."""
    seconds = (now - at).total_seconds()
    for unit, length in _UNITS:
        count = int(abs(seconds) // length)
        if count:
            span = f"{count:,} {unit}{'s' if count > 1 else ''}"
            return f"{span} ago" if seconds > 0 else f"in {span}"
    return "just now"


@dataclass(frozen=True, slots=True)
class Tone:
    """A sentiment for people. `position` is where the score stands on a line from 0 to 100."""

    label: str
    score: str
    position: int


def tone(sentiment: object) -> Tone | None:
    if not isinstance(sentiment, dict) or not isinstance(score := sentiment.get("score"), int | float):
        return None
    score = max(-1.0, min(1.0, float(score)))
    label = sentiment.get("label")
    if label not in ("negative", "neutral", "positive"):
        label = tone_label(score)
    return Tone(str(label), signed(score), round(50 + 50 * score))


def tone_label(score: float) -> str:
    """Return the word for an entity's score, which comes without one; the borders are the page's own."""
    return "negative" if score <= -0.1 else "positive" if score >= 0.1 else "neutral"


def signed(score: float) -> str:
    shown = f"{abs(score):.2f}"
    return shown if float(shown) == 0 else f"{'+' if score > 0 else '−'}{shown}"


def capitalized(text: str) -> str:
    """Return the text with its first letter large and the others as they are."""
    return text[:1].upper() + text[1:]


def joined(names: Iterable[str]) -> str:
    """Return "A, B and C"."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} and {last}" if first else last


def within(document: Mapping[str, Any], *path: str) -> Any:
    """Return what stands under the names one in the other, None when there is nothing."""
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
