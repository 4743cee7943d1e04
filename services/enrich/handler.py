"""Turns a batch of raw articles into enriched ones: steps in a thread, then one round trip to the corpus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.enrich import pipeline
from services.enrich.backends import RelatedBackend
from services.enrich.backends.loading import one_each
from services.enrich.corpus import Neighbours, version_of
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from shared.clock import utc_now
from shared.errors import PermanentError, UnexpectedEvent
from shared.events import ArticleRetracted, ArticleSubmitted, encode_event
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.receipts import DUPLICATE_OF_FIELD
from shared.runtime.delivery import Delivery, Done, Result

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Enriched:
    """`prepared` is what the related backend made of the draft."""

    draft: Draft
    prepared: Any


class EnrichHandler:
    """Handles deliveries of articles.raw. `clock` returns UTC-aware instants."""

    def __init__(
        self,
        models: Models,
        related: RelatedBackend,
        metrics: Metrics,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._models = models
        self._related = related
        self._related_version = {"related": str(related.info())}
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Result]:
        outcomes = await asyncio.to_thread(self._enrich_all, deliveries)
        enriched = [outcome for outcome in outcomes if isinstance(outcome, _Enriched)]
        with self._metrics.timed("wireroom_stage_seconds", stage="corpus"):
            prepared = [one.prepared for one in enriched]
            placed = one_each(await self._related.process_batch(prepared), prepared, self._related.info)
        neighbours = {id(one): found for one, found in zip(enriched, placed, strict=True)}
        results: list[Result] = []
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, _Enriched):
                results.append(self._finish(outcome, neighbours[id(outcome)]))
            elif isinstance(outcome, ArticleRetracted):
                results.append(await self._pass_on(outcome))
            else:
                log.warning("article not enriched", article_id=delivery.event.article_id, error=repr(outcome))
                results.append(outcome)
        return results

    def _enrich_all(self, deliveries: Sequence[Delivery]) -> list[_Enriched | ArticleRetracted | Exception]:
        """The CPU's part of a batch; one article's failure is its own."""
        submitted = [d.event for d in deliveries if isinstance(d.event, ArticleSubmitted)]
        drafts = iter(pipeline.enrich_all(submitted, self._models, self._metrics))
        outcomes: list[_Enriched | ArticleRetracted | Exception] = []
        for delivery in deliveries:
            event = delivery.event
            if isinstance(event, ArticleSubmitted):
                outcomes.append(self._prepared(event.article_id, next(drafts)))
            elif isinstance(event, ArticleRetracted):
                outcomes.append(event)
            else:
                outcomes.append(UnexpectedEvent(f"{type(event).__name__} is not for enrich"))
        return outcomes

    def _prepared(self, article_id: str, outcome: Draft | Exception) -> _Enriched | Exception:
        try:
            if isinstance(outcome, Exception):
                raise outcome
            return _Enriched(outcome, self._related.prepare(pipeline.article_text(outcome)))
        except PermanentError as error:
            return error
        except Exception as error:
            log.exception("step failed", article_id=article_id)
            return error

    def _finish(self, enriched: _Enriched, neighbours: Neighbours) -> Done:
        draft = enriched.draft.with_(versions=enriched.draft.versions | self._related_version)
        event = pipeline.finish(draft, neighbours, self._clock())
        duplicate_of = (
            {DUPLICATE_OF_FIELD.decode(): neighbours.duplicates[0].id} if neighbours.duplicates else {}
        )
        return Done("enriched", publish=encode_event(event), receipt=duplicate_of)

    async def _pass_on(self, event: ArticleRetracted) -> Done:
        await self._related.forget(event.article_id, version_of(event.precedence))
        return Done(None, publish=encode_event(event))
