"""`wireroom search` and `wireroom show`: what is in the index, as a person reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from services.cli import options
from services.cli.client import ServiceClient, Unreachable, api_key, refusal, service_url
from services.cli.output import (
    TONE_STYLES,
    Failure,
    harmless,
    marked_text,
    names,
    plural,
    print_json,
    short_date,
    stdout,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

TONES = ("negative", "neutral", "positive")
SORTS = ("relevance", "newest")
MAX_SIZE = 100
SHOWN_ENTITIES = 6
BODY_WIDTH = 100


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(show)


def search(
    query: Annotated[
        str, typer.Argument(help='Terms, "phrases", AND OR NOT, field:term, pre*. Empty matches all.')
    ] = "",
    source: Annotated[str | None, typer.Option(help="Only from this publisher.")] = None,
    entity: Annotated[
        str | None, typer.Option(help="Only about this: `Xi Jinping` or `PERSON:Xi Jinping`.")
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Only on this topic.")] = None,
    sentiment: Annotated[str | None, typer.Option(help="negative, neutral or positive.")] = None,
    published_from: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Published then or later: 2024-10-01.")
    ] = None,
    published_to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="Published then or earlier.")
    ] = None,
    sort: Annotated[str, typer.Option(help="relevance or newest.")] = "relevance",
    size: Annotated[int, typer.Option(min=1, max=MAX_SIZE, help="How many hits.")] = 10,
    cursor: Annotated[str | None, typer.Option(help="Where the page before ended.")] = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Search the articles."""
    if sentiment is not None and sentiment not in TONES:
        raise typer.BadParameter(f"--sentiment is one of {', '.join(TONES)}.")
    if sort not in SORTS:
        raise typer.BadParameter(f"--sort is one of {', '.join(SORTS)}.")
    given = {
        "q": query, "source": source, "entity": entity, "topic": topic, "sentiment": sentiment,
        "from": published_from, "to": published_to, "sort": sort, "size": size, "cursor": cursor,
        "facets": "entities",
    }  # fmt: skip
    params = {name: value for name, value in given.items() if value is not None}
    address = service_url("index", index_url, data_dir)
    with ServiceClient("index", address, api_key(api_key_file)) as client:
        page: dict[str, Any] = client.json("GET", "/v1/search", params=params)
    if json_output:
        print_json(page)
        return
    show_page(page)


def show_page(page: dict[str, Any]) -> None:
    from rich.text import Text

    console = stdout()
    hits = page.get("hits", [])
    for hit in hits:
        console.print(hit_lines(hit))
        console.print()
    total = page.get("total")
    if not hits:
        console.print("Nothing found.")
    elif total is not None:
        exact = "" if page.get("exact", True) else "at least "
        shown = f", {len(hits)} shown" if total > len(hits) else ""
        console.print(f"[dim]{exact}{plural(total, 'article')}{shown}[/]")
    facets = _facet_values(page, "entities")
    if facets:
        console.print(Text(f"Often named: {names(facets, 8)}", style="dim"))
    for warning in page.get("warnings") or []:
        console.print(Text(f"! {harmless(str(warning))}", style="yellow"))
    if page.get("next_cursor"):
        console.print(Text(f"More: --cursor {page['next_cursor']}", style="dim"), soft_wrap=True)


def _facet_values(page: dict[str, Any], name: str) -> list[str]:
    rows = (page.get("facets") or {}).get(name) or []
    return [f"{row.get('label') or row.get('value')} ({row.get('count')})" for row in rows]


def hit_lines(hit: dict[str, Any]) -> RenderableType:
    """Return one hit: title, where and when and in what tone, the passage that matched, who is in it."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    highlights = hit.get("highlights") or {}
    marked = _first_fragment(highlights.get("title"))
    title = (
        marked_text(marked, "bold") if marked else Text(harmless(hit.get("title") or "(no title)"), "bold")
    )
    lines = [_byline(hit)]
    passage = _first_fragment(highlights.get("body"))
    if passage:
        lines.append(marked_text(" ".join(passage.split())))
    named = _entity_names(hit)
    if named:
        lines.append(Text(names(named, SHOWN_ENTITIES), style="cyan"))
    lines.append(Text(str(hit.get("id", "")), style="dim"))
    return Group(title, Padding(Group(*lines), (0, 0, 0, 2)))


def _first_fragment(value: Any) -> str:
    """Highlights may be one string or a list of fragments."""
    if isinstance(value, list):
        return " … ".join(str(fragment) for fragment in value[:2])
    return str(value) if value else ""


def _byline(article: dict[str, Any]) -> Text:
    from rich.text import Text

    source = harmless(article.get("source") or "unknown source")
    text = Text(f"{source} · {short_date(article.get('published_at'))}", style="dim")
    tone = article.get("sentiment") or {}
    if tone:
        style = TONE_STYLES.get(str(tone.get("label")), "")
        text.append(" · ").append(f"{tone.get('label')} {tone.get('score', 0):+.2f}", style=style)
    return text


def _entity_names(article: dict[str, Any]) -> list[str]:
    """Entities come as objects, or as `LABEL:name` strings."""
    found = []
    for entity in article.get("entities") or []:
        if isinstance(entity, dict):
            found.append(str(entity.get("canonical") or entity.get("text")))
        else:
            found.append(str(entity).partition(":")[2] or str(entity))
    return found


def show(
    article_id: Annotated[str, typer.Argument(metavar="ID", help="The id that submit and search print.")],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show one article with all that was found in it, and its receipt."""
    key = api_key(api_key_file)
    path = f"/v1/articles/{quote(article_id, safe='')}"
    with ServiceClient("index", service_url("index", index_url, data_dir), key) as client:
        response = client.call("GET", path)
    receipt = _receipt(service_url("ingest", ingest_url, data_dir), key, path, data_dir)
    if response.status_code >= 400 and response.status_code not in {404, 410}:
        raise refusal("index", response)
    article = response.json() if response.status_code == 200 else None
    if article is None and receipt is None:
        raise Failure(f"no article {article_id} is known.", "`wireroom search` prints ids under each hit.")
    if json_output:
        print_json({"article": article, "receipt": receipt})
    else:
        from services.cli.article import show_article

        show_article(article_id, article, receipt, retracted=response.status_code == 410)
    if article is None:
        raise typer.Exit(1)


def _receipt(url: str, key: str | None, path: str, data_dir: Path | None) -> dict[str, Any] | None:
    """The article is worth showing without its receipt, so a missing ingest is no failure here."""
    try:
        with ServiceClient("ingest", url, key, data_dir=data_dir) as client:
            response = client.call("GET", f"{path}/receipt")
    except Unreachable:
        return None
    return response.json() if response.status_code == 200 else None
