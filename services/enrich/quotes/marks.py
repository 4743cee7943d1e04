"""Paragraphs, and what stands between quotation marks in them. Linear in the text, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

# A line that is wrapped is about this long, and ends inside a sentence.
_WRAPPED_LINE_CHARS: Final = 60
# More in one paragraph is no prose, and nothing in it is taken for words that were said.
_MAX_MARKS: Final = 1_000
_ENDS_PARAGRAPH: Final = '.!?:"”’»…'
_CLOSERS: Final = {"“": "”", "«": "»", "„": "“”", "‹": "›"}
_MARK = re.compile(r"[\"“”«»„‹›'‘’`]")
_DOUBLED: Final = ("``", "''")
_OPENING_SINGLES: Final = "'‘"


class Marked(NamedTuple):
    """What stands between marks: text[start:end] is inside, text[outer_start:outer_end] has the marks too.

    `unclosed`: nothing closed it, so it is a quote only if the next paragraph opens with a mark again.
    """

    start: int
    end: int
    outer_start: int
    outer_end: int
    unclosed: bool = False


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of the paragraphs: lines, or several where they are wrapped."""
    start = position = 0
    while position < len(text):
        newline = text.find("\n", position)
        end = len(text) if newline < 0 else newline
        if newline < 0 or not _is_wrapped(text, position, end):
            if end > start:
                yield start, end
            start = end + 1
        position = end + 1


def _is_wrapped(text: str, line_start: int, end: int) -> bool:
    if end - line_start < _WRAPPED_LINE_CHARS or text[end - 1] in _ENDS_PARAGRAPH:
        return False
    return text[end + 1 : end + 2] not in ("", "\n", "\r", " ", "\t")


def quoted(text: str, start: int, end: int) -> list[Marked]:
    """Return the outermost quoted stretches of the paragraph text[start:end], in order.

    A mark that nothing closes opens nothing, but for one in double marks at the end.
    """
    marks = _marks(text, start, end)
    if not marks or len(marks) > _MAX_MARKS:
        return []
    last_single = max((at for mark, at, after in marks if _closes("'", mark, text, after, end)), default=-1)
    found: list[Marked] = []
    opener, opened_at, depth = "", -1, 0
    for mark, at, after in marks:
        if opened_at < 0:
            if _opens(mark, text, at, after, end) and (mark not in _OPENING_SINGLES or at < last_single):
                opener, opened_at, depth = mark, at, 1
        elif mark == opener == '"' and _reopens_here(text, at, after, end):
            opened_at = at  # the mark before it was never closed
        elif mark == opener and mark in _CLOSERS:
            depth += 1
        elif _closes(opener, mark, text, after, end):
            depth -= 1
            if depth == 0:
                found.append(Marked(opened_at + len(opener), at, opened_at, after))
                opened_at = -1
    if opened_at >= 0 and opener not in _OPENING_SINGLES:
        found.append(Marked(opened_at + len(opener), end, opened_at, end, unclosed=True))
    return found


def _marks(text: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """Return the marks that can open or close something, each with its span: apostrophes are none."""
    marks: list[tuple[str, int, int]] = []
    for match in _MARK.finditer(text, start, end):
        mark, at = match.group(), match.start()
        if mark in "'‘’`":
            if text[at : at + 2] in _DOUBLED:
                marks.append((text[at : at + 2], at, at + 2))
                continue
            if mark == "`" or (marks and marks[-1][2] > at) or not _is_single_mark(text, at, end):
                continue
        marks.append((mark, at, at + 1))
    return marks


def _is_single_mark(text: str, at: int, end: int) -> bool:
    """Tell a single mark from an apostrophe.

    It opens in front of a word, and closes after a stop, before one, or after a word that is no plural
    possessive ("the boys' turn").
    """
    before = text[at - 1] if at else " "
    after = text[at + 1] if at + 1 < end else " "
    if after.isalnum():
        return not before.isalnum() and text[at] != "’"
    if text[at] == "‘" or not (before.isalnum() or before in '.,!?…—”"'):
        return False
    return not before.isalnum() or after in ".,;:?!" or (after.isspace() and before not in "sS")


def _opens(mark: str, text: str, at: int, after: int, end: int) -> bool:
    if mark == '"':
        before, following = text[at - 1 : at] if at else "", text[after : after + 1]
        return not before.isalnum() and after < end and not following.isspace()
    if mark in _OPENING_SINGLES:
        before, following = text[at - 1 : at] if at else "", text[after : after + 1]
        return not before.isalnum() and following.isalnum()
    return mark in _CLOSERS or mark == "``"


def _reopens_here(text: str, at: int, after: int, end: int) -> bool:
    return at > 0 and text[at - 1].isspace() and after < end and text[after].isalnum()


def _closes(opener: str, mark: str, text: str, after: int, end: int) -> bool:
    if opener in _OPENING_SINGLES:
        return mark in ("'", "’") and not (after < end and text[after].isalnum())
    if opener == '"':
        return mark == '"' and not (after < end and text[after].isalnum())
    if opener == "``":
        return mark in ("''", '"')
    return mark in _CLOSERS[opener] or (opener == "“" and mark == '"')


def reopens(text: str, end: int) -> bool:
    """Tell whether the paragraph after text[:end] opens with a mark: it goes on with a quote left open."""
    following = text[end : end + 20].lstrip()[:1]
    return following != "" and following in '"“«„'
