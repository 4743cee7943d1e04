"""How commands talk: results to stdout, everything about them to stderr, failures as what to do next."""

from __future__ import annotations

import html
import json
import os
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

TONE_STYLES = {"negative": "red", "neutral": "dim", "positive": "green"}
_TAG = re.compile(r"<(/?)([a-z]{1,10})>")
# A command in backquotes, or one that is all of the advice.
_COMMAND = re.compile(r"(?:(?<=`)|^)wireroom(?= [a-z])")
# The line of a query error that points at the place in the line above it.
_CARET = re.compile(r" *\^")
# With what turns the direction of all that follows: few terminals end it where the text ends.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Failure(Exception):
    """A failure that was foreseen. `hint` says what to do about it."""

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(message)


@cache
def stdout() -> Console:
    from rich.console import Console

    return Console(highlight=False)


@cache
def stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def show(renderable: RenderableType) -> None:
    """Print to stdout. Into a pipe or a file go lines without the spaces that fill them up."""
    console = stdout()
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def show_failure(error: Exception) -> None:
    """Print a failure: what happened first, then what to do, each on lines of its own."""
    from rich.text import Text

    message, hint = (error.message, error.hint) if isinstance(error, Failure) else (str(error), "")
    first, _, rest = message.partition("\n")
    console = stderr()
    console.print(Text.assemble(("✗ ", "bold red"), (first, "bold")), soft_wrap=True)
    lines = [*rest.splitlines(), *hint.splitlines()]
    for line, below in pairwise([*lines, ""]):
        if _CARET.fullmatch(below):
            for text in pointed_at(harmless(line), below.index("^"), console.width - 2):
                console.print(Text("  ").append_text(text), soft_wrap=True)
        elif line and not _CARET.fullmatch(line):
            console.print(Text(f"  {as_typed(line)}"), soft_wrap=True)


def pointed_at(line: str, position: int, width: int) -> tuple[Text, Text]:
    """Return the part of `line` around a character in `width` cells, and a caret under that character."""
    from rich.cells import cell_len
    from rich.text import Text

    start, end = 0, len(line)
    while cell_len(line[start:position]) > max(width * 2 // 3, 1):
        start += 1
    while end > position + 1 and cell_len(line[start:end]) > width:
        end -= 1
    excerpt = Text(line[start:end])
    excerpt.stylize("bold red", position - start, position - start + 1)
    return excerpt, Text(" " * cell_len(line[start:position]) + "^", "bold red")


def as_typed(advice: str) -> str:
    """Return advice with `wireroom` as this user types it: `./run` when that is how we were started."""
    return _COMMAND.sub(os.environ.get("WIREROOM_COMMAND") or "wireroom", advice)


def print_json(document: Any) -> None:
    """Print one JSON document for a script: plain, whole, in UTF-8."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def harmless(text: str) -> str:
    """Return text from outside without the control characters that would steer a terminal."""
    return _STEERING.sub("", text)


def one_line(text: object) -> str:
    """Return a name or title from outside as `harmless` does, and without the line breaks it may have."""
    return " ".join(harmless(str(text or "")).split())


def marked_text(fragment: str, style: str = "", mark_style: str = "bold yellow") -> Text:
    """Return an HTML fragment whose only tag is <mark> as styled text; other tags are dropped."""
    from rich.text import Text

    text = Text(style=style)
    position, marked = 0, False
    for tag in _TAG.finditer(fragment):
        _append(text, fragment[position : tag.start()], mark_style if marked else "")
        position = tag.end()
        if tag[2] in {"mark", "b", "em"}:
            marked = tag[1] == ""
    _append(text, fragment[position:], mark_style if marked else "")
    return text


def _append(text: Text, piece: str, style: str) -> None:
    text.append(harmless(" ".join(html.unescape(piece).split(" "))), style=style or None)


def short_date(instant: str | None) -> str:
    """Return an ISO 8601 instant as people read it, in UTC: `19 Jun 2023, 14:00`."""
    if not instant:
        return "no date"
    try:
        at = datetime.fromisoformat(instant)
    except ValueError:
        return harmless(instant)
    # A day alone was given: its midnight means nothing.
    return f"{at.day} {at:%b %Y}" if (at.hour, at.minute) == (0, 0) else f"{at.day} {at:%b %Y, %H:%M}"


def plural(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def names(values: Iterable[str], limit: int) -> str:
    """Return the first `limit` values as a list in words, and how many more there are."""
    listed = [one_line(value) for value in values]
    more = f" +{len(listed) - limit}" if len(listed) > limit else ""
    return ", ".join(listed[:limit]) + more
