"""What the OpenAPI document says of the answers about many articles at once; tests hold the routes to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.index.intervals import Interval
from services.index.search_documented import DuplicatesUnderHit, Responses

Mean = float | None


class _Exact(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Warned(_Exact):
    warnings: list[str] = Field(description="What of the query was read otherwise than it says.")


class Card(BaseModel):
    """An article as in the hits of `GET /v1/search`, without score and highlights."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str
    url: str | None = None
    source: str | None = None
    published_at: datetime | None = None
    received_at: datetime


class CardWithDuplicates(Card):
    duplicates: DuplicatesUnderHit | None = None


class TimelineBucket(_Exact):
    start: datetime
    count: int
    sentiment: Mean = Field(description="Mean score of the articles whose tone was read; null for none.")


class TimelineOfMatches(_Exact):
    interval: Interval
    buckets: list[TimelineBucket] = Field(description="Contiguous, oldest first, empty ones included.")
    earlier: int = Field(description="How many were published before the first bucket.")
    total: int = Field(description="`earlier` and all counts together.")


class TimelineAnswer(TimelineOfMatches, _Warned):
    pass


class NamedEntity(_Exact):
    label: str
    canonical: str


class CountedEntity(NamedEntity):
    count: int


class CountedSource(_Exact):
    name: str
    count: int


class _Story(_Exact):
    id: str
    title: str
    article_count: int
    sources: list[CountedSource] = Field(description="The ten with most of its articles.")
    source_count: int
    first_published_at: datetime
    last_published_at: datetime
    entities: list[CountedEntity]
    sentiment: Mean
    articles: list[Card] = Field(description="Up to three, the newest, of different texts and sources.")


class ListedStory(_Story):
    matching_count: int = Field(description="How many of its articles match.")


class StoryList(_Warned):
    stories: list[ListedStory]
    next_cursor: str | None = Field(description="For the next page; null on the last.")


class WholeStory(_Story):
    timeline: list[CardWithDuplicates] = Field(description="Oldest first, near-duplicates under the first.")
    earlier_count: int = Field(description="Articles that came before those of `timeline`.")
    histogram: TimelineOfMatches


class Rise(_Exact):
    entity: NamedEntity
    count: int = Field(description="Texts of the window that name it; near-duplicates are one text.")
    expected: float = Field(description="How many would, as often as it was named in the baseline.")
    score: float = Field(description="G², a likelihood ratio: 10.8 is chance once in a thousand.")
    articles: list[Card] = Field(description="Up to three that drive it, the newest.")


class TextCounts(_Exact):
    window: int
    baseline: int


class TrendsAnswer(_Warned):
    window: str
    baseline: str
    until: datetime = Field(description="Where the window ends: with this minute, or at `to`.")
    texts: TextCounts
    trends: list[Rise]


class ToneToward(_Exact):
    score: float
    articles: int
    sentences: int


class EntityAnswer(_Warned):
    entity: NamedEntity
    article_count: int
    first_published_at: datetime
    last_published_at: datetime
    sentiment: Mean = Field(description="Mean score of the articles that name it.")
    sentiment_toward: ToneToward | None = Field(description="Of the sentences that name it, lately.")
    entities: list[CountedEntity] = Field(description="Those most named beside it.")
    sources: list[CountedSource]
    source_count: int
    timeline: TimelineOfMatches
    articles: list[Card]


def answered(model: type[BaseModel], description: str) -> Responses:
    answer: dict[str, Any] = {"model": model, "description": description}
    return {200: answer}
