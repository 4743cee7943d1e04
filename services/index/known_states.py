"""What the archive and the entries of streams tell of each article's state (`shared.runtime.state`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from services.index.archive_reading import ArchiveReader
from shared.errors import PermanentError
from shared.events import ArticleId, DeadLetter, decode_event
from shared.receipts import stage_field, stage_value
from shared.runtime.state import ArticleState, state_from_event, state_of_article, state_of_retraction
from shared.streams import EVENT_FIELD


class _Origin(BaseModel):
    submitted_by: str | None = None


class _Times(BaseModel):
    updated_at: AwareDatetime | None = None
    enriched_at: AwareDatetime | None = None
    provenance: _Origin = _Origin()


class _ArchivedEvent(BaseModel):
    type: Literal["ArticleEnriched", "ArticleRetracted"]
    article_id: ArticleId
    revision: int
    epoch: int = 0
    received_at: AwareDatetime
    content_hash: str = ""
    submitted: _Times = _Times()
    article: _Times = _Times()
    withheld: bool = False
    reason: str | None = None
    retracted_by: str | None = None


class _ArchivedState(BaseModel):
    """What the state takes of a line of the archive: 12 µs, where reading all of it takes 129."""

    archived_at: AwareDatetime
    event: _ArchivedEvent


def archived_states(reader: ArchiveReader) -> Iterator[ArticleState]:
    """Yield the state after each archived event; damage is counted by the reader."""
    for line in reader.lines():
        try:
            record = _ArchivedState.model_validate_json(line)
        except ValidationError:
            reader.damaged_records += 1
        else:
            yield _state_from_archive(record.event, record.archived_at)


def _state_from_archive(event: _ArchivedEvent, archived_at: datetime) -> ArticleState:
    if event.type == "ArticleRetracted":
        return state_of_retraction(
            event.article_id,
            epoch=event.epoch,
            revision=event.revision,
            received_at=event.received_at,
            withheld=event.withheld,
            reason=event.reason,
            by=event.retracted_by,
        )
    state = state_of_article(
        event.article_id,
        epoch=event.epoch,
        revision=event.revision,
        received_at=event.received_at,
        updated_at=event.submitted.updated_at,
        content_hash=event.content_hash,
        enriched_at=event.article.enriched_at,
        by=event.article.provenance.submitted_by,
    )
    indexed = stage_field("indexed", event.epoch, event.revision), stage_value(archived_at)
    return replace(state, receipt=state.receipt + indexed)


def state_from_entry(fields: Mapping[bytes, bytes]) -> ArticleState | None:
    """Return the state that an entry tells of, None if it tells of none. A dead letter tells what died."""
    try:
        event = decode_event(fields.get(EVENT_FIELD, b""))
        if isinstance(event, DeadLetter):
            event = decode_event(event.fields.get(EVENT_FIELD.decode(), b""))
    except PermanentError:
        return None
    return None if isinstance(event, DeadLetter) else state_from_event(event)
