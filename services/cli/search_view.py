"""A page of results on the terminal: hits, facets as bars, and what the service said about the query."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from services.cli.charts import bar
from services.cli.hit_view import hit_lines
from services.cli.output import TONE_STYLES, as_typed, harmless, names, one_line, plural, show, stdout

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

BLOCK_WIDTHS = (36, 44)  # at least, at most
GAP = 3
BAR_WIDTH = 8
OFTEN_NAMED = 8
HEADINGS = {
    "entities": "Entities", "persons": "People", "orgs": "Organisations", "places": "Places",
    "sources": "Sources", "languages": "Languages", "topics": "Topics", "sentiment": "Tone",
    "stories": "Stories",
}  # fmt: skip


def show_hits(hits: list[dict[str, Any]], start: int = 1) -> None:
    console = stdout()
    for number, hit in enumerate(hits, start):
        show(hit_lines(hit, number))
        console.print()


def show_page(
    page: dict[str, Any], *, shown_facets: tuple[str, ...] = (), timeline: RenderableType | None = None
) -> None:
    """Print a page. Facets that were asked for are drawn; else one line says who is often named."""
    console = stdout()
    hits = [hit for hit in page.get("hits") or [] if isinstance(hit, dict)]
    show_hits(hits)
    console.print(_count_line(page, len(hits)))
    if timeline is not None:
        console.print()
        show(timeline)
    if shown_facets:
        console.print()
        show(facet_blocks(page, shown_facets, console.width))
    elif often := _often_named(page):
        console.print(often)
    show_warnings(page)
    if page.get("next_cursor"):
        console.print(_dim(f"More: --cursor {page['next_cursor']}"), soft_wrap=True)


def _count_line(page: dict[str, Any], shown: int) -> Text | str:
    from rich.text import Text

    total = page.get("total")
    if not shown:
        meant = page.get("did_you_mean")
        if not isinstance(meant, dict) or not meant.get("q"):
            return "Nothing found."
        text = str(meant["q"])
        count = f" ({plural(meant['total'], 'article')})" if isinstance(meant.get("total"), int) else ""
        command = as_typed(f"wireroom search {shlex.quote(harmless(text))}")
        return Text.assemble(
            "Nothing found. Did you mean ", (harmless(text), "bold"), f"?{count}\n", (f"  {command}", "dim")
        )
    if not isinstance(total, int):
        return _dim(plural(shown, "article") + " shown")
    exact = "" if page.get("exact", True) else "at least "
    some = f", {shown} shown" if total > shown else ""
    return _dim(f"{exact}{plural(total, 'article')}{some}")


def show_warnings(page: dict[str, Any]) -> None:
    from rich.text import Text

    for warning in page.get("warnings") or []:
        stdout().print(Text(f"! {harmless(str(warning))}", style="yellow"))


def _often_named(page: dict[str, Any]) -> Text | None:
    # What only one article names is not often named.
    rows = [row for row in _rows(page, "entities") if _count(row) > 1]
    counted = [f"{row.get('label') or row.get('value')} ({row.get('count')})" for row in rows]
    return _dim(f"Often named: {names(counted, OFTEN_NAMED)}") if counted else None


def facet_blocks(page: dict[str, Any], wanted: tuple[str, ...], width: int) -> RenderableType:
    """Return the facets as blocks of bars, as many beside each other as the width takes."""
    from rich.console import Group
    from rich.table import Table

    narrowest, broadest = BLOCK_WIDTHS
    across = max(1, (width + GAP) // (narrowest + GAP))
    block_width = min((width + GAP) // across - GAP, broadest)
    blocks = [_facet_block(name, _rows(page, name), block_width) for name in wanted]
    lines: list[RenderableType] = []
    for start in range(0, len(blocks), across):
        grid = Table.grid(padding=(0, GAP))
        grid.add_row(*blocks[start : start + across])
        lines += [grid, ""]
    return Group(*lines[:-1])


def _facet_block(name: str, rows: list[dict[str, Any]], width: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    heading = Text(HEADINGS.get(name, harmless(name)), "bold")
    if not rows:
        return Group(heading, _dim("none"))
    largest = max(_count(row) for row in rows)
    table = Table.grid(padding=(0, 1))
    digits = len(f"{largest:,}")
    table.add_column(width=max(width - BAR_WIDTH - digits - 2, 1), no_wrap=True, overflow="ellipsis")
    table.add_column(width=BAR_WIDTH, no_wrap=True)
    table.add_column(width=digits, justify="right", no_wrap=True)
    for row in rows:
        label = one_line(row.get("label") or row.get("value"))
        style = TONE_STYLES.get(str(row.get("value")), "cyan") if name == "sentiment" else "cyan"
        drawn = Text(bar(_count(row), largest, BAR_WIDTH), style)
        table.add_row(Text(label), drawn, Text(f"{_count(row):,}", "dim"))
    return Group(heading, table)


def _rows(page: dict[str, Any], name: str) -> list[dict[str, Any]]:
    facets = page.get("facets")
    rows = facets.get(name) if isinstance(facets, dict) else None
    return [row for row in rows or [] if isinstance(row, dict)]


def _count(row: dict[str, Any]) -> int:
    count = row.get("count")
    return count if isinstance(count, int) else 0


def _dim(words: str) -> Text:
    from rich.text import Text

    return Text(words, style="dim")
