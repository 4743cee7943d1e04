"""`wireroom search`: what is in the index, as a person or a script asks for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import filters, options
from services.cli.browser import article_page, nth, open_page
from services.cli.client import ServiceClient, index_client
from services.cli.filters import Filters
from services.cli.output import print_json, stdout

if TYPE_CHECKING:
    from rich.console import RenderableType

SORTS = ("relevance", "newest")
MAX_SIZE = 100


def register(app: typer.Typer) -> None:
    app.command()(search)


def search(
    query: filters.QueryText = "",
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    story: filters.Story = None,
    published_from: filters.PublishedFrom = None,
    published_to: filters.PublishedTo = None,
    sort: Annotated[
        str | None,
        typer.Option(metavar="ORDER", help="relevance or newest; with --all newest if not given."),
    ] = None,
    size: Annotated[int, typer.Option("--size", "-n", min=1, max=MAX_SIZE, help="How many hits.")] = 10,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
    all_hits: Annotated[bool, typer.Option("--all", help="All hits, page after page.")] = False,
    facets: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Draw these: entities, persons, orgs, places, sources, topics, languages, sentiment, "
            "stories; by commas.",
        ),
    ] = None,
    timeline: Annotated[bool, typer.Option("--timeline", help="Draw when they were published.")] = False,
    collapse: Annotated[
        bool | None,
        typer.Option(
            "--collapse/--no-collapse",
            help="Show near-duplicates under one hit; not with --all if not given.",
        ),
    ] = None,
    strict: filters.Strict = False,
    open_hit: Annotated[
        int | None, typer.Option("--open", metavar="N", min=1, help="Open hit N in the browser.")
    ] = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Search the articles. With --json, the API's page; with --all as well, one hit a line."""
    if sort is not None and sort not in SORTS:
        raise typer.BadParameter(f"--sort is one of {', '.join(SORTS)}.")
    if all_hits and (timeline or open_hit or facets):
        raise typer.BadParameter("--all goes with none of --timeline, --facets and --open.")
    if json_output and timeline:
        raise typer.BadParameter("--timeline draws; `/v1/timeline` has it as JSON.")
    given = Filters(
        query, source, entity, topic, language, sentiment, story, published_from, published_to
    ).params()
    params = given | {
        "sort": sort or ("newest" if all_hits else "relevance"),
        "size": MAX_SIZE if all_hits else size,
        "lenient": not strict,
        "collapse": not all_hits if collapse is None else collapse,
    }
    if cursor is not None:
        params["cursor"] = cursor
    with index_client(data_dir, index_url, api_key_file) as client:
        if all_hits:
            _print_all(client, params, json_output=json_output)
            return
        params["facets"] = facets or "entities"
        page: dict[str, Any] = client.json("GET", "/v1/search", params=params)
        drawn = _timeline(client, given | {"lenient": not strict}) if timeline else None
    if json_output:
        print_json(page)
    else:
        from services.cli.search_view import show_page

        shown = tuple(name.strip() for name in (facets or "").split(",") if name.strip())
        show_page(page, shown_facets=shown, timeline=drawn)
    if open_hit is not None:
        open_page(article_page(client.url, nth(page.get("hits") or [], open_hit, "hit").get("id")))


def _timeline(client: ServiceClient, params: dict[str, Any]) -> RenderableType | None:
    from services.cli.timeline_view import timeline_lines

    answer = client.json("GET", "/v1/timeline", params=params)
    return timeline_lines(answer.get("buckets") or [], stdout().width, interval=answer.get("interval"))


def _print_all(client: ServiceClient, params: dict[str, Any], *, json_output: bool) -> None:
    """Print each page as it comes, so that a reader who has enough can stop us."""
    from services.cli.search_view import show_hits, show_warnings

    number = 0
    for page in pages(client, params):
        hits = page.get("hits") or []
        if json_output:
            for hit in hits:
                sys.stdout.write(json.dumps(hit, ensure_ascii=False) + "\n")
        else:
            if not number:
                show_warnings(page)
            show_hits(hits, number + 1)
        number += len(hits)
    if not number and not json_output:
        stdout().print("Nothing found.")


def pages(client: ServiceClient, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield page after page until there is no next one."""
    asked = params | {"count": "none"}
    while True:
        page = client.json("GET", "/v1/search", params=asked)
        yield page
        if not page.get("next_cursor"):
            return
        asked = params | {"count": "none", "cursor": page["next_cursor"]}
