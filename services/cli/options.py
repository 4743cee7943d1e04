"""Options that several commands share, so that they read the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

JsonOutput = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
IngestUrl = Annotated[
    str | None, typer.Option("--ingest-url", metavar="URL", help="Where ingest is, if not found by itself.")
]
IndexUrl = Annotated[
    str | None, typer.Option("--index-url", metavar="URL", help="Where index is, if not found by itself.")
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option("--api-key-file", metavar="FILE", help="File with the API key; else WIREROOM_API_KEY."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", metavar="DIR", help="Data directory; else WIREROOM_DATA_DIR, else .wireroom/data."
    ),
]
