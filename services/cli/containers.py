"""`wireroom ingest|enrich|index|probe` as the help page lists them; `services.cli.main` runs them sooner."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.service import run_service

PANEL = "One service (containers)"


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(ingest)
    app.command(rich_help_panel=PANEL)(enrich)
    app.command(rich_help_panel=PANEL)(index)
    app.command(rich_help_panel=PANEL)(probe)


def ingest() -> None:
    """Run the ingest service; its settings are WIREROOM_… variables."""
    raise typer.Exit(run_service("ingest"))


def enrich() -> None:
    """Run one enrich worker; its settings are WIREROOM_… variables."""
    raise typer.Exit(run_service("enrich"))


def index() -> None:
    """Run the index service; its settings are WIREROOM_… variables."""
    raise typer.Exit(run_service("index"))


def probe(url: Annotated[str, typer.Argument(help="For example http://127.0.0.1:8001/readyz.")]) -> None:
    """Exit with 0 if URL answers 200 within three seconds."""
    from services.cli.probe import probe as run_probe

    raise typer.Exit(run_probe(url))
