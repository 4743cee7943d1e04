"""What one process of `wireroom re-enrich` does: the steps of enrich, over archived articles."""

from __future__ import annotations

import os
import signal
import threading
from datetime import UTC, datetime
from functools import cache
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from services.cli.re_enriching.changes import Change, change_between
from services.enrich import pipeline
from services.enrich.again import enriched_again, resubmitted
from services.enrich.configured import load_models
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from services.enrich.settings import EnrichSettings
from services.index.archive import archive_directory, archive_line
from services.index.archive_reading import ArchiveRecord
from services.index.entity_edits import EditTable
from services.index.entity_edits_file import EntityEdits
from shared.events import ArticleEnriched
from shared.logging import configure_logging
from shared.metrics import Metrics
from shared.settings import load_settings

MAX_REASON_CHARS = 300
_NICE = 10  # the wire that goes on comes first
# Which part of the models a step asks.
_PART_OF_STEP = {"name_entities": "entities", "read_sentiment": "sentiment", "classify_topics": "topics"}


class Outcome(NamedTuple):
    """`line` and `change` of a re-enriched article, or the `failure` with which it stays as it was."""

    article_id: str
    line: bytes = b""
    change: Change | None = None
    failure: str | None = None


def start(log_level: str) -> None:
    """Make this process one that ends with its parent, however that ends, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    configure_logging("re-enrich", log_format="console", level=log_level)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def versions() -> dict[str, str]:
    """Return what makes articles now. Raises ConfigurationError, naming what is missing."""
    return _models().versions


@cache
def _models() -> Models:
    settings = load_settings(EnrichSettings)
    return load_models(settings)


@cache
def _edits(data_dir: Path) -> EditTable:
    return EntityEdits(archive_directory(data_dir)).table


def enrich_again(data_dir: Path, lines: list[bytes]) -> list[Outcome]:
    """Return an outcome for each archived line, in their order."""
    records = [_record(line) for line in lines]
    events = [record.event for record in records if record and isinstance(record.event, ArticleEnriched)]
    drafts = iter(pipeline.enrich_all([resubmitted(event) for event in events], _models(), Metrics()))
    outcomes = []
    for record in records:
        if record is None or not isinstance(record.event, ArticleEnriched):
            outcomes.append(Outcome("", failure="its archived record is damaged"))
        else:
            outcomes.append(_outcome(record, record.event, next(drafts), _edits(data_dir)))
    return outcomes


def _record(line: bytes) -> ArchiveRecord | None:
    try:
        return ArchiveRecord.model_validate_json(line)
    except ValidationError:
        return None


def _outcome(
    record: ArchiveRecord, before: ArticleEnriched, draft: Draft | Exception, edits: EditTable
) -> Outcome:
    try:
        if isinstance(draft, Exception):
            raise draft
        after = enriched_again(before, draft, datetime.now(UTC))
        # When it was archived is when it was indexed: that stays, too.
        line = archive_line(after, record.archived_at)
        change = change_between(edits.article(before.article), edits.article(after.article))
    except Exception as error:  # a plug-in may fail in any way; one article's failure is its own
        return Outcome(before.article_id, failure=_reason(error))
    return Outcome(before.article_id, line, change)


def _reason(error: Exception) -> str:
    """Name the model that failed, if it was in one, and how."""
    said = f"{type(error).__name__}: {error}"[:MAX_REASON_CHARS]
    trace = error.__traceback__
    while trace is not None:
        part = _PART_OF_STEP.get(trace.tb_frame.f_code.co_name)
        if part is not None:
            return f"{part} ({_models().versions[part]}): {said}"
        trace = trace.tb_next
    return said
