"""`wireroom backup` and `wireroom restore`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from services.cli import options
from services.cli.output import Failure, plural, print_json, stderr, stdout
from services.supervisor.instance import default_data_dir

if TYPE_CHECKING:
    from services.cli.backups.manifest import Manifest

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    app.command()(backup)
    app.command()(restore)


def backup(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; must not be there yet.")],
    data_dir: options.DataDir = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Back up index, archive, and what is on its way or dead; everything may run meanwhile."""
    from services.cli.backups.making import make_backup

    began = time.monotonic()
    with stderr().status("Backing up…"):
        manifest = _told(lambda: make_backup(data_dir or default_data_dir(), directory))
    document = _document(manifest, time.monotonic() - began)
    if json_output:
        print_json({"backup": str(directory.absolute())} | document)
        return
    counts = manifest.counts
    stdout().print(
        f"[green]✓[/] {directory.absolute()}\n"
        f"  {plural(counts.documents, 'document')} and {plural(counts.archive_segments, 'archive segment')}, "
        f"{_waiting(manifest)}\n"
        f"  {manifest.size_bytes / 1e6:,.1f} MB in {document['seconds']:.1f} s",
        soft_wrap=True,
    )


def restore(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="What `wireroom backup` has written.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move the present index and archive aside; empty Redis.")
    ] = False,
    data_dir: options.DataDir = None,
    json_output: options.JsonOutput = False,
) -> None:
    """Put a backup back; nothing may run meanwhile. Start Wireroom afterwards."""
    from services.cli.backups.restoring import restore_backup

    began = time.monotonic()
    target = data_dir or default_data_dir()
    with stderr().status("Restoring…"):
        restored = _told(lambda: restore_backup(directory, target, replace=replace))
    document = _document(restored.manifest, time.monotonic() - began)
    if json_output:
        print_json({"set_aside": [str(path.absolute()) for path in restored.set_aside]} | document)
        return
    manifest = restored.manifest
    stdout().print(
        f"[green]✓[/] restored to {target.absolute()}, as of {manifest.created_at:%d %b %Y, %H:%M} UTC\n"
        f"  {plural(manifest.counts.documents, 'document')}, {_waiting(manifest)}, "
        f"in {document['seconds']:.1f} s",
        soft_wrap=True,
    )
    for path in restored.set_aside:
        stdout().print(
            f"  [dim]the former {path.name.partition('.')[0]} is in {path.absolute()}[/]", soft_wrap=True
        )


def _waiting(manifest: Manifest) -> str:
    counts = manifest.counts
    entries = counts.raw + counts.enriched
    return f"{entries:,} entries on their way, {plural(counts.dead, 'dead letter')}"


def _document(manifest: Manifest, seconds: float) -> dict[str, Any]:
    return {
        "created_at": manifest.created_at.isoformat(),
        "counts": manifest.counts.model_dump(),
        "size_bytes": manifest.size_bytes,
        "seconds": round(seconds, 3),
    }


def _told(work: Callable[[], T]) -> T:
    """Do the work; what Redis or the disk refuses is told as what to do."""
    from redis.exceptions import RedisError

    try:
        return work()
    except RedisError as error:
        raise Failure(
            f"Redis does not answer: {error}.",
            "Start it, or correct WIREROOM_REDIS_URL and WIREROOM_REDIS_PASSWORD.",
        ) from error
    except OSError as error:
        raise Failure(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
