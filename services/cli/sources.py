"""`wireroom sources`: who may submit, with which secrets, how much, and for which hosts.

The commands change the file that ingest reads again within a second (`shared.sources_file`); ingest need not
run for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import options
from services.cli.output import Failure, harmless, plural, print_json, short_date, stdout
from services.supervisor.instance import sources_path

if TYPE_CHECKING:
    from shared.sources import NewSecrets, Secret, Source

MAX_PER_MINUTE = 1_000_000
Name = Annotated[str, typer.Argument(metavar="NAME", help="The source's name, such as `Harbour Post`.")]
File = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", help="The file of the sources; else WIREROOM_SOURCES_PATH, else DIR's."
    ),
]
PerMinute = Annotated[
    int | None,
    typer.Option(
        "--per-minute", "--limit", metavar="N", min=0, max=MAX_PER_MINUTE, help="Most articles a minute."
    ),
]
Hosts = Annotated[
    list[str] | None,
    typer.Option("--host", metavar="HOST", help="Where its articles may be, with subdomains; repeatable."),
]


def register(app: typer.Typer) -> None:
    commands = typer.Typer(no_args_is_help=True, help="Sources that submit: add, list, set, rotate, remove.")
    commands.command("add")(add)
    commands.command("list")(list_sources)
    commands.command("set")(change)
    commands.command("rotate")(rotate)
    commands.command("remove")(remove)
    app.add_typer(commands, name="sources")


def add(
    name: Name,
    webhook: Annotated[
        bool, typer.Option("--webhook", help="Make a webhook secret instead of an API key.")
    ] = False,
    key: Annotated[bool, typer.Option("--key", help="With --webhook: make an API key as well.")] = False,
    per_minute: PerMinute = None,
    host: Hosts = None,
    data_dir: options.DataDir = None,
    file: File = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Add a source, and print its key or secret: it is not shown again."""
    from shared.sources import new_source
    from shared.sources_file import changing_sources, with_operator

    path = sources_path(file, data_dir)
    try:
        source, made = new_source(
            name,
            datetime.now(UTC),
            key=key or not webhook,
            webhook=webhook,
            per_minute=per_minute or None,
            hosts=tuple(host or ()),
        )
    except ValueError as error:
        raise typer.BadParameter(_reason(error)) from error
    with changing_sources(path) as held, _refusals():
        held[0] = with_operator(held[0].adding(source), path)
    _show_secrets(source, made, json_output)


def change(
    name: Name,
    per_minute: PerMinute = None,
    host: Hosts = None,
    any_host: Annotated[bool, typer.Option("--any-host", help="Its articles may be anywhere.")] = False,
    data_dir: options.DataDir = None,
    file: File = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Set a source's limit (0 for none) and hosts; its secrets stay."""
    from shared.sources import Source
    from shared.sources_file import changing_sources

    changes: dict[str, Any] = {}
    if per_minute is not None:
        changes["per_minute"] = per_minute or None
    if host or any_host:
        changes["hosts"] = () if any_host else tuple(host or ())
    if not changes:
        raise typer.BadParameter("say what to set: --per-minute, --host or --any-host.")
    with changing_sources(sources_path(file, data_dir)) as held, _refusals():
        before = held[0].named(name)
        try:
            source = Source.model_validate(before.model_dump() | changes)
        except ValueError as error:
            raise typer.BadParameter(_reason(error)) from error
        held[0] = held[0].replacing(source)
    if json_output:
        print_json(_document(source))
    else:
        stdout().print(_line(source), soft_wrap=True)


def list_sources(
    data_dir: options.DataDir = None,
    file: File = None,
    json_output: options.JsonOutput = False,
) -> None:
    """List the sources: their limits and hosts, and how many secrets of each are valid. Never a secret."""
    from shared.sources_file import read_sources

    sources = read_sources(sources_path(file, data_dir)).sources
    if json_output:
        print_json([_document(source) for source in sources])
        return
    if not sources:
        stdout().print("No sources.")
    for source in sources:
        stdout().print(_line(source), soft_wrap=True)


def rotate(
    name: Name,
    overlap: Annotated[
        float, typer.Option("--overlap", metavar="HOURS", min=0, max=24 * 365, help="How long the old stays.")
    ] = 24.0,
    data_dir: options.DataDir = None,
    file: File = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Make a new key or secret of each kind the source has; the old one is taken for 24 more hours."""
    from shared.sources import with_new_secrets
    from shared.sources_file import changing_sources

    now = datetime.now(UTC)
    with changing_sources(sources_path(file, data_dir)) as held, _refusals():
        before = held[0].named(name)
        source, made = with_new_secrets(
            before,
            now,
            key=bool(before.keys) or not before.webhook_secrets,
            webhook=bool(before.webhook_secrets),
            overlap=timedelta(hours=overlap),
        )
        held[0] = held[0].replacing(source)
    _show_secrets(source, made, json_output)


def remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Names, as `sources list` shows them.")],
    data_dir: options.DataDir = None,
    file: File = None,
) -> None:
    """Remove sources: their keys and secrets are taken no more. What they have submitted stays."""
    from shared.sources_file import changing_sources

    with changing_sources(sources_path(file, data_dir)) as held, _refusals():
        for name in names:
            held[0] = held[0].without(name)
    for name in names:
        stdout().print(f"[green]✓[/] {harmless(name)} removed", soft_wrap=True, markup=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn what the sources refuse into words for the terminal."""
    from shared.sources import SourceRefused

    try:
        yield
    except SourceRefused as error:
        raise Failure(f"{error}.", "`wireroom sources list` shows those there are.") from error


def _reason(error: ValueError) -> str:
    """Return what is wrong, of pydantic's errors the first."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    message: str = errors(include_url=False)[0]["msg"]
    return message.removeprefix("Value error, ")


def _show_secrets(source: Source, made: NewSecrets, json_output: bool) -> None:
    if json_output:
        print_json({**_document(source), **made.model_dump(exclude_none=True)})
        return
    console = stdout()
    console.print(_line(source), soft_wrap=True)
    console.print("[bold]For its owner[/]; it is not shown again:")
    if made.key:
        print(f"  API key         {made.key}")
    if made.webhook_secret:
        print(f"  webhook secret  {made.webhook_secret}")
    ends = [one.ends_at for one in (*source.keys, *source.webhook_secrets) if one.ends_at]
    if ends:
        until = short_date(max(ends).isoformat())
        console.print(f"[dim]The one before is taken until {until} (UTC).[/]")


def _document(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "made_at": source.made_at.isoformat(),
        "per_minute": source.per_minute,
        "hosts": list(source.hosts),
        "keys": [_secret(key) for key in source.keys],
        "webhook_secrets": [_secret(secret) for secret in source.webhook_secrets],
    }


def _secret(secret: Secret) -> dict[str, Any]:
    return {
        "made_at": secret.made_at.isoformat(),
        "ends_at": secret.ends_at.isoformat() if secret.ends_at else None,
        "valid": secret.valid(datetime.now(UTC)),
    }


def _line(source: Source) -> Any:
    from rich.text import Text

    now = datetime.now(UTC)
    keys = sum(key.valid(now) for key in source.keys)
    hooks = sum(secret.valid(now) for secret in source.webhook_secrets)
    told = [
        plural(keys, "key") if keys else "",
        plural(hooks, "webhook secret") if hooks else "",
        f"{source.per_minute:,} a minute" if source.per_minute else "no limit",
        ", ".join(source.hosts) or "any host",
    ]
    return Text.assemble((source.name, "bold"), "  ", (" · ".join(filter(None, told)), "dim"))
