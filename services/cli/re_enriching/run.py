"""One run of `wireroom re-enrich`: from the archive through the present models into the staging directory."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from services.cli.output import Failure
from services.cli.re_enriching.pool import RESUMES, Pool
from services.cli.re_enriching.report import Failures, Tally
from services.cli.re_enriching.work import Outcome
from services.enrich.settings import EnrichSettings
from services.index.archive import archive_directory
from services.index.archive_reading import ArchiveReader, list_segments
from services.index.latest import ArchiveRewritten, Counts, LatestArticles
from services.index.query.parser import parse
from services.index.selection import matching_ids
from services.index.staging import Run, Staging, discard, read_run
from shared.runtime.halt import HaltWindow

_SAVE_EVERY_S = 5.0
_BATCH_BYTES = 4 * 1024 * 1024
_FORMAT = 1  # of what is staged and of the tally: others are not gone on with


@dataclass(frozen=True, slots=True)
class Wanted:
    """`query` leaves all other articles out; `all_versions` takes those that are up to date, too."""

    data_dir: Path
    query: str | None = None
    all_versions: bool = False
    restart: bool = False
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """`document` is the report; there is something to switch to if `staged` is above 0."""

    run_id: str
    staged: int
    document: dict[str, Any]


class Progress(Protocol):
    """Is told how far a run is."""

    def reading(self, left_bytes: int) -> None: ...

    def forgets(self, articles: int) -> None:
        """What was made by other models, or for another query, is no longer of use."""
        ...

    def begin(self, to_do: int, done_before: int) -> None: ...

    def advance(self, articles: int) -> None: ...


def run(wanted: Wanted, settings: EnrichSettings, progress: Progress) -> Result:
    """Re-enrich what is wanted and not staged yet; interrupt it at any time and call it again.

    Raises Failure when the models fail or more than a few articles do, QuerySyntaxError, and what `Staging`
    raises.
    """
    if not list_segments(archive_directory(wanted.data_dir)):
        raise Failure(
            f"There is no archive in {wanted.data_dir.absolute()}.",
            "Name the data directory with --data-dir.",
        )
    if wanted.query is not None:
        parse(wanted.query, lenient=False)  # before the models are loaded
    staging = Staging(wanted.data_dir)
    staged = 0
    try:
        with Pool(settings, wanted.data_dir, wanted.processes) as pool:
            result = _Runner(wanted, settings, staging, pool, progress).run()
            staged = result.staged
            return result
    finally:
        staging.close()
        run = read_run(wanted.data_dir)
        if run is None or (run.complete and not staged):
            discard(wanted.data_dir)  # nothing in there is of use


class _Runner:
    def __init__(
        self, wanted: Wanted, settings: EnrichSettings, staging: Staging, pool: Pool, progress: Progress
    ) -> None:
        self._wanted = wanted
        self._settings = settings
        self._staging = staging
        self._pool = pool
        self._progress = progress
        self._tally = Tally()
        self._failures = Failures()

    def run(self) -> Result:
        versions = self._pool.versions()
        purpose = {
            "format": _FORMAT, "versions": versions, "query": self._wanted.query,
            "all": self._wanted.all_versions,
        }  # fmt: skip
        self._begin(purpose)
        path = self._staging.path / "latest.sqlite"
        table = LatestArticles(path, archive_directory(self._wanted.data_dir), versions)
        try:
            reader = self._choose(table, purpose)
            counts = table.counts()
            self._progress.begin(counts.to_do, self._tally.articles)
            self._work_through(table.lines())
        except ArchiveRewritten as error:
            raise Failure(f"{error}.", "Nothing is lost: run the same command again.") from error
        finally:
            table.close()
        self._staging.save(self._tally.model_dump(), complete=True)
        document = self._document(counts, reader, versions)
        return Result(self._staging.run_id, self._tally.articles, document)

    def _begin(self, purpose: dict[str, Any]) -> None:
        """Go on with what is staged if it was made for the same purpose."""
        before = self._staging.run
        if before is not None and before.purpose == purpose and not self._wanted.restart:
            self._staging.resume(before)
            tally = Tally.model_validate(before.report)
            # Else something of what is staged was lost.
            if sum(1 for _ in self._staging.read().lines()) == tally.articles:
                self._tally = tally
                return
        self._begin_anew(purpose)

    def _begin_anew(self, purpose: dict[str, Any]) -> None:
        if self._staging.run is not None:
            self._progress.forgets(int(self._staging.run.report.get("articles", 0)))
        self._staging.begin(Run(id=secrets.token_hex(16), purpose=purpose))
        self._tally = Tally()

    def _choose(self, table: LatestArticles, purpose: dict[str, Any]) -> ArchiveReader:
        reader = table.read(self._progress.reading)
        if self._wanted.query is not None:
            table.want_only(matching_ids(self._wanted.data_dir, self._wanted.query))
        if self._wanted.all_versions:
            table.want_all_versions()
        table.leave_out_staged(self._staging.read())
        if table.staged_elsewhere():
            table.forget_staged()
            self._begin_anew(purpose)
        return reader

    def _work_through(self, lines: Iterator[bytes]) -> None:
        window = HaltWindow(self._settings.halt_window, self._settings.halt_ratio)
        saved_at = time.monotonic()
        for outcomes in self._pool.outcomes(_batches(lines, self._settings.enrich_batch_entries)):
            self._staging.append([outcome.line for outcome in outcomes if outcome.change])
            for outcome in outcomes:
                self._take(outcome, window)
            self._progress.advance(len(outcomes))
            if time.monotonic() - saved_at > _SAVE_EVERY_S:
                self._staging.save(self._tally.model_dump())
                saved_at = time.monotonic()

    def _take(self, outcome: Outcome, window: HaltWindow) -> None:
        if outcome.change is not None:
            self._tally.add(outcome.change)
        else:
            reason = outcome.failure or "unknown"
            self._failures.add(outcome.article_id, reason)
            if window.would_halt():
                raise Failure(f"Too many articles fail ({window}), the latest by {reason}.", RESUMES)
        window.record(dead=outcome.change is None)

    def _document(self, counts: Counts, reader: ArchiveReader, versions: dict[str, str]) -> dict[str, Any]:
        return {
            "query": self._wanted.query,
            "articles": counts.articles,
            "wanted": counts.wanted,
            "up_to_date": counts.up_to_date,
            **self._tally.document(),
            "failed": self._failures.articles,
            "failures": self._failures.document(),
            "damaged_records": reader.damaged_records,
            "damaged_frames": reader.damaged_frames,
            "models": versions,
        }


def _batches(lines: Iterable[bytes], entries: int) -> Iterator[list[bytes]]:
    """Group lines so that a batch stays small however large its articles are."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and (len(batch) >= entries or size + len(line) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield batch
