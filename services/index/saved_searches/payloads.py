"""What receivers are sent, made of what the index holds at that moment.

{"type", "timestamp", "data": {"saved_search", "article", "matches"}}, as Standard Webhooks has it.
"""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json

from services.index.engine.protocol import Query, SearchEngine, Tombstone
from services.index.query.nodes import Field, In
from services.index.saved_searches.records import Message, SavedSearch


class Payloads:
    """`page_url` is where readers reach our pages, without a slash at the end; None if we cannot tell."""

    def __init__(self, engine: SearchEngine, page_url: str | None) -> None:
        self._engine = engine
        self._page_url = page_url

    def body(self, search: SavedSearch, message: Message) -> bytes | None:
        """Return the body of a message as JSON, or None when the article is no longer there to tell of."""
        if message.kind == "article.retracted":
            return _document(search, message, self._retracted(message))
        card = self.cards([message.article_id]).get(message.article_id)
        return None if card is None else _document(search, message, card)

    def cards(self, article_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Return what a list of results shows of up to 100 articles, of those that can be found."""
        if not article_ids:
            return {}
        query = Query(
            node=In(Field.ID, tuple(article_ids)), size=len(article_ids), count="none", highlight=False
        )
        return {hit.id: self._card(hit.id, dict(hit.card)) for hit in self._engine.search(query).hits}

    def _card(self, article_id: str, card: dict[str, Any]) -> dict[str, Any]:
        page = {} if self._page_url is None else {"page_url": f"{self._page_url}/articles/{article_id}"}
        return {**card, **page}

    def _retracted(self, message: Message) -> dict[str, Any]:
        held = self._engine.get(message.article_id)
        article: dict[str, Any] = {"id": message.article_id, "retracted_at": message.at}
        if isinstance(held, Tombstone):
            known = {"retracted_at": held.retracted_at, "withheld": held.withheld, "reason": held.reason}
            article |= {name: value for name, value in known.items() if value is not None}
        return article


def trial_document(search: SavedSearch, message: Message) -> bytes:
    """Return the body of the message that a person sends to see whether a receiver works."""
    return to_json({"type": message.kind, "timestamp": message.at, "data": {"saved_search": _search(search)}})


def _document(search: SavedSearch, message: Message, article: dict[str, Any]) -> bytes:
    data: dict[str, Any] = {"saved_search": _search(search), "article": article}
    if message.kind != "article.retracted":
        data["matches"] = message.matches
    return to_json({"type": message.kind, "timestamp": message.at, "data": data})


def _search(search: SavedSearch) -> dict[str, Any]:
    return {"id": search.id, "name": search.name, "q": search.q}
