"""Stories and trends on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.charts import bar
from services.cli.hit_view import WIDTH, also_in, byline, title_text, tone_text
from services.cli.output import as_typed, harmless, names, one_line, plural, short_date, show, stdout
from services.cli.search_view import show_warnings
from services.cli.timeline_view import timeline_lines, tone_style

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

SHOWN_SOURCES = 5
SHOWN_ENTITIES = 8
RISE_WIDTH = 12


def show_stories(page: dict[str, Any]) -> None:
    console = stdout()
    found = _objects(page.get("stories"))
    for number, story in enumerate(found, 1):
        show(_numbered(number, _story_lines(story)))
        console.print()
    if not found:
        console.print("No stories: no event that several of these articles report on.")
    show_warnings(page)
    if page.get("next_cursor"):
        from rich.text import Text

        console.print(Text(f"More: --cursor {page['next_cursor']}", "dim"), soft_wrap=True)


def _story_lines(story: dict[str, Any]) -> list[RenderableType]:
    from rich.text import Text

    lines: list[RenderableType] = [title_text(story), _facts(story)]
    if named := _names(story.get("entities")):
        lines.append(Text(names(named, SHOWN_ENTITIES), "cyan"))
    title = " ".join(str(story.get("title") or "").split())
    lines += [
        _article_line(article)
        for article in _objects(story.get("articles"))
        if " ".join(str(article.get("title") or "").split()) != title
    ]
    lines.append(Text(str(story.get("id", "")), "dim"))
    return lines


def _facts(story: dict[str, Any]) -> Text:
    """Return how many articles of whom, from when to when, in what tone."""
    from rich.text import Text

    first, last = (_day(story.get(name)) for name in ("first_published_at", "last_published_at"))
    count = story.get("article_count")
    parts = [
        plural(count, "article") if isinstance(count, int) else "",
        names(_names(story.get("sources")), SHOWN_SOURCES),
        first if first == last else f"{first} – {last}",
    ]
    text = Text().append(" · ".join(part for part in parts if part), "dim")
    mean = story.get("sentiment")
    score = mean.get("score") if isinstance(mean, dict) else mean
    if isinstance(score, int | float):
        text.append(" · ", "dim").append(f"{score:+.2f}", tone_style(float(score)))
    return text


def show_story(story: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    show(title_text(story))
    show(_facts(story))
    if named := _names(story.get("entities")):
        show(Text(names(named, SHOWN_ENTITIES), "cyan"))
    drawn = timeline_lines(_buckets(story.get("histogram")), console.width)
    if drawn is not None:
        console.print()
        show(drawn)
    console.print()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(max_width=WIDTH)
    before = ""
    for article in _objects(story.get("timeline")):
        day, _, clock = short_date(article.get("published_at")).partition(", ")
        grid.add_row(Text(f"{'' if day == before else day:>11}  {clock:>5}"), _timeline_entry(article))
        before = day
    show(grid)
    console.print()
    console.print(Text(str(story.get("id", "")), "dim"))


def _timeline_entry(article: dict[str, Any]) -> Text:
    from rich.text import Text

    entry = Text().append_text(title_text(article)).append("\n")
    entry.append(one_line(article.get("source")) or "unknown source", "dim")
    tone = tone_text(article.get("sentiment"))
    if tone is not None:
        entry.append(" · ", "dim").append_text(tone)
    if also := also_in(article):
        entry.append(f" · {also}", "magenta")
    return entry.append(f"\n{article.get('id', '')}", "dim")


def show_trends(answer: dict[str, Any]) -> None:
    from rich.text import Text

    console = stdout()
    rising = _objects(answer.get("trends"))
    spans = [str(answer.get(name) or "") for name in ("window", "baseline")]
    if all(spans):
        within, before = map(harmless, spans)
        console.print(Text(f"Named in the last {within} more than in the {before} before lets expect", "dim"))
        console.print()
    largest = max((_number(trend.get("count")) for trend in rising), default=0.0)
    for number, trend in enumerate(rising, 1):
        show(_numbered(number, _trend_lines(trend, largest)))
        console.print()
    if not rising:
        console.print("Nothing rises above its own past.")
    show_warnings(answer)


def _trend_lines(trend: dict[str, Any], largest: float) -> list[RenderableType]:
    from rich.text import Text

    entity = trend.get("entity") if isinstance(trend.get("entity"), dict) else {}
    name = one_line((entity or {}).get("canonical")) or "(no name)"
    label = harmless(str((entity or {}).get("label") or ""))
    count, expected = _number(trend.get("count")), _number(trend.get("expected"))
    head = Text.assemble((name, "bold"), (f"  {label}", "dim"))
    drawn = Text(bar(count, largest, RISE_WIDTH), "yellow")
    # The part that its past lets expect.
    drawn.stylize("dim", 0, round(RISE_WIDTH * min(expected / largest, 1)) if largest else 0)
    drawn.append(f" {plural(int(count), 'text')}, {expected:,.1f} expected", "dim")
    lines: list[RenderableType] = [head, drawn]
    lines += [_article_line(article) for article in _objects(trend.get("articles"))]
    lines.append(Text(as_typed(f'wireroom search --entity "{label}:{name}"'), "dim"))
    return lines


def _article_line(article: dict[str, Any]) -> Text:
    return title_text(article, "").append(" · ", "dim").append_text(byline(article))


def _numbered(number: int, lines: list[RenderableType]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", style="dim", no_wrap=True, min_width=2)
    grid.add_column(max_width=WIDTH)
    grid.add_row(str(number), Group(*lines))
    return grid


def _names(values: Any) -> list[str]:
    """Return what a list of names, or of objects that have one, names."""
    listed = values if isinstance(values, list) else []
    found = [_name(value) if isinstance(value, dict) else str(value) for value in listed]
    return [name for name in found if name]


def _name(value: dict[str, Any]) -> str:
    """An entity has a label beside its name, and a facet's value has one instead of it."""
    return next((str(value[key]) for key in ("canonical", "name", "label", "value") if value.get(key)), "")


def _objects(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _buckets(histogram: Any) -> list[dict[str, Any]]:
    return _objects(histogram.get("buckets") if isinstance(histogram, dict) else histogram)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _day(instant: Any) -> str:
    return short_date(str(instant)).partition(",")[0] if instant else ""
