"""Saved searches as JSON: what comes in, and what is shown. Secrets are shown once, when they are made."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.index.engine.protocol import Filters
from services.index.saved_searches.history import Delivery, Statistics
from services.index.saved_searches.records import Match, SavedSearch
from services.index.saved_searches.search_rows import filters_document, filters_from
from services.index.search_params import MAX_FILTER_VALUES

MAX_NAME_CHARS = 200
MAX_URL_CHARS = 2_000

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NAME_CHARS)]
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Values = Annotated[list[Value], Field(max_length=MAX_FILTER_VALUES)]
Tones = Annotated[list[Literal["negative", "neutral", "positive"]], Field(max_length=3)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MAX_URL_CHARS)]
Secret = Annotated[str, StringConstraints(max_length=200)]


class SavedSearchInput(BaseModel):
    """A search to save: a query and filters as `/v1/search` takes them, and where its matches are sent."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "Storms at sea",
                    "q": "storm OR hurricane",
                    "topic": ["weather"],
                    "webhook_url": "https://hooks.example.com/news",
                }
            ]
        },
    )

    name: Name
    q: str = Field("", description="As in `/v1/search`; empty matches everything.")
    source: Values = []
    language: Values = []
    entity: Values = []
    topic: Values = []
    sentiment: Tones = []
    story: Values = []
    webhook_url: Url | None = Field(None, description="Where matches are sent; without it they are kept.")
    webhook_secret: Secret | None = Field(
        None, description="`whsec_` and base64 of 24 to 64 bytes; one is made if there is none."
    )

    def filters(self) -> Filters:
        return _filters(self.model_dump())


class SavedSearchChange(BaseModel):
    """What is to be changed of a saved search; what is not there stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name = ""
    q: str = ""
    source: Values = []
    language: Values = []
    entity: Values = []
    topic: Values = []
    sentiment: Tones = []
    story: Values = []
    webhook_url: Url | None = None
    webhook_secret: Secret | None = Field(
        None, description="A new secret; the old one signs beside it for a day."
    )
    rotate_secret: bool = Field(False, description="Make a new secret, and show it in the answer.")
    status: Literal["active", "paused"] = Field(
        "active", description="`active` also enables a webhook that was disabled."
    )

    def filters(self, present: Filters) -> Filters:
        """Return the filters with those that are to be changed in place of the present ones."""
        return _filters(filters_document(present) | self.model_dump(include=self.model_fields_set))


class ReplayInput(BaseModel):
    """What is to be told once more: everything since an instant, or one message."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: AwareDatetime | None = None
    webhook_id: Annotated[str, StringConstraints(max_length=100)] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> ReplayInput:
        if (self.since is None) == (self.webhook_id is None):
            raise ValueError("give either since or webhook_id")
        return self


def _filters(document: dict[str, Any]) -> Filters:
    return filters_from(document | {"language": [code.lower() for code in document["language"]]})


def search_document(search: SavedSearch, statistics: Statistics | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": search.id,
        "name": search.name,
        "q": search.q,
        **filters_document(search.filters),
        "webhook_url": search.webhook_url,
        "status": search.status,
        "status_reason": search.reason,
        "old_secret_until": search.old_secret_until,
        "created_at": search.created_at,
        "updated_at": search.updated_at,
    }
    if statistics is None:
        return document
    last = statistics.last_delivery
    return document | {
        "matches": statistics.matches,
        "last_matched_at": statistics.matched_at,
        "pending": statistics.pending,
        "failures": statistics.failures,
        "next_attempt_at": statistics.next_attempt_at,
        "last_delivery": None if last is None else delivery_document(last),
    }


def delivery_document(delivery: Delivery) -> dict[str, Any]:
    return {
        "webhook_id": delivery.webhook_id,
        "type": delivery.kind,
        "article_id": delivery.article_id,
        "at": delivery.at,
        "attempt": delivery.tries,
        "outcome": delivery.outcome,
        "status": delivery.status,
        "duration_ms": delivery.duration_ms,
    }


def match_document(match: Match, card: dict[str, Any] | None) -> dict[str, Any]:
    """`card` is None for an article that can no longer be found."""
    return {
        "article": card or {"id": match.article_id},
        "revision": match.revision,
        "state": match.state.name.lower(),
        "matched_at": match.at,
    }
