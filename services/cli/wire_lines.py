"""Articles of the live wire, one line each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from services.cli.hit_view import entity_names
from services.cli.output import TONE_STYLES, names, one_line

if TYPE_CHECKING:
    from rich.text import Text

SOURCE_CELLS = 18
SHOWN_ENTITIES = 3
# Names that would get less room than this are left out.
LEAST_ENTITY_CELLS = 12


def article_line(card: dict[str, Any], width: int | None) -> Text:
    """Return time (UTC), tone, source, title and who is in it; cut to `width` cells unless that is None."""
    from rich.text import Text

    title = one_line(card.get("title")) or "(no title)"
    source = one_line(card.get("source")) or "unknown source"
    named = names(entity_names(card), SHOWN_ENTITIES)
    line = Text().append(f"{_clock(card.get('indexed_at') or card.get('published_at'))}  ", "dim")
    line.append_text(_tone(card.get("sentiment"))).append("  ")
    if width is None:
        line.append(f"{source}  {title}")
        return line.append(f"  · {named}") if named else line
    line.append(_cut(source, SOURCE_CELLS, pad=True), "cyan").append("  ")
    line.append(_cut(title, max(width - line.cell_len, 1)), "bold")
    left = width - line.cell_len - 3
    if named and left >= LEAST_ENTITY_CELLS:
        line.append(f" · {_cut(named, left)}", "dim")
    return line


def retraction_line(title: str) -> Text:
    from rich.text import Text

    return Text.assemble(("          taken down  ", "yellow"), (one_line(title), "dim strike"))


def _tone(tone: Any) -> Text:
    from rich.text import Text

    score = tone.get("score") if isinstance(tone, dict) else None
    if not isinstance(score, int | float):
        return Text("    –", "dim")
    return Text(f"{score:+.2f}", TONE_STYLES.get(str(tone.get("label")), ""))


def _clock(instant: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(instant)).astimezone(UTC):%H:%M:%S}"
    except ValueError:
        return "--:--:--"


def _cut(text: str, cells: int, *, pad: bool = False) -> str:
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) > cells:
        return set_cell_size(text, max(cells - 1, 0)) + "…"
    return set_cell_size(text, cells) if pad else text
