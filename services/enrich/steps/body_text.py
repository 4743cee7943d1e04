"""All text of a page, one paragraph per block element: for fragments, and where extraction finds nothing."""

from __future__ import annotations

from typing import Any, Final

# Twenty times as many as the heaviest pages of newspapers have; each takes 2.5 µs.
_MAX_ELEMENTS: Final = 100_000
_MAX_CELL_CHARS: Final = 60
_CELL: Final = "\x1f"

_BLOCK_TAG_NAMES: Final = """
    address article aside blockquote br center dd div dl dt fieldset figcaption figure footer form h1 h2 h3 h4
    h5 h6 header hr li main nav ol p pre section table tr ul
"""
_BLOCK_TAGS: Final = frozenset(_BLOCK_TAG_NAMES.split())
_CELL_TAGS: Final = frozenset({"td", "th"})
_SILENT_TAGS: Final = frozenset(
    {"script", "style", "noscript", "template", "svg", "head", "iframe", "object"}
)


def body_text(root: Any) -> str:
    """Return all text of <body> but scripts and styles, of its first 100,000 elements.

    A row of a table is one line, "Leeds | 2-1 | Hull", unless its cells hold running text, as where a table
    makes the layout.
    """
    body = root.find("body")
    pieces: list[str] = []
    stack: list[tuple[Any, bool]] = [(root if body is None else body, False)]
    left = _MAX_ELEMENTS
    while stack and left:
        element, is_done = stack.pop()
        tag = element.tag
        if is_done:
            if tag in _BLOCK_TAGS:
                pieces.append("\n")
            pieces.append(element.tail or "")
            continue
        left -= 1
        stack.append((element, True))
        if tag in _SILENT_TAGS:
            continue
        if tag in _BLOCK_TAGS:
            pieces.append("\n")
        elif tag in _CELL_TAGS:
            pieces.append(_CELL)
        pieces.append(element.text or "")
        # No more than can still be read: a million children would wait here for each parent.
        stack.extend([(child, False) for child in reversed(element[:left])])
    return "\n\n".join(_paragraphs("".join(pieces)))


def _paragraphs(text: str) -> list[str]:
    paragraphs: list[str] = []
    for line in text.split("\n"):
        if _CELL in line:
            paragraphs += table_row(line.split(_CELL))
        elif plain := " ".join(line.split()):
            paragraphs.append(plain)
    return paragraphs


def table_row(cells: list[str]) -> list[str]:
    """Return the paragraphs of a row of a table: one of all cells, or one of each where they hold text."""
    filled = [cell for cell in (" ".join(cell.split()) for cell in cells) if cell]
    return (
        filled if any(len(cell) > _MAX_CELL_CHARS for cell in filled) else [" | ".join(filled)] * bool(filled)
    )
