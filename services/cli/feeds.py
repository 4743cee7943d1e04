"""`wireroom feeds`: the feeds that ingest polls: add, list, remove, import, export, poll."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli import options
from services.cli.client import ServiceClient, ingest_client, refusal
from services.cli.output import Failure, harmless, plural, print_json, short_date, stdout

_LOOK_S = 0.5
Wanted = Annotated[
    list[str] | None, typer.Argument(metavar="[ID|URL]…", help="As `feeds list` prints them; else all.")
]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Feeds: add, list, remove, import, export, poll.")
    commands.command("add")(add)
    commands.command("list")(list_feeds)
    commands.command("remove")(remove)
    commands.command("import")(import_opml)
    commands.command("export")(export_opml)
    commands.command("poll")(poll)
    app.add_typer(commands, name="feeds")


def add(
    urls: Annotated[list[str], typer.Argument(metavar="URL…", help="RSS, Atom, JSON Feed or sitemap.")],
    source: Annotated[str | None, typer.Option(help="The outlet's name; else the feed's own title.")] = None,
    interval: Annotated[
        float | None,
        typer.Option(min=1, max=2_592_000, help="Seconds between polls; else by how often it changes."),
    ] = None,
    full_text: Annotated[
        bool | None,
        typer.Option(
            "--full-text/--no-full-text", help="Fetch each entry's page for the whole text, or never."
        ),
    ] = None,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Poll feeds from now on. One that is there already gets the options that are given."""
    given = {"source": source, "interval": interval, "full_text": full_text}
    said = {name: value for name, value in given.items() if value is not None}
    added = []
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        for url in urls:
            content = json.dumps({"url": url, **said}).encode()
            response = client.call("POST", "/v1/feeds", content=content)
            if response.status_code >= 400:
                raise refusal("ingest", response)
            feed = response.json()
            added.append(feed)
            if not json_output:
                verb = "added" if response.status_code == 201 else "was there already"
                _say(feed, verb)
    if json_output:
        print_json(added)


def list_feeds(
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List the feeds, how their last poll went, and when the next one is."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        document = client.json("GET", "/v1/feeds")
    if json_output:
        print_json(document["feeds"])
        return
    if not document["feeds"]:
        stdout().print("No feeds. `wireroom feeds add URL` adds one.")
    for feed in document["feeds"]:
        stdout().print(_line(feed), soft_wrap=True)
        for line in _details(feed):
            stdout().print(f"    [dim]{line}[/]", soft_wrap=True)


def remove(
    wanted: Annotated[list[str], typer.Argument(metavar="ID|URL…", help="As `feeds list` prints them.")],
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Poll feeds no more. Their articles stay."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        for feed in _chosen(client, wanted):
            response = client.call("DELETE", f"/v1/feeds/{quote(feed['id'], safe='')}")
            if response.status_code >= 400:
                raise refusal("ingest", response)
            _say(feed, "removed")


def import_opml(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An OPML list; - for standard input.")],
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Add the feeds of an OPML list, as other readers export it."""
    try:
        content = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror}") from error
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        result = client.json("POST", "/v1/feeds.opml", content=content, content_type="text/x-opml")
    if json_output:
        print_json(result)
    else:
        from rich.text import Text

        known = f", {result['known']} known already" if result["known"] else ""
        stdout().print(f"[green]✓[/] {plural(result['added'], 'feed')} added{known}")
        for each in result["errors"]:
            stdout().print(Text(f"! {harmless(each['url'])}: {harmless(each['error'])}"), soft_wrap=True)
    if result["rejected"]:
        raise typer.Exit(1)


def export_opml(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Else stdout.")
    ] = None,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Write the list of feeds as OPML, for other readers and for another Wireroom."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        response = client.call("GET", "/v1/feeds.opml")
    if response.status_code >= 400:
        raise refusal("ingest", response)
    if output is None:
        sys.stdout.write(response.text)
        return
    try:
        output.write_bytes(response.content)
    except OSError as error:
        raise Failure(f"cannot write {output}: {error.strerror}") from error


def poll(
    wanted: Wanted = None,
    timeout: Annotated[float, typer.Option(min=1, help="Longest wait for all of them, in seconds.")] = 600.0,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Poll feeds now, wait, and tell what came. Exits 1 if a named one could not be read, or none of all."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        if wanted:
            asked = [
                client.json("POST", f"/v1/feeds/{feed['id']}/poll")["feeds"][0]
                for feed in _chosen(client, wanted)
            ]
        else:
            asked = client.json("POST", "/v1/feeds/poll")["feeds"]
        waiting = {each["id"]: each["polls"] for each in asked}
        done: list[dict[str, Any]] = []
        deadline = time.monotonic() + timeout
        while waiting and time.monotonic() < deadline:
            for feed in _polled(client, waiting):
                waiting.pop(feed["id"], None)
                if "polls" in feed:
                    done.append(feed)
                    if not json_output:
                        stdout().print(_line(feed), soft_wrap=True)
            if waiting:
                time.sleep(_LOOK_S)
    if json_output:
        print_json({"feeds": done, "not_polled": sorted(waiting)})
    elif not asked:
        stdout().print("No feeds. `wireroom feeds add URL` adds one.")
    if waiting:
        raise Failure(
            f"{plural(len(waiting), 'feed was', 'feeds were')} not polled within {timeout:g} s.",
            "Ingest goes on polling them; `wireroom feeds list` tells.",
        )
    failed = [feed for feed in done if _failed(feed)]
    # Of many feeds some are always down: that is told, and no failure of the command.
    if failed and (wanted or len(failed) == len(done)):
        raise typer.Exit(1)


def _polled(client: ServiceClient, waiting: dict[str, int]) -> list[dict[str, Any]]:
    """Return those that were polled since they were asked for, and the ids of those that are gone."""
    feeds = {feed["id"]: feed for feed in client.json("GET", "/v1/feeds")["feeds"]}
    return [
        feeds.get(id_, {"id": id_})
        for id_, polls in waiting.items()
        if id_ not in feeds or feeds[id_]["polls"] >= polls
    ]


def _chosen(client: ServiceClient, wanted: list[str]) -> list[dict[str, Any]]:
    """Return the feeds of these ids or URLs. Raises Failure for one that is not there."""
    feeds = client.json("GET", "/v1/feeds")["feeds"]
    by_name = {feed[name]: feed for name in ("added_url", "url", "id") for feed in feeds}
    unknown = [name for name in wanted if name not in by_name]
    if unknown:
        raise Failure(
            f"There is no feed {harmless(unknown[0])}.", "`wireroom feeds list` prints those there are."
        )
    return [by_name[name] for name in dict.fromkeys(wanted)]


def _say(feed: dict[str, Any], verb: str) -> None:
    from rich.text import Text

    line = Text.assemble(("✓ ", "green"), (f"{feed['id']}  ", "dim"), harmless(feed["url"]), f"  {verb}")
    stdout().print(line, soft_wrap=True)


def _failed(feed: dict[str, Any]) -> bool:
    return feed.get("state") != "active" or feed.get("last_outcome") in ("busy", "full")


def _line(feed: dict[str, Any]) -> Any:
    from rich.text import Text

    mark = ("✗ ", "red") if _failed(feed) else ("✓ ", "green")
    if feed.get("last_outcome") is None:
        mark = ("· ", "dim")
    return Text.assemble(
        mark, (f"{feed['id']}  ", "dim"), harmless(feed["url"]), "  ", (harmless(_what_came(feed)), "bold")
    )


def _what_came(feed: dict[str, Any]) -> str:
    if feed.get("stopped"):
        return str(feed["stopped"])
    if feed.get("last_error"):
        return str(feed["last_error"])
    outcome = feed.get("last_outcome")
    if outcome in ("not_modified", "unchanged"):
        return "nothing new"
    if outcome == "busy":
        return "its host is asked for one thing at a time: later"
    if outcome != "read":
        return "not polled yet"
    counts = feed.get("last_entries") or {}
    words = [f"{counts.get('new', 0)} new", f"{counts.get('changed', 0)} changed"]
    skipped = counts.get("skipped") or {}
    words += [f"{sum(skipped.values())} skipped ({', '.join(sorted(skipped))})"] if skipped else []
    return ", ".join(words)


def _details(feed: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    entries = feed.get("entries") or {}
    named = feed.get("source") or feed.get("title") or "no name yet"
    total = f"{plural(entries.get('new', 0), 'article')}"
    next_at = short_date(feed.get("next_poll_at")) if feed.get("next_poll_at") else "never"
    lines = [f"{escape(harmless(str(named)))} · {total} · next poll {next_at}"]
    websub = feed.get("websub")
    if websub:
        lines.append(f"WebSub {websub['state']} at {escape(harmless(websub['hub']))}")
    return lines
