"""`wireroom re-enrich`: history through the present models, with a report before anything is switched."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.admin import REINDEX_TIMEOUT_S, admin_token
from services.cli.client import ServiceClient, Unreachable, service_url
from services.cli.output import Failure, as_typed, plural, print_json, stderr, stdout
from services.supervisor.instance import default_data_dir

if TYPE_CHECKING:
    from services.cli.re_enriching.run import Result, Wanted


_WAITS = (
    "Nothing was switched; what was made waits. `wireroom re-enrich --yes` with the same options switches to "
    "it, `wireroom re-enrich --discard` removes it."
)


def register(app: typer.Typer) -> None:
    app.command("re-enrich")(re_enrich)


def re_enrich(
    query: Annotated[
        str | None, typer.Option("--query", metavar="QUERY", help="Only articles that a search finds.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, max=64, help="Processes; each loads the models.")
    ] = 1,
    all_versions: Annotated[
        bool, typer.Option("--all", help="Also articles that the present models have made already.")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Begin anew instead of going on after an interruption.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove re-enriched articles that wait, and do nothing else.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Switch without asking.")] = False,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="Write the report as JSON; - for stdout.")
    ] = None,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
) -> None:
    """Run history through the present models, report what changes, and switch to it."""
    from services.cli.re_enriching.run import Wanted
    from services.cli.re_enriching.showing import show_report
    from services.index.staging import discard as discard_staged

    directory = (data_dir or default_data_dir()).absolute()
    if discard:
        found = discard_staged(directory)
        stdout().print("Removed what waited." if found else "Nothing was waiting.")
        return
    result = _made(Wanted(directory, query, all_versions, restart, workers))
    _write_json(json_file, result.document)
    console = stderr() if json_file == "-" else stdout()
    show_report(console, result.document)
    if not result.staged:
        console.print("There is nothing to switch to.")
    elif yes or _agreed(result.staged):
        switched = _switch(directory, result, data_dir, index_url)
        _write_json(json_file, result.document | {"switched": switched}, again=True)
        console.print(
            f"[green]✓[/] switched to {plural(int(switched['re_enriched']), 're-enriched article')}"
            + (f"; {switched['overtaken']:,} were overtaken by the wire" if switched["overtaken"] else "")
        )
    else:
        console.print(as_typed(_WAITS), soft_wrap=True)
    if result.document["failed"]:
        raise typer.Exit(1)


def _made(wanted: Wanted) -> Result:
    from services.cli.re_enriching.run import run
    from services.cli.re_enriching.showing import TerminalProgress
    from services.enrich.settings import EnrichSettings
    from services.index.archive import ArchiveLocked
    from services.index.query.parser import QuerySyntaxError
    from shared.settings import load_settings

    try:
        with TerminalProgress(stderr()) as progress:
            return run(wanted, load_settings(EnrichSettings), progress)
    except QuerySyntaxError as error:
        raise Failure(f"The query cannot be read: {error}", error.caret) from error
    except ArchiveLocked as error:
        raise Failure(f"Another re-enrichment is at work: {error}.") from error
    except OSError as error:
        raise Failure(
            f"{error.filename or 'A file'}: {error.strerror or error}.",
            "Nothing was switched; run the same command again to go on.",
        ) from error


def _agreed(articles: int) -> bool:
    """Nobody who can answer means no."""
    return sys.stdin.isatty() and typer.confirm(f"Switch to these {plural(articles, 'article')}?", err=True)


def _switch(directory: Path, result: Result, data_dir: Path | None, index_url: str | None) -> dict[str, Any]:
    """Let the index service switch; do it here when none runs."""
    address = service_url("index", index_url, data_dir)
    body = json.dumps({"run": result.run_id}).encode()
    with stderr().status("Building the index with them, then switching…"):
        try:
            with ServiceClient("index", address, admin_token(data_dir)) as client:
                return client.json("POST", "/v1/admin/re-enrich", content=body, timeout_s=REINDEX_TIMEOUT_S)
        except Unreachable:
            if index_url is not None:
                raise
        from services.index.replacement import replace_offline

        return replace_offline(directory, result.run_id)


def _write_json(target: str | None, document: dict[str, Any], *, again: bool = False) -> None:
    """On stdout there is room for one document only: the report, before anything is switched."""
    if target is None or (target == "-" and again):
        return
    if target == "-":
        print_json(document)
        return
    try:
        Path(target).write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write the report to {target}: {error.strerror}.") from error
