"""What to ask instead of a search that found nothing, as text that can be asked."""

from __future__ import annotations

from dataclasses import dataclass

from services.index.engine.protocol import Page, Query, SearchEngine
from services.index.query.parser import MAX_CHARS
from services.index.query.writing import write


@dataclass(frozen=True, slots=True)
class DidYouMean:
    """`q` finds `total` articles under the filters of the search that found none."""

    q: str
    total: int


def did_you_mean(engine: SearchEngine, query: Query, page: Page) -> DidYouMean | None:
    """Return the query that was probably meant by one whose first page is empty, if the engine knows any."""
    if page.hits or query.cursor is not None:
        return None
    suggestion = engine.suggest(query)
    if suggestion is None:
        return None
    q = write(suggestion.node)
    return DidYouMean(q, suggestion.total) if len(q) <= MAX_CHARS else None
