"""`wireroom saved`: searches that go on, and the webhooks that their matches are sent to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import filters, options
from services.cli.client import ServiceClient, index_client, refusal
from services.cli.filters import Filters
from services.cli.instants import instant_of
from services.cli.output import Failure, harmless, plural, print_json, stdout
from services.cli.saved_view import show_deliveries, show_matches, show_search, show_searches

PATH = "/v1/saved-searches"
PAGE = 1_000
TEST_TIMEOUT_S = 60.0
_ID = re.compile(r"[0-9a-f]{16}")
Which = Annotated[str, typer.Argument(metavar="SEARCH", help="Its id, or its name if no other has it.")]
Webhook = Annotated[
    str | None,
    typer.Option("--webhook", metavar="URL", help="Send matches there, signed; else only keep them."),
]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Saved searches: add, list, show, remove, test, log, replay…"
    )
    for name, command in (
        ("add", add), ("list", list_searches), ("show", show), ("remove", remove), ("test", test),
        ("log", log), ("replay", replay), ("enable", enable), ("disable", disable),
        ("rotate-secret", rotate_secret),
    ):  # fmt: skip
        commands.command(name)(command)
    app.add_typer(commands, name="saved")


def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What you call it.")],
    query: filters.QueryText = "",
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    story: filters.Story = None,
    webhook: Webhook = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The webhook's secret, `whsec_…`; else one is made."),
    ] = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Save a search: what becomes searchable from now on is matched against it."""
    found = Filters(query, source, entity, topic, language, sentiment, story)
    body: dict[str, Any] = {"name": name, "q": query, **found.lists()}
    if webhook:
        body["webhook_url"] = webhook
    if secret_file is not None:
        body["webhook_secret"] = _secret(secret_file)
    with index_client(data_dir, index_url, api_key_file) as client:
        made = client.json("POST", PATH, content=json.dumps(body).encode())
    if json_output:
        print_json(made)
        return
    stdout().print("[green]✓[/] saved")
    show_search(made)
    if webhook:
        _tell_secret(made)


def list_searches(
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List the saved searches, with how many articles have matched and how delivery does."""
    with index_client(data_dir, index_url, api_key_file) as client:
        found = list(_searches(client))
    if json_output:
        print_json(found)
    else:
        show_searches(found)


def show(
    which: Which,
    size: Annotated[int, typer.Option("--size", "-n", min=1, max=100, help="How many matches.")] = 5,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show one saved search and what has matched it last."""
    with index_client(data_dir, index_url, api_key_file) as client:
        path = f"{PATH}/{_id(client, which)}"
        search = client.json("GET", path)
        matches = client.json("GET", f"{path}/matches", params={"size": size}).get("matches") or []
    if json_output:
        print_json({"saved_search": search, "matches": matches})
        return
    show_search(search)
    show_matches(matches)


def remove(
    which: Annotated[list[str], typer.Argument(metavar="SEARCH…", help="Ids or names.")],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Forget saved searches, with their matches and logs."""
    with index_client(data_dir, index_url, api_key_file) as client:
        for one in which:
            response = client.call("DELETE", f"{PATH}/{_id(client, one)}")
            if response.status_code >= 400:
                raise refusal("index", response)
            stdout().print(f"✓ {harmless(one)} removed", markup=False, soft_wrap=True)


def test(
    which: Which,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Send a message of type `test` to the webhook now, and tell how that went."""
    with index_client(data_dir, index_url, api_key_file) as client:
        path = f"{PATH}/{_id(client, which)}/test"
        answer = client.json("POST", path, timeout_s=TEST_TIMEOUT_S)
    if json_output:
        print_json(answer)
    else:
        show_deliveries([answer])
    if answer.get("outcome") != "delivered":
        raise typer.Exit(1)


def log(
    which: Which,
    size: Annotated[int, typer.Option("--size", "-n", min=1, max=1_000, help="How many, newest first.")] = 20,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show the webhook's delivery log, the newest first."""
    with index_client(data_dir, index_url, api_key_file) as client:
        path = f"{PATH}/{_id(client, which)}/deliveries"
        found = client.json("GET", path, params={"size": size}).get("deliveries") or []
    if json_output:
        print_json(found)
    elif found:
        show_deliveries(found)
    else:
        stdout().print("Nothing was sent yet.")


def replay(
    which: Which,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help="All messages since: 10m, 2h, 7d, 2026-11-25.")
    ] = None,
    webhook_id: Annotated[
        str | None, typer.Option(metavar="ID", help="One message, as `log` prints it.")
    ] = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Send messages again, each under the webhook-id that it had."""
    if (since is None) == (webhook_id is None):
        raise typer.BadParameter("give either --since or --webhook-id.")
    wanted = (
        {"since": instant_of(since, datetime.now(UTC)).isoformat()} if since else {"webhook_id": webhook_id}
    )
    with index_client(data_dir, index_url, api_key_file) as client:
        path = f"{PATH}/{_id(client, which)}/replay"
        answer = client.json("POST", path, content=json.dumps(wanted).encode())
    if json_output:
        print_json(answer)
    else:
        stdout().print(f"[green]✓[/] {plural(int(answer.get('replayed') or 0), 'message')} to be sent again")


def enable(
    which: Which,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Match and send again, after `disable` or after deliveries had failed for too long."""
    _change(which, {"status": "active"}, data_dir, index_url, api_key_file)


def disable(
    which: Which,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Pause a saved search: nothing is matched or sent until `enable`."""
    _change(which, {"status": "paused"}, data_dir, index_url, api_key_file)


def rotate_secret(
    which: Which,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Make a new secret for the webhook; the old one signs beside it for another day."""
    _tell_secret(_change(which, {"rotate_secret": True}, data_dir, index_url, api_key_file))


def _change(
    which: str, change: dict[str, Any], data_dir: Path | None, index_url: str | None, key_file: Path | None
) -> dict[str, Any]:
    with index_client(data_dir, index_url, key_file) as client:
        path = f"{PATH}/{_id(client, which)}"
        changed = client.json("PATCH", path, content=json.dumps(change).encode())
    show_search(changed)
    return changed


def _tell_secret(search: dict[str, Any]) -> None:
    if search.get("webhook_secret"):
        stdout().print("For the receiver; it is not shown again:")
        stdout().print(f"  Secret  {search['webhook_secret']}", markup=False, soft_wrap=True)


def _secret(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read the secret from {path}: {error}") from error


def _searches(client: ServiceClient) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {"size": PAGE}
    while True:
        page = client.json("GET", PATH, params=params)
        yield from page.get("saved_searches") or []
        if not page.get("next_cursor"):
            return
        params = params | {"cursor": page["next_cursor"]}


def _id(client: ServiceClient, which: str) -> str:
    """Return the id of the search that is meant. Raises Failure for a name that none has, or several have."""
    if _ID.fullmatch(which):
        return which
    ids = [str(search.get("id")) for search in _searches(client) if search.get("name") == which]
    if not ids:
        raise Failure(f"no saved search is called {which}.", "`wireroom saved list` shows all.")
    if len(ids) > 1:
        raise Failure(f"{len(ids)} saved searches are called {which}: {', '.join(ids)}.", "Name its id.")
    return ids[0]
