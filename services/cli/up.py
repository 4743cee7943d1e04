"""`wireroom up`: everything on this machine, from one terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli import options

MAX_DEFAULT_WORKERS = 2
LOG_FORMATS = ("console", "json")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _port(service: str) -> Any:
    return typer.Option(
        metavar="PORT",
        min=0,
        max=65535,
        envvar=f"WIREROOM_{service}_PORT",
        show_envvar=False,
        help="0 takes any free port.",
    )


def register(app: typer.Typer) -> None:
    app.command()(up)


def default_enrich_workers() -> int:
    """Enrichment is what takes the CPU; one core or less is better left to one worker."""
    return min(len(os.sched_getaffinity(0)), MAX_DEFAULT_WORKERS)


def up(
    data_dir: options.DataDir = None,
    ingest_port: Annotated[int, _port("INGEST")] = 8001,
    enrich_port: Annotated[int, _port("ENRICH")] = 8002,
    index_port: Annotated[int, _port("INDEX")] = 8003,
    enrich_workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=64, help="Enrich processes; by default 2, or 1 on one core."),
    ] = None,
    no_samples: Annotated[bool, typer.Option("--no-samples", help="Do not submit the sample wire.")] = False,
    log_level: Annotated[
        str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR; else WIREROOM_LOG_LEVEL, else WARNING.")
    ] = None,
    log_format: Annotated[str, typer.Option(help="console or json.")] = "console",
    ready_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="How long to wait for all to be ready.")
    ] = 60.0,
) -> None:
    """Run everything here: Redis, ingest, enrich and index, until Ctrl-C."""
    import asyncio

    from services.cli.terminal import run_up
    from services.supervisor.instance import default_data_dir
    from services.supervisor.stack import StackSettings
    from shared.runtime.connection import redis_url
    from shared.settings import ServiceSettings, load_settings

    level = (log_level or os.environ.get("WIREROOM_LOG_LEVEL") or "WARNING").upper()
    if level not in LOG_LEVELS:
        raise typer.BadParameter(f"--log-level is one of {', '.join(LOG_LEVELS)}.")
    if log_format not in LOG_FORMATS:
        raise typer.BadParameter(f"--log-format is one of {', '.join(LOG_FORMATS)}.")
    shared_settings = load_settings(
        ServiceSettings
    )  # a bad WIREROOM_… variable is told before anything starts
    named = bool(os.environ.get("WIREROOM_REDIS_URL") or os.environ.get("WIREROOM_REDIS_URL_FILE"))
    settings = StackSettings(
        data_dir=Path(data_dir or default_data_dir()).absolute(),
        environment=dict(os.environ),
        ingest_port=ingest_port,
        enrich_port=enrich_port,
        index_port=index_port,
        enrich_workers=enrich_workers or default_enrich_workers(),
        redis_url=redis_url(shared_settings) if named else None,
        log_level=level,
        ready_timeout_s=ready_timeout,
    )
    samples = None if no_samples else Path(__file__).resolve().parents[2] / "samples" / "wire.ndjson"
    raise typer.Exit(asyncio.run(run_up(settings, samples, log_format)))
