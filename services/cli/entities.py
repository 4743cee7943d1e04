"""`wireroom entities`: merge, rename, relabel and block entities, once, for new articles and for history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import options
from services.cli.admin import admin_token
from services.cli.article import LABEL_NAMES
from services.cli.client import ServiceClient, api_key, refusal, service_url
from services.cli.output import as_typed, harmless, print_json, short_date, stdout

PATH = "/v1/entity-edits"
Name = Annotated[str, typer.Argument(metavar="NAME", help="A canonical name, or LABEL:name for one label.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(
        no_args_is_help=True, help="Edit entities: merge, rename, relabel, block, list, undo."
    )
    commands.command("merge")(merge)
    commands.command("rename")(rename)
    commands.command("relabel")(relabel)
    commands.command("block")(block)
    commands.command("list")(list_edits)
    commands.command("undo")(undo)
    app.add_typer(commands, name="entities")


def merge(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME… INTO", help="Names, and last the one to keep.")
    ],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Fold entities into one: `wireroom entities merge USA America "GPE:United States"`."""
    if len(names) < 2:
        raise typer.BadParameter("name what to merge, and last what to merge it into.")
    *merged, into = names
    edits = [_renaming(name, into) for name in merged]
    _make(edits, data_dir, index_url, api_key_file, json_output)


def rename(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name, or LABEL:name.")],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Give an entity another name; one that exists takes it in."""
    _make([_renaming(name, new)], data_dir, index_url, api_key_file, json_output)


def relabel(
    name: Name,
    label: Annotated[str, typer.Argument(metavar="LABEL", help=f"One of {', '.join(LABEL_NAMES)}.")],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Say what kind of thing an entity is."""
    edit = {"action": "relabel", **_meant(name), "to_label": label.upper()}
    _make([edit], data_dir, index_url, api_key_file, json_output)


def block(
    name: Name,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Say that a name is no entity: `wireroom entities block GPE:Fruitful`."""
    _make([{"action": "block", **_meant(name)}], data_dir, index_url, api_key_file, json_output)


def list_edits(
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List the edits in force, oldest first."""
    with _client(data_dir, index_url, api_key_file) as client:
        edits: list[dict[str, Any]] = client.json("GET", PATH)["entity_edits"]
    if json_output:
        print_json(edits)
        return
    if not edits:
        stdout().print("No entity edits.")
    for edit in edits:
        stdout().print(_line(edit), soft_wrap=True)


def undo(
    ids: Annotated[list[int], typer.Argument(metavar="ID…", help="As `entities list` prints them.")],
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Undo edits."""
    with _client(data_dir, index_url, api_key_file) as client:
        for edit_id in ids:
            response = client.call("DELETE", f"{PATH}/{edit_id}")
            if response.status_code >= 400:
                raise refusal("index", response)
            stdout().print(f"[green]✓[/] edit {edit_id} undone")
    _tell_of_history()


def _renaming(name: str, new: str) -> dict[str, Any]:
    meant = _meant(new)
    to_label = {"to_label": meant["label"]} if "label" in meant else {}
    return {"action": "rename", **_meant(name), "to_name": meant["name"], **to_label}


def _meant(name: str) -> dict[str, str]:
    """Return the name, and the label if it is written before it as in searches."""
    label, colon, rest = name.partition(":")
    if colon and label.upper() in LABEL_NAMES:
        return {"label": label.upper(), "name": rest}
    return {"name": name}


def _make(
    edits: list[dict[str, Any]],
    data_dir: Path | None,
    index_url: str | None,
    api_key_file: Path | None,
    json_output: bool,
) -> None:
    with _client(data_dir, index_url, api_key_file) as client:
        made = [client.json("POST", PATH, content=json.dumps(edit).encode()) for edit in edits]
    if json_output:
        print_json(made)
        return
    for edit in made:
        stdout().print(_line(edit), soft_wrap=True)
    _tell_of_history()


def _line(edit: dict[str, Any]) -> Any:
    from rich.text import Text

    name = ":".join(filter(None, (edit.get("label"), edit.get("name"))))
    target = ":".join(filter(None, (edit.get("to_label"), edit.get("to_name"))))
    words = f"{name} is no entity" if edit.get("action") == "block" else f"{name} → {target}"
    since = f"  {short_date(edit.get('made_at'))}"
    return Text.assemble((f"{edit.get('id'):>4}  ", "bold"), harmless(words), (since, "dim"))


def _tell_of_history() -> None:
    stdout().print(
        f"[dim]New articles follow at once; `{as_typed('wireroom reindex')}` changes those that are there.[/]"
    )


def _client(data_dir: Path | None, index_url: str | None, key_file: Path | None) -> ServiceClient:
    key = api_key(key_file) if key_file is not None else admin_token(data_dir) or api_key()
    return ServiceClient("index", service_url("index", index_url, data_dir), key)
