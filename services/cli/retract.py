"""`wireroom retract` and `wireroom erase`: take articles down, and remove every trace of their content."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli import options
from services.cli.admin import admin_token
from services.cli.client import ServiceClient, ingest_client, refusal, service_url
from services.cli.output import Failure, harmless, plural, print_json, stderr, stdout

PATH = "/v1/admin/erasures"
POLL_S = 0.3
Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="As `wireroom search` prints them.")]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long to wait for an erasure.")
]


def register(app: typer.Typer) -> None:
    app.command()(retract)
    app.command()(erase)


def retract(
    ids: Ids,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; shown on the receipt and to whoever asks for it.")
    ] = None,
    erase_too: Annotated[bool, typer.Option("--erase", help="Remove every trace of the content.")] = False,
    timeout_s: Timeout = 600.0,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Take articles down, for good unless they are submitted again with ?restore=true."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        taken = [_take_down(client, id_, reason) for id_ in ids]
    report = _erase([row["id"] for row in taken], timeout_s, data_dir, index_url) if erase_too else None
    if json_output:
        print_json({"retracted": taken, "erasure": report})
    else:
        for row in taken:
            stdout().print(_taken_line(row), soft_wrap=True)
        if report is not None:
            _show(report)
    if report is not None and report["state"] != "done":
        raise typer.Exit(1)


def erase(
    ids: Ids,
    timeout_s: Timeout = 600.0,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Remove every trace of articles that were taken down, and report where they were."""
    report = _erase(ids, timeout_s, data_dir, index_url)
    if json_output:
        print_json(report)
    else:
        _show(report)
    if report["state"] != "done":
        raise typer.Exit(1)


def _take_down(client: ServiceClient, article_id: str, reason: str | None) -> dict[str, Any]:
    params = {"reason": reason} if reason else {}
    response = client.call("DELETE", f"/v1/articles/{quote(article_id, safe='')}", params=params)
    if response.status_code >= 400:
        raise refusal("ingest", response)
    answer: dict[str, Any] = response.json()
    return answer


def _taken_line(row: dict[str, Any]) -> str:
    said = "was taken down before" if row.get("status") == "duplicate" else "taken down"
    return f"[green]✓[/] {row['id']} {said}"


def _erase(ids: list[str], timeout_s: float, data_dir: Path | None, index_url: str | None) -> dict[str, Any]:
    """Return the report once the articles are erased, or as it is when the time is over."""
    token = admin_token(data_dir)
    if token is None:
        raise Failure(
            "Only who may read the data directory of index may erase articles, and it is not here.",
            "Run it there, or name the directory with --data-dir. With Compose: "
            "docker compose exec index wireroom erase ID",
        )
    with ServiceClient("index", service_url("index", index_url, data_dir), token) as client:
        body = json.dumps({"ids": list(dict.fromkeys(ids))}).encode()
        report = client.json("POST", PATH, content=body)
        deadline = time.monotonic() + timeout_s
        with stderr().status("Erasing from streams, archive and index…"):
            while report["state"] != "done" and time.monotonic() < deadline:
                time.sleep(POLL_S)
                report = client.json("GET", f"{PATH}/{report['number']}")
    return report


def _show(report: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    done = report["state"] == "done"
    mark = "[green]✓[/]" if done else "[yellow]![/]"
    said = "erased" if done else "not erased yet; it goes on by itself"
    console.print(f"{mark} {plural(len(report['ids']), 'article')} {said} (erasure {report['number']})")
    if report.get("problem"):
        console.print(Text(f"  {harmless(report['problem'])}"), soft_wrap=True)
    grid = Table.grid(padding=(0, 2))
    for place in report["places"]:
        left = place["left"]
        state = Text("not reached", style="yellow") if left is None else Text(f"{left} left")
        removed = f"{place['removed']} removed" if place["removed"] else ""
        grid.add_row(f"  {place['place']}", removed, state, Text(harmless(place["note"]), style="dim"))
    console.print(grid)
