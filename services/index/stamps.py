"""What a line of the archive says about which event it is, read without the rest of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, Field

from services.index.engine.revisions import Rank, rank_from
from shared.events import ArticleId, Precedence

_NEVER = datetime.fromtimestamp(0, UTC)


class _Provenance(BaseModel):
    versions: dict[str, str] = Field(default_factory=dict)


class _Article(BaseModel):
    updated_at: AwareDatetime | None = None
    enriched_at: AwareDatetime | None = None
    provenance: _Provenance = _Provenance()


class _Event(BaseModel):
    type: Literal["ArticleEnriched", "ArticleRetracted"]
    article_id: ArticleId
    revision: int
    epoch: int = 0
    received_at: AwareDatetime
    article: _Article = _Article()
    withheld: bool = False


class Stamp(BaseModel):
    """Which event an archived line holds."""

    event: _Event

    @property
    def article_id(self) -> str:
        return self.event.article_id

    @property
    def retracted(self) -> bool:
        return self.event.type == "ArticleRetracted"

    @property
    def versions(self) -> dict[str, str]:
        """What made each part of the article."""
        return self.event.article.provenance.versions

    @property
    def rank(self) -> Rank:
        """Equal to `rank_of` of the event. Raises OverflowError when a number does not fit a column."""
        event = self.event
        updated_at = None if self.retracted else event.article.updated_at
        final = self.retracted and not event.withheld
        precedence = Precedence(event.epoch, final, event.revision, updated_at or _NEVER, event.received_at)
        return rank_from(precedence, None if self.retracted else event.article.enriched_at)
