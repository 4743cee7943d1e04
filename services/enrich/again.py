"""Enriching an article again that was enriched before, by the models of today. Pure.

It keeps its identity, its revision and its times, and what only the corpus of its own days could tell: its
near duplicates, its related articles and its story. A corpus of today would take it for news.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from services.enrich import pipeline
from services.enrich.corpus import Neighbours
from services.enrich.draft import Draft
from shared.events import ArticleEnriched, ArticleSubmitted

_FROM_CORPUS = frozenset({"duplicate", "similar"})
_RELATED = "related"  # the part that the corpus made
_MICROSECOND = timedelta(microseconds=1)


def resubmitted(before: ArticleEnriched) -> ArticleSubmitted:
    """Return the event that `before` was made of."""
    unknown = {k: v for k, v in (before.model_extra or {}).items() if k not in ArticleSubmitted.model_fields}
    return ArticleSubmitted(
        article_id=before.article_id,
        revision=before.revision,
        epoch=before.epoch,
        received_at=before.received_at,
        content_hash=before.content_hash,
        article=before.submitted,
        provenance=before.article.provenance.model_copy(update={"versions": {}}),
        **unknown,
    )


def enriched_again(before: ArticleEnriched, draft: Draft, now: datetime) -> ArticleEnriched:
    """Return the event that takes the place of `before`; `draft` has been through all steps.

    It is later than `before` whatever the clocks say: of two that are equal but for that, the later is kept.
    """
    then = before.article
    enriched_at = now if then.enriched_at is None else max(now, then.enriched_at + _MICROSECOND)
    event = pipeline.finish(draft, Neighbours(then.story_id or "", (), ()), enriched_at)
    kept = tuple(link for link in then.related if link.kind in _FROM_CORPUS)
    versions = dict(event.article.provenance.versions)
    if _RELATED in then.provenance.versions:
        versions[_RELATED] = then.provenance.versions[_RELATED]
    article = event.article.model_copy(
        update={
            "related": (*event.article.related, *kept),
            "story_id": then.story_id,
            "provenance": event.article.provenance.model_copy(update={"versions": versions}),
        }
    )
    return event.model_copy(update={"article": article})
