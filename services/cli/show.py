"""`wireroom show`: one article as a person reads it, and what has happened to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli import options
from services.cli.browser import article_page, open_page
from services.cli.client import ServiceClient, Unreachable, api_key, refusal, service_url
from services.cli.output import Failure, print_json


def register(app: typer.Typer) -> None:
    app.command()(show)


def show(
    article_id: Annotated[str, typer.Argument(metavar="ID", help="The id that submit and search print.")],
    open_it: Annotated[bool, typer.Option("--open", help="Open its page in the browser instead.")] = False,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show one article with all that was found in it, and its receipt."""
    key = api_key(api_key_file)
    path = f"/v1/articles/{quote(article_id, safe='')}"
    index = service_url("index", index_url, data_dir)
    with ServiceClient("index", index, key) as client:
        response = client.call("GET", path)
    receipt = _receipt(service_url("ingest", ingest_url, data_dir), key, path, data_dir)
    if response.status_code >= 400 and response.status_code not in {404, 410}:
        raise refusal("index", response)
    article = response.json() if response.status_code == 200 else None
    if article is None and receipt is None:
        raise Failure(f"no article {article_id} is known.", "`wireroom search` prints ids under each hit.")
    if open_it and article is not None:
        open_page(article_page(index, article_id))
    elif json_output:
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
