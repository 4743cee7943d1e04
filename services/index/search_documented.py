"""What the OpenAPI document says about searching, whose routes read and answer by themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from services.index.did_you_mean import DidYouMean
from shared.http.problems import MEDIA_TYPE, PROBLEM_SCHEMA

Responses = dict[int | str, dict[str, Any]]

ABOUT_SEARCH = """Find articles by text and filters, best or newest first.

`q` takes a subset of Lucene's language: words (all of them: xi blinken), "phrases" and "near ones"~3, OR,
AND, NOT, +must -mustnot, (groups), begin*, fuzzy~, weight^2, and the fields title: body: source: author:
entity: person: org: place: topic: language: story: id: sentiment: and published:. The last two take ranges:
sentiment:>0.5, published:[2026-11-01 TO 2026-11-05], published:>now-7d. A backslash takes the meaning from
the next character.

A fault in it is answered 400 with its place; with lenient=true it is read around, and the warnings say how.

Near-duplicates that match stand under one hit, as its `duplicates`, unless collapse=false. Pages follow each
other by next_cursor, and neither lose nor repeat an article while others arrive.
"""


class Highlights(BaseModel):
    """Escaped HTML with <mark> around what matched; `body` is the passage that shows most of it."""

    title: str
    body: str


class DuplicateArticle(BaseModel):
    id: str
    title: str
    source: str | None = None
    url: str | None = None
    published_at: str | None = None


class DuplicatesUnderHit(BaseModel):
    """Near-duplicates of a hit that match as well: `articles` are five of them at most, `sources` how many
    outlets other than the hit's own had one."""

    count: int
    sources: int
    articles: list[DuplicateArticle]


class SearchHit(BaseModel):
    """An article without its body and what hangs on it; `score` is null where hits are not ranked."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str
    url: str | None = None
    source: str | None = None
    published_at: str | None = None
    score: float | None
    highlights: Highlights | None = None
    duplicates: DuplicatesUnderHit | None = None


class FacetValue(BaseModel):
    """`value` is what the filter of the same kind takes, `label` what a person reads."""

    value: str
    count: int
    label: str


class SearchAnswer(BaseModel):
    """One page of what was found."""

    total: int | None = Field(description="How many match; null when not counted.")
    exact: bool = Field(description="Whether `total` is all of them, or there are at least so many.")
    hits: list[SearchHit]
    facets: dict[str, list[FacetValue]]
    next_cursor: str | None = Field(description="For the next page; null on the last.")
    did_you_mean: DidYouMean | None = Field(description="Where nothing was found and something near is.")
    warnings: list[str] = Field(description="What of the query was read otherwise than it says.")


_FAULT = "this '(' has no ')'"
PROBLEMS: Responses = {
    400: {
        "description": "A parameter cannot be read; `errors` names it and, for `q`, the place.",
        "content": {
            MEDIA_TYPE: {
                "schema": PROBLEM_SCHEMA,
                "example": {
                    "type": "/problems/query-syntax",
                    "title": "Bad Request",
                    "status": 400,
                    "detail": f"{_FAULT} (at character 11)\nstorm AND (harbour\n          ^",
                    "errors": [{"pointer": "query/q", "detail": _FAULT, "position": 10}],
                },
            }
        },
    },
    "default": {
        "description": "Any other refusal: 401 without a read key where one is needed, 404 or 410 for what "
        "is not there, 503 while a damaged index is mended. All are problem documents, as the 400 is.",
    },
}
_HIT = {
    "id": "5f2b0c9d6a1e4f7088c3d2b1a0f9e8d7",
    "title": "Ministers meet in Bali",
    "url": "https://example.com/news/1",
    "source": "Example Wire",
    "published_at": "2026-11-19T14:00:00Z",
    "score": 7.31,
    "highlights": {
        "title": "<mark>Ministers</mark> meet in Bali",
        "body": "<mark>Ministers</mark> met on Monday …",
    },
}
FOUND: Responses = {
    200: {
        "description": "What was found; nothing found is an empty page.",
        "model": SearchAnswer,
        "content": {
            "application/json": {
                "example": {
                    "total": 1,
                    "exact": True,
                    "hits": [_HIT],
                    "facets": {"sources": [{"value": "Example Wire", "count": 1, "label": "Example Wire"}]},
                    "next_cursor": None,
                    "did_you_mean": None,
                    "warnings": [],
                }
            }
        },
    }
}
