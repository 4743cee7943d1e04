"""`wireroom stories`, `story` and `trends`: what is going on, by event and by who is in it."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli import filters, options
from services.cli.browser import nth, open_page
from services.cli.client import ServiceClient, index_client
from services.cli.filters import Filters
from services.cli.output import Failure, print_json

_ARTICLE_ID = re.compile(r"[0-9a-f]{32}")
OpenNth = Annotated[
    int | None, typer.Option("--open", metavar="N", min=1, help="Open the page of number N in the browser.")
]


def register(app: typer.Typer) -> None:
    app.command()(stories)
    app.command()(story)
    app.command()(trends)


def stories(
    query: filters.QueryText = "",
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    published_from: filters.PublishedFrom = None,
    published_to: filters.PublishedTo = None,
    sort: Annotated[str, typer.Option(help="newest (by the last article) or size.")] = "newest",
    size: Annotated[int, typer.Option("--size", "-n", min=1, max=50, help="How many stories.")] = 10,
    cursor: Annotated[str | None, typer.Option(metavar="CURSOR", help="Where the page before ended.")] = None,
    strict: filters.Strict = False,
    open_story: OpenNth = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List the events that several articles report on."""
    if sort not in ("newest", "size"):
        raise typer.BadParameter("--sort is newest or size.")
    given = Filters(query, source, entity, topic, language, sentiment, None, published_from, published_to)
    params = given.params() | {"sort": sort, "size": size, "lenient": not strict}
    if cursor is not None:
        params["cursor"] = cursor
    with index_client(data_dir, index_url, api_key_file) as client:
        page = client.json("GET", "/v1/stories", params=params)
    if json_output:
        print_json(page)
    else:
        from services.cli.story_view import show_stories

        show_stories(page)
    if open_story is not None:
        open_page(_story_page(client.url, nth(page.get("stories") or [], open_story, "story").get("id")))


def story(
    story_id: Annotated[
        str, typer.Argument(metavar="ID", help="Of a story, or of any article that belongs to one.")
    ],
    open_it: Annotated[bool, typer.Option("--open", help="Open its page in the browser.")] = False,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show how a story went on: all its articles, oldest first."""
    with index_client(data_dir, index_url, api_key_file) as client:
        found = _story(client, story_id)
    if json_output:
        print_json(found)
    else:
        from services.cli.story_view import show_story

        show_story(found)
    if open_it:
        open_page(_story_page(client.url, found.get("id")))


def _story(client: ServiceClient, given: str) -> dict[str, Any]:
    """Return the story of this id, or the one that the article of this id belongs to. Raises Failure."""
    found = client.find(f"/v1/stories/{quote(given, safe='')}")
    if found is None and _ARTICLE_ID.fullmatch(given):
        article = client.find(f"/v1/articles/{given}")
        if article is not None:
            if not article.get("story_id"):
                raise Failure(f"article {given} belongs to no story.")
            found = client.find(f"/v1/stories/{quote(str(article['story_id']), safe='')}")
    if found is None:
        raise Failure(f"no story or article {given} is known.", "`wireroom stories` prints ids.")
    return found


def _story_page(address: str, story_id: Any) -> str:
    return f"{address}/stories/{quote(str(story_id), safe='')}"


def trends(
    query: filters.QueryText = "",
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    window: Annotated[str | None, typer.Option(metavar="SPAN", help="Rising within this: 1h … 7d.")] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Against their rate in this before it: 14d.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Only these kinds: PERSON, ORG, GPE…")
    ] = None,
    size: Annotated[int, typer.Option("--size", "-n", min=1, max=100, help="How many.")] = 10,
    strict: filters.Strict = False,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List who and what is named much more than before, with the articles that drive it."""
    given = Filters(query, source, entity, topic, language, sentiment).params()
    extra = {"window": window, "baseline": baseline, "label": [one.upper() for one in label or ()] or None}
    params = given | {name: value for name, value in extra.items() if value is not None}
    params |= {"size": size, "lenient": not strict}
    with index_client(data_dir, index_url, api_key_file) as client:
        answer = client.json("GET", "/v1/trends", params=params)
    if json_output:
        print_json(answer)
    else:
        from services.cli.story_view import show_trends

        show_trends(answer)
