"""One article on the terminal: text, what was found in it, and what has happened to it."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from datetime import datetime
from typing import Any

from services.cli.output import TONE_STYLES, harmless, names, one_line, short_date, stdout

WIDTH = 100
MAX_QUOTES = 10
QUOTE_CHARS = 160
LABEL_NAMES = {
    "PERSON": "People", "ORG": "Organisations", "GPE": "Places", "LOC": "Regions", "FAC": "Sites",
    "NORP": "Groups", "EVENT": "Events", "PRODUCT": "Products", "WORK_OF_ART": "Works", "LAW": "Laws",
    "DATE": "Dates", "MONEY": "Money", "PERCENT": "Shares",
}  # fmt: skip


def show_article(
    article_id: str, article: dict[str, Any] | None, receipt: dict[str, Any] | None, *, retracted: bool
) -> None:
    from rich.text import Text

    console = stdout()
    if article is None:
        said = "was taken down" if retracted else "is not in the index (yet)"
        console.print(f"{article_id} {said}.", soft_wrap=True)
    else:
        console.print(Text(one_line(article.get("title")) or "(no title)", style="bold"))
        console.print(Text(_where_and_when(article), style="dim"))
        if article.get("url"):
            console.print(Text(harmless(article["url"]), style="dim"), soft_wrap=True)
        console.print()
        for paragraph in harmless(article.get("body") or "").split("\n"):
            console.print(Text(textwrap.fill(paragraph, min(WIDTH, console.width))))
        console.print()
        console.print(_facts(article))
    if receipt is not None:
        console.print()
        console.print(_timeline(receipt))


def _where_and_when(article: dict[str, Any]) -> str:
    authors = names(article.get("authors") or [], 3)
    date = short_date(article.get("published_at"))
    if "published_at" in (article.get("doubtful_dates") or ()):
        date += " (doubtful)"
    parts = [one_line(article.get("source")) or "unknown source", date, authors]
    return " · ".join(part for part in parts if part)


def _facts(article: dict[str, Any]) -> Any:
    """Return a grid of what enrichment found, one kind a row."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    tone = article.get("sentiment") or {}
    if "sentiment" in (article.get("unsupported") or ()):
        grid.add_row("Tone", Text("not read in this language", style="dim"))
    elif tone:
        style = TONE_STYLES.get(str(tone.get("label")), "")
        grid.add_row("Tone", Text(f"{tone.get('label')} {tone.get('score', 0):+.2f}", style=style))
    by_label: dict[str, list[str]] = defaultdict(list)
    for entity in article.get("entities") or []:
        count = f" ×{entity['count']}" if entity.get("count", 1) > 1 else ""
        count += " (publisher)" if entity.get("origin") == "publisher" else ""
        by_label[str(entity.get("label"))].append(f"{entity.get('canonical')}{count}")
    for label, title in LABEL_NAMES.items():
        if by_label[label]:
            grid.add_row(title, Text(names(by_label[label], 12)))
    if article.get("keyphrases"):
        grid.add_row("Keyphrases", Text(names([phrase["text"] for phrase in article["keyphrases"]], 8)))
    for quote in (article.get("quotes") or [])[:MAX_QUOTES]:
        text = textwrap.shorten(harmless(str(quote.get("text") or "")), QUOTE_CHARS, placeholder=" …")
        grid.add_row("Quote", Text(f"{harmless(str(quote.get('speaker') or 'unclear who'))}: {text}"))
    if article.get("topics"):
        grid.add_row(
            "Topics", Text(names(list(dict.fromkeys(topic["name"] for topic in article["topics"])), 4))
        )
    for related in article.get("related") or []:
        title = harmless(related.get("title") or related.get("url") or related.get("id") or "")
        grid.add_row(str(related.get("kind", "")).capitalize(), Text(title))
    if article.get("story_id"):
        grid.add_row("Story", Text(str(article["story_id"])))
    return grid


def _timeline(receipt: dict[str, Any]) -> Any:
    """Return the receipt: each stage with the time since the article was accepted."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    rows = receipt.get("timeline") or []
    begun = _instant(rows[0]["at"]) if rows else None
    for row in rows:
        at = _instant(row.get("at"))
        since = f"+{(at - begun).total_seconds():.3f} s" if at and begun and at != begun else ""
        stage = str(row.get("stage", "")).replace("_", "-")
        when = f"{at:%Y-%m-%d %H:%M:%S}" if at else ""
        by = f"by {row['by']}" if row.get("by") else ""
        detail = harmless(" · ".join(filter(None, (row.get("detail"), by))))
        grid.add_row(Text(when, style="dim"), stage, f"rev {row.get('revision')}", since, Text(detail))
    if receipt.get("duplicates"):
        grid.add_row("", f"submitted again ×{receipt['duplicates']}", "", "", "")
    if receipt.get("duplicate_of"):
        grid.add_row("", "nearly the same as", "", "", str(receipt["duplicate_of"]))
    return grid


def _instant(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
