"""`wireroom reindex` and `wireroom keys`: what whoever runs Wireroom does now and then."""

from __future__ import annotations

import dataclasses
import importlib
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import options
from services.cli.client import ServiceClient, Unreachable, api_key, service_url
from services.cli.output import Failure, plural, print_json, stderr, stdout
from services.supervisor.instance import default_data_dir

REINDEX_TIMEOUT_S = 6 * 3600.0


def register(app: typer.Typer) -> None:
    app.command()(reindex)
    keys = typer.Typer(no_args_is_help=True, help="API keys of submitters and readers.")
    keys.callback()(_keys)
    keys.command("new")(new_key)
    app.add_typer(keys, name="keys")


def reindex(
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Build a new index from the archive and switch to it; searches go on meanwhile."""
    address = service_url("index", index_url, data_dir)
    key = api_key(api_key_file) if api_key_file is not None else admin_token(data_dir) or api_key()
    console = stderr()
    started = time.monotonic()
    try:
        with ServiceClient("index", address, key) as client, console.status("Reindexing from the archive…"):
            report: dict[str, Any] = client.json("POST", "/v1/admin/reindex", timeout_s=REINDEX_TIMEOUT_S)
    except Unreachable:
        if index_url is not None:
            raise
        report = _reindex_offline(data_dir or default_data_dir())
    if json_output:
        print_json(report)
    else:
        _show_report(report, time.monotonic() - started)
    if report.get("failed"):
        raise typer.Exit(1)


def admin_token(data_dir: Path | None) -> str | None:
    """Return the token that index leaves in its data directory for whoever may read it."""
    try:
        return (data_dir or default_data_dir()).joinpath("index", "admin.token").read_text("utf-8").strip()
    except OSError:
        return None


def _show_report(report: dict[str, Any], seconds: float) -> None:
    written = int(report.get("written", 0))
    console = stdout()
    console.print(f"[green]✓[/] {plural(written, 'article')} indexed anew in {seconds:.1f} s")
    told = {
        "superseded": "[dim]·[/] {} gave way to a later revision or a takedown",
        "failed": "[red]✗[/] {} cannot be indexed; the log of index says why",
        "damaged_records": "[yellow]![/] {} could not be read from the archive",
        "damaged_frames": "[yellow]![/] {} parts of the archive are damaged; restore them from a copy",
    }
    for name, words in told.items():
        if report.get(name):
            console.print(words.format(f"{report[name]:,}"))


def _reindex_offline(data_dir: Path) -> dict[str, Any]:
    """Reindex in this process: the index service does not run, so nothing else writes there."""
    if not data_dir.is_dir():
        raise Failure(
            f"index does not run, and there is no data directory {data_dir.absolute()}.",
            "Name the one to reindex with --data-dir.",
        )
    module = importlib.import_module("services.index.reindex")
    with stderr().status("Reindexing from the archive…"):
        report = module.reindex(data_dir)
    return dataclasses.asdict(report) if dataclasses.is_dataclass(report) else dict(report)  # type: ignore[arg-type]


def _keys() -> None:
    """API keys of submitters and readers."""


def new_key(
    name: Annotated[str, typer.Argument(help="Whose key it is: letters, digits, . _ @ -")],
    json_output: options.JsonOutput = False,
) -> None:
    """Make an API key: shown once here, stored by its hash alone."""
    from shared.errors import ConfigurationError
    from shared.http.auth import check_name, hash_api_key, new_api_key

    try:
        check_name("NAME", 1, name)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error).partition(": ")[2]) from error
    key = new_api_key()
    line = f"{name} {hash_api_key(key)}"
    if json_output:
        print_json({"name": name, "key": key, "line": line})
        return
    console = stdout()
    console.print("[bold]Key[/]   give it to its owner; it is not shown again")
    print(f"  {key}")
    console.print("[bold]Line[/]  add it to the file that WIREROOM_API_KEYS_FILE names")
    print(f"  {line}")
