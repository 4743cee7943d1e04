"""`wireroom export`: all articles of a query into a file, however many."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from services.cli import filters, options
from services.cli.client import ServiceClient, index_client, refusal
from services.cli.filters import Filters
from services.cli.output import Failure, plural, stderr

FORMATS = ("ndjson", "csv")
SILENCE_S = 120.0
EVERY_S = 0.1
MB = 1_000_000


def register(app: typer.Typer) -> None:
    app.command("export")(export)


def export(
    query: filters.QueryText = "",
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; `-` is stdout.")
    ] = "-",
    format_: Annotated[
        str | None, typer.Option("--format", help="ndjson or csv; else as the file's name ends.")
    ] = None,
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    story: filters.Story = None,
    published_from: filters.PublishedFrom = None,
    published_to: filters.PublishedTo = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Read around faults of the query instead of refusing it.")
    ] = False,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
) -> None:
    """Write all articles of a query to a file, newest first: whole articles as NDJSON, or a table as CSV.

    The file is there once it is whole; until then it is FILE.part. A query with a fault is refused.
    """
    chosen = format_ or ("csv" if output.lower().endswith(".csv") else "ndjson")
    if chosen not in FORMATS:
        raise typer.BadParameter(f"--format is {' or '.join(FORMATS)}.")
    given = Filters(
        query, source, entity, topic, language, sentiment, story, published_from, published_to
    ).params()
    if lenient:
        given["lenient"] = True
    with index_client(data_dir, index_url, api_key_file) as client:
        total = client.json("GET", "/v1/search", params=given | {"size": 1, "count": "exact"}).get("total")
        progress = Progress(total if isinstance(total, int) else None, by_line=chosen == "ndjson")
        params = given | {"format": chosen}
        if output == "-":
            _copy(client, params, sys.stdout.buffer, progress)
            sys.stdout.buffer.flush()
        else:
            _to_file(client, params, Path(output), progress)
    progress.done(output)


def _to_file(client: ServiceClient, params: dict[str, Any], path: Path, progress: Progress) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            _copy(client, params, file, progress)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Failure(f"cannot write {path}: {error.strerror or error}") from error


def _copy(client: ServiceClient, params: dict[str, Any], file: IO[bytes], progress: Progress) -> None:
    """Raises Failure when the answer breaks off: what came is whole lines at best, never all of them."""
    import httpx2

    with client.stream("/v1/export", params, {}, silence_s=SILENCE_S) as answer:
        if answer.status_code >= 400:
            answer.read()
            raise refusal("index", answer)
        try:
            for chunk in answer.iter_bytes(65_536):
                file.write(chunk)
                progress.add(chunk)
        except httpx2.HTTPError as error:
            raise Failure(
                f"the export broke off after {progress.bytes / MB:,.1f} MB.",
                "Try again; `wireroom doctor` shows what is wrong.",
            ) from error


class Progress:
    """How far an export is, on a terminal only; how it ended, everywhere. Both on stderr."""

    def __init__(
        self, total: int | None, *, by_line: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.bytes = 0
        self._articles = 0
        self._total = total
        self._by_line = by_line
        self._clock = clock
        self._begun_at = self._shown_at = clock()
        self._terminal = stderr().is_terminal

    def add(self, chunk: bytes) -> None:
        self.bytes += len(chunk)
        # In CSV a line may end within a field, so articles are not counted there.
        self._articles += chunk.count(b"\n") if self._by_line else 0
        if self._terminal and self._clock() - self._shown_at >= EVERY_S:
            self._shown_at = self._clock()
            stderr().file.write(f"\r\x1b[2K{self._so_far()}")
            stderr().file.flush()

    def done(self, where: str) -> None:
        if self._terminal:
            stderr().file.write("\r\x1b[2K")
        if where == "-" and not self._terminal:
            return
        articles = self._articles if self._by_line else self._total
        count = f"{plural(articles, 'article')}, " if articles is not None else ""
        place = f" in {where}" if where != "-" else ""
        seconds = self._clock() - self._begun_at
        stderr().print(
            f"✓ {count}{self.bytes / MB:,.1f} MB{place}, {seconds:.1f} s", markup=False, soft_wrap=True
        )

    def _so_far(self) -> str:
        megabytes = f"{self.bytes / MB:,.1f} MB"
        if not self._by_line:
            return megabytes
        share = f" of {self._total:,}" if self._total else ""
        return f"{self._articles:,}{share} articles · {megabytes}"
