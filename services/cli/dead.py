"""`wireroom dead`: see what no attempt could process, put it back, or throw it away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

import typer

from services.cli import options
from services.cli.client import ServiceClient, ingest_client, refusal
from services.cli.output import Failure, as_typed, harmless, plural, print_json, short_date, stdout

PAGE = 100
MAX_SHOWN_CHARS = 4_000
MAX_ERROR_CHARS = 300
# Gone, or no id of a dead letter at all.
UNKNOWN = frozenset({404, 410, 422})
NOT_REPLAYABLE = 409

Ids = Annotated[list[str] | None, typer.Argument(metavar="[ID]…", help="As `dead list` prints them.")]
All = Annotated[bool, typer.Option("--all", help="Every dead letter (of --reason, if given).")]
Reason = Annotated[str | None, typer.Option(help="Only those that died of this, e.g. invalid_event.")]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, replay, discard.")
    commands.command("list")(list_letters)
    commands.command("show")(show_letter)
    commands.command("replay")(replay)
    commands.command("discard")(discard)
    app.add_typer(commands, name="dead")


def list_letters(
    reason: Reason = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List dead letters, newest first."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        letters = [letter for letter, _ in zip(_letters(client, reason), range(limit), strict=False)]
    if json_output:
        print_json(letters)
        return
    console = stdout()
    if not letters:
        console.print("[green]✓[/] No dead letters.")
        return
    from rich.padding import Padding
    from rich.text import Text

    for letter in letters:
        tries = plural(int(letter.get("attempts") or 0), "try", "tries")
        heading = Text(str(letter.get("id")), style="bold")
        heading.append(f"  {letter.get('reason')}", style="not bold red")
        when = f"  in {letter.get('group')}, {short_date(letter.get('died_at'))}, after {tries}"
        console.print(heading.append(when, style="not bold dim"))
        why = harmless(" ".join(str(letter.get("error") or "").split()))[:MAX_ERROR_CHARS]
        console.print(Padding(Text(why), (0, 0, 0, 2)))
    console.print(f"[dim]Once the cause is mended: {as_typed('wireroom dead replay')} ID… (or --all)[/]")


def show_letter(
    letter_id: Annotated[str, typer.Argument(metavar="ID")],
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Show one dead letter with the bytes that it holds."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        response = client.call("GET", f"/v1/dead-letters/{quote(letter_id, safe='')}")
    if response.status_code in UNKNOWN:
        raise Failure(f"there is no dead letter {letter_id}.", "`wireroom dead list` prints those there are.")
    if response.status_code >= 400:
        raise refusal("ingest", response)
    letter: dict[str, Any] = response.json()
    if json_output:
        print_json(letter)
        return
    from rich.text import Text

    console = stdout()
    for name, value in letter.items():
        if name not in {"event", "fields"}:
            console.print(Text.assemble((f"{name:<11} ", "dim"), harmless(str(value))))
    console.print()
    for name, value in _contents(letter).items():
        console.print(Text(name, style="bold"))
        console.print(Text(value[:MAX_SHOWN_CHARS]))


def _contents(letter: dict[str, Any]) -> dict[str, str]:
    """Return what the entry holds: its event as indented JSON, or its raw fields if that is no JSON."""
    if letter.get("event") is not None:
        return {"event": harmless(json.dumps(letter["event"], ensure_ascii=False, indent=2))}
    return {name: harmless(str(value)) for name, value in (letter.get("fields") or {}).items()}


def replay(
    ids: Ids = None,
    every: All = False,
    reason: Reason = None,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Put dead letters back on the stream they came from, to be tried anew."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        result = _each(client, ids, every, reason, "POST", "/replay")
    _tell(result, "replayed", json_output)


def discard(
    ids: Ids = None,
    every: All = False,
    reason: Reason = None,
    data_dir: options.DataDir = None,
    ingest_url: options.IngestUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Delete dead letters for good."""
    with ingest_client(data_dir, ingest_url, api_key_file) as client:
        result = _each(client, ids, every, reason, "DELETE", "")
    _tell(result, "discarded", json_output)


def _letters(client: ServiceClient, reason: str | None) -> Iterator[dict[str, Any]]:
    """Yield all dead letters, newest first, page by page."""
    before: str | None = None
    while True:
        given = {"reason": reason, "limit": PAGE, "before": before}
        params = {name: value for name, value in given.items() if value is not None}
        page: dict[str, Any] = client.json("GET", "/v1/dead-letters", params=params)
        yield from page.get("dead_letters", [])
        before = page.get("next_before")
        if before is None:
            return


@dataclass(slots=True)
class _Done:
    """Ids that an action was done to, and why not to the others."""

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def _each(
    client: ServiceClient, ids: list[str] | None, every: bool, reason: str | None, method: str, action: str
) -> _Done:
    """Do one thing to each letter that is meant."""
    if bool(ids) == (every or reason is not None):
        raise typer.BadParameter("name dead letters by id, or say --all or --reason, not both.")
    # Read them all first: a replayed entry may die again and would be met a second time.
    wanted = ids or [str(letter["id"]) for letter in _letters(client, reason)]
    result = _Done()
    for letter_id in wanted:
        response = client.call(method, f"/v1/dead-letters/{quote(letter_id, safe='')}{action}")
        if response.status_code in UNKNOWN:
            result.refused[letter_id] = "is not there (any more)"
        elif response.status_code == NOT_REPLAYABLE:
            result.refused[letter_id] = refusal("ingest", response).message
        elif response.status_code >= 400:
            raise refusal("ingest", response)
        else:
            result.done.append(letter_id)
    return result


def _tell(result: _Done, verb: str, json_output: bool) -> None:
    if json_output:
        print_json({verb: result.done, "refused": result.refused})
    else:
        from rich.text import Text

        stdout().print(f"[green]✓[/] {plural(len(result.done), 'dead letter')} {verb}")
        for letter_id, why in result.refused.items():
            stdout().print(Text.assemble(("! ", "yellow"), f"{letter_id} {harmless(why)}"), soft_wrap=True)
    if result.refused:
        raise typer.Exit(1)
