"""Turns a batch of raw articles into enriched ones: steps in a thread, then one round trip to the corpus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.enrich import pipeline
from services.enrich.corpus import Corpus, Fingerprint, Neighbours, version_of
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from shared.errors import PermanentError, UnexpectedEvent
from shared.events import ArticleRetracted, ArticleSubmitted, encode_event
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.receipts import DUPLICATE_OF_FIELD
from shared.runtime.delivery import Delivery, Done, Result

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Enriched:
    draft: Draft
    fingerprint: Fingerprint


class EnrichHandler:
    """Handles deliveries of articles.raw. `clock` returns UTC-aware instants."""

    def __init__(
        self,
        models: Models,
        corpus: Corpus,
        metrics: Metrics,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._models = models
        self._corpus = corpus
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Result]:
        outcomes = await asyncio.to_thread(self._enrich_all, deliveries)
        enriched = [outcome for outcome in outcomes if isinstance(outcome, _Enriched)]
        with self._metrics.timed("wireroom_stage_seconds", stage="corpus"):
            placed = await self._corpus.place_many([one.fingerprint for one in enriched])
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
        outcomes: list[_Enriched | ArticleRetracted | Exception] = []
        for delivery in deliveries:
            event = delivery.event
            try:
                if isinstance(event, ArticleRetracted):
                    outcomes.append(event)
                elif isinstance(event, ArticleSubmitted):
                    draft = pipeline.enrich(event, self._models, self._metrics)
                    outcomes.append(_Enriched(draft, pipeline.fingerprint_of(draft, self._models)))
                else:
                    outcomes.append(UnexpectedEvent(f"{type(event).__name__} is not for enrich"))
            except PermanentError as error:
                outcomes.append(error)
            except Exception as error:
                log.exception("step failed", article_id=event.article_id)
                outcomes.append(error)
        return outcomes

    def _finish(self, enriched: _Enriched, neighbours: Neighbours) -> Done:
        event = pipeline.finish(enriched.draft, neighbours, self._clock())
        duplicate_of = (
            {DUPLICATE_OF_FIELD.decode(): neighbours.duplicates[0].id} if neighbours.duplicates else {}
        )
        return Done("enriched", publish=encode_event(event), receipt=duplicate_of)

    async def _pass_on(self, event: ArticleRetracted) -> Done:
        await self._corpus.forget(event.article_id, version_of(event.precedence))
        return Done(None, publish=encode_event(event))
