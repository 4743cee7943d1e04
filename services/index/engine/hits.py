"""What is stored with a document, and hits made of it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pydantic_core import from_json
from tantivy import DocAddress, Document, Searcher

from services.index.engine.compiling import Compiler
from services.index.engine.marking import Marker
from services.index.engine.protocol import Hit, IndexFailed


def stored(document: Document, name: str) -> bytes:
    """Raises IndexFailed when it is not there, which can only be damage."""
    content = bytes(document.get_first(name) or b"")
    if not content:
        raise IndexFailed(f"a document has no {name}")
    return content


def parsed(content: bytes) -> dict[str, Any]:
    """Raises IndexFailed for what is no JSON any more."""
    try:
        document: dict[str, Any] = from_json(content)
    except ValueError as error:
        raise IndexFailed(f"a document holds no JSON: {error}") from error
    return document


def cards_of(
    searcher: Searcher, compiler: Compiler, article_ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the cards of those of the articles that are there, by their ids."""
    if not article_ids:
        return {}
    found = searcher.search(compiler.of_ids(article_ids), limit=len(article_ids), count=False).hits
    cards = (parsed(stored(searcher.doc(address), "card")) for _, address in found)
    return {card["id"]: card for card in cards}


def hit_at(searcher: Searcher, address: DocAddress, score: float | None, marker: Marker | None) -> Hit:
    document = searcher.doc(address)
    card = parsed(stored(document, "card"))
    highlights = None
    if marker is not None:
        # The body is parsed only when something in it can be marked; else the lead is what there is to show.
        body = parsed(stored(document, "json"))["body"] if marker.body_needles else card["lead"]
        highlights = marker.highlights(card["title"], body)
    return Hit(card["id"], score, card, highlights)
