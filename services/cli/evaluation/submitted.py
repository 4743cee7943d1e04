"""Puts a record in the place of a submitted article, so that the pipeline's own steps can work on it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from services.enrich import pipeline
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from shared.errors import UnprocessableArticle
from shared.events import ArticleSubmitted, Provenance, SubmittedArticle

# The steps before any that reads the article's meaning.
CLEANING_STEPS: Final = (pipeline.extract_text, pipeline.clean_up)
RECEIVED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


def draft_of(number: int, article: SubmittedArticle, received_at: datetime = RECEIVED_AT) -> Draft:
    """Return the draft of the article; `number` makes its id, so ids of the file may be anything."""
    return Draft.of(
        ArticleSubmitted(
            article_id=f"{number:032x}",
            revision=1,
            received_at=received_at,
            content_hash=f"{number:032x}",
            article=article,
            provenance=Provenance(door="file"),
        )
    )


def cleaned(draft: Draft, models: Models) -> Draft:
    """Return the draft extracted and cleaned up as enrich does it first; empty when no text is left."""
    try:
        for step in CLEANING_STEPS:
            draft = step(draft, models)
    except UnprocessableArticle:
        return draft.with_(title="", body="")
    return draft
