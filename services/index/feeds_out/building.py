"""Makes the feed of a search: which URLs it has, what it is called, and its items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode

from pydantic_core import to_json

from services.index.engine.protocol import (
    VALUE_FILTERS,
    Filters,
    Hit,
    Page,
    Query,
    SearchEngine,
    StoredArticle,
)
from services.index.feeds_out.items import article_urn, item_of
from services.index.feeds_out.model import FeedItem, SearchFeed
from services.index.feeds_out.texts import language_tag, one_line
from services.index.search_params import SearchTerms
from shared import __version__

NAME = "Wireroom"
MAX_TITLE_CHARS = 200
MAX_DESCRIPTION_CHARS = 1_000
# Of all full texts in one feed. Any text may have 2 MB, and escaped it may be six times as long.
MAX_BODY_CHARS = 4_000_000

_OF_FEEDS = frozenset({"content", "size", "cursor", "saved", "collapse"})


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """A feed that is asked for. `parameters` are those of its URL, `path` is its own."""

    terms: SearchTerms
    query: Query
    path: str
    parameters: tuple[tuple[str, str], ...]
    base_url: str
    full: bool
    name: str | None = None

    def url(self, **changed: str) -> str:
        """Return the feed's address with other values of some parameters."""
        kept = [(name, value) for name, value in self.parameters if name not in changed]
        return _address(self.base_url + self.path, [*kept, *changed.items()])

    @property
    def home_url(self) -> str:
        """The page that shows this search."""
        kept = [pair for pair in self.parameters if pair[0] not in _OF_FEEDS]
        return _address(self.base_url + "/", kept or _parameters_of(self.terms))


def _parameters_of(terms: SearchTerms) -> list[tuple[str, str]]:
    """Return the parameters that stand for what a saved search looks for."""
    filters = terms.filters
    dates = {"from": filters.from_at, "to": filters.to_at}
    return [
        *([("q", terms.text)] if terms.text else []),
        *((name, value) for name in VALUE_FILTERS for value in getattr(filters, name)),
        *((name, at.isoformat()) for name, at in dates.items() if at is not None),
    ]


def _address(url: str, pairs: Iterable[tuple[str, str]]) -> str:
    query = urlencode(list(pairs))
    return f"{url}?{query}" if query else url


def fingerprint(request: FeedRequest, page: Page) -> str:
    """Return what changes whenever the feed's bytes would, without making them."""
    parts = [__version__, request.url(), request.full, request.name, request.terms.warnings]
    content = to_json([parts, page.next_cursor, [(hit.id, hit.card, hit.duplicates) for hit in page.hits]])
    return blake2b(content, digest_size=12).hexdigest()


def feed_of(engine: SearchEngine, request: FeedRequest, page: Page) -> SearchFeed:
    """Return the feed of a page of hits, with the full texts if they are asked for, as far as they go."""
    bodies = _bodies(engine, page.hits) if request.full else {}
    items = tuple(item_of(hit, request.base_url, bodies.get(hit.id)) for hit in page.hits)
    return SearchFeed(
        id=_search_urn(request.terms, request.name),
        title=title_of(request.terms, request.name),
        description=_description(request.terms),
        home_url=request.home_url,
        self_url=request.url(),
        next_url=request.url(cursor=page.next_cursor) if page.next_cursor else None,
        items=items,
        language=_language(request.terms.filters, items),
        updated_at=max((item.indexed_at for item in items), default=None),
    )


def _bodies(engine: SearchEngine, hits: Sequence[Hit]) -> dict[str, str]:
    bodies: dict[str, str] = {}
    left = MAX_BODY_CHARS
    for hit in hits:
        stored = engine.get(hit.id)
        # Since the search it may have been taken down, or revised: then the card is of another text.
        if not isinstance(stored, StoredArticle):
            continue
        body: str = stored.article["body"]
        if len(body) <= left:
            bodies[hit.id] = body
            left -= len(body)
    return bodies


def title_of(terms: SearchTerms, name: str | None) -> str:
    """Return the saved search's name, or what is looked for, and who found it."""
    filters = terms.filters
    groups = (
        filters.entity, filters.topic, filters.source, filters.language, filters.sentiment, filters.story,
    )  # fmt: skip
    values = [value for group in groups for value in group]
    said = name or " · ".join([*([terms.text.strip()] if terms.text.strip() else []), *values])
    return f"{one_line(said, MAX_TITLE_CHARS) or 'All news'} – {NAME}"


def _description(terms: SearchTerms) -> str:
    """Return what the feed holds. What was read otherwise than typed can be said nowhere else in a feed."""
    asked = one_line(terms.text, MAX_DESCRIPTION_CHARS)
    said = f"Articles that match: {asked}" if asked else "Articles as they were published"
    warnings = one_line(" ".join(terms.warnings), MAX_DESCRIPTION_CHARS)
    return f"{said}. {warnings}" if warnings else f"{said}."


def _search_urn(terms: SearchTerms, name: str | None) -> str:
    """Return one id for a search, whichever way it is asked for."""
    asked: list[Any] = [" ".join(terms.text.split()), repr(terms.filters), name]
    return article_urn(blake2b(to_json(asked), digest_size=16, person=b"wrfeed").hexdigest())


def _language(filters: Filters, items: Iterable[FeedItem]) -> str | None:
    """Return the language of all items, where they have one in common."""
    if len(filters.language) == 1:
        return language_tag(filters.language[0])
    found = {item.language for item in items}
    return found.pop() if len(found) == 1 else None


def feed_query(terms: SearchTerms, *, size: int, cursor: str | None, collapse: bool) -> Query:
    """Return the search of a feed: the newest first, nothing counted and nothing marked."""
    query = Query(terms.node, terms.filters, sort="newest", size=size, cursor=cursor, count="none")
    return replace(query, highlight=False, collapse=collapse)
