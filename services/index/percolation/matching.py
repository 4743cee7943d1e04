"""One search against articles that need not be in any index."""

from __future__ import annotations

from collections.abc import Sequence

from services.index.engine.protocol import Filters
from services.index.percolation.percolator import NO_FILTERS, Percolator
from services.index.query.nodes import Node
from shared.events import ArticleEnriched


def matching(
    events: Sequence[ArticleEnriched], node: Node, filters: Filters = NO_FILTERS
) -> list[ArticleEnriched]:
    """Return those of `events` that the search engine would find, in their order."""
    percolator = Percolator()
    percolator.put("", node, filters)
    found = {id(event) for _, event in percolator.match(events)}
    return [event for event in events if id(event) in found]
