"""One hit of a search on the terminal; the sample run, stories and trends show articles so, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.output import TONE_STYLES, marked_text, names, one_line, plural, short_date

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

# Longer lines are hard to read.
WIDTH = 100
SHOWN_ENTITIES = 6
SHOWN_OUTLETS = 4


def hit_lines(hit: dict[str, Any], number: int | None = None) -> RenderableType:
    """Return one hit: title, where and when and in what tone, the passage that matched, who is in it."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    highlights = hit.get("highlights") or {}
    lines = [byline(hit)]
    passage = _first_fragment(highlights.get("body"))
    if passage:
        lines.append(marked_text(" ".join(passage.split())))
    named = entity_names(hit)
    if named:
        lines.append(Text(names(named, SHOWN_ENTITIES), style="cyan"))
    if also := also_in(hit):
        lines.append(Text(also, style="magenta"))
    lines.append(Text(str(hit.get("id", "")), style="dim"))
    if number is None:
        return Group(title_text(hit), Padding(Group(*lines), (0, 0, 0, 2)))
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="dim", no_wrap=True, min_width=2)
    grid.add_column(max_width=WIDTH)
    grid.add_row(str(number), Group(title_text(hit), *lines))
    return grid


def title_text(article: dict[str, Any], style: str = "bold") -> Text:
    """Return the title with its marks, on one line."""
    from rich.text import Text

    marked = _first_fragment((article.get("highlights") or {}).get("title"))
    if marked:
        return marked_text(" ".join(marked.split()), style)
    return Text(one_line(article.get("title")) or "(no title)", style)


def _first_fragment(value: Any) -> str:
    """Highlights may be one string or a list of fragments."""
    if isinstance(value, list):
        return " … ".join(str(fragment) for fragment in value[:2])
    return str(value) if value else ""


def byline(article: dict[str, Any]) -> Text:
    from rich.text import Text

    source = one_line(article.get("source")) or "unknown source"
    # A style of the whole would also be one of what is appended.
    text = Text().append(f"{source} · {short_date(article.get('published_at'))}", "dim")
    tone = tone_text(article.get("sentiment"))
    return text.append(" · ", "dim").append_text(tone) if tone else text


def tone_text(tone: Any) -> Text | None:
    """Return `negative -0.40` in its colour; None where no tone was read."""
    from rich.text import Text

    if not isinstance(tone, dict) or not isinstance(tone.get("score"), int | float):
        return None
    label = str(tone.get("label"))
    return Text(f"{label} {tone['score']:+.2f}", style=TONE_STYLES.get(label, ""))


def entity_names(article: dict[str, Any]) -> list[str]:
    """Entities come as objects, or as `LABEL:name` strings."""
    found = []
    for entity in article.get("entities") or []:
        if isinstance(entity, dict):
            found.append(str(entity.get("canonical") or entity.get("text")))
        else:
            found.append(str(entity).partition(":")[2] or str(entity))
    return found


def also_in(hit: dict[str, Any]) -> str:
    """Return `also in 4 outlets: AP, …` for the near-duplicates that are shown under this hit, else ""."""
    duplicates = hit.get("duplicates")
    if not isinstance(duplicates, dict) or not duplicates.get("count"):
        return ""
    articles = [one for one in duplicates.get("articles") or [] if isinstance(one, dict)]
    named = [str(one["source"]) for one in articles if one.get("source")]
    outlets = [name for name in dict.fromkeys(named) if name != hit.get("source")]
    # Few of the articles come along; how many outlets have them all is counted by the service.
    if not duplicates.get("sources"):
        return f"{plural(int(duplicates['count']), 'more article')} by the same outlet"
    said = f"also in {plural(int(duplicates['sources']), 'outlet')}"
    if not outlets:
        return said
    shown = outlets[:SHOWN_OUTLETS]
    more = int(duplicates["sources"]) - len(shown)
    return f"{said}: {names(shown, SHOWN_OUTLETS)}{f' +{more}' if more > 0 else ''}"
