"""`/search.rss`, `/search.atom` and `/search.json`: any search as a feed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from services.index.access import readers_only
from services.index.addresses import base_url_of
from services.index.engine.protocol import InvalidCursor, Page, SearchEngine
from services.index.feeds_out import atom, json_feed, rss
from services.index.feeds_out.building import FeedRequest, feed_of, feed_query, fingerprint
from services.index.feeds_out.model import SearchFeed
from services.index.feeds_out.validators import not_modified, validators
from services.index.saved_terms import NamedTerms, SavedLookup, lenient_terms_for
from services.index.search_params import bad_parameter
from services.index.search_route import SearchRoute
from shared.clock import utc_now
from shared.http.auth import ApiKeys
from shared.metrics import Metrics

MAX_AGE_S = 60
_PARAMETERS = frozenset(
    {
        "q", "source", "language", "entity", "topic", "sentiment", "story", "from", "to",
        "saved", "content", "size", "cursor", "collapse",
    }
)  # fmt: skip


class _Format(NamedTuple):
    write: Callable[[SearchFeed], bytes]
    media_type: str


FORMATS = {
    "rss": _Format(rss.rss_of, rss.MEDIA_TYPE),
    "atom": _Format(atom.atom_of, atom.MEDIA_TYPE),
    "json": _Format(json_feed.json_feed_of, json_feed.MEDIA_TYPE),
}
_SUMMARIES = {"rss": "A search as RSS 2.0", "atom": "A search as Atom", "json": "A search as JSON Feed 1.1"}

Content = Annotated[
    Literal["summary", "full"], Query(description="`full` for the whole text beside the summary.")
]
Size = Annotated[int, Query(ge=1, le=100, description="Articles in the feed.")]
Cursor = Annotated[str | None, Query(max_length=500, description="Of the feed's link to its next page.")]

Collapse = Annotated[bool, Query(description="Show near-duplicates as links of the first of them.")]


def feeds_router(
    engine: SearchEngine,
    saved_searches: SavedLookup,
    metrics: Metrics,
    read_keys: ApiKeys | None,
    public_url: str | None,
    now: Callable[[], datetime] = utc_now,
) -> APIRouter:
    """Return the routes. `public_url` is the service's address for readers, None for that of the request."""

    readers = readers_only(read_keys, with_password=True)
    router = APIRouter(tags=["feeds"], dependencies=[Depends(readers)], route_class=SearchRoute)
    cached = f"{'public' if read_keys is None else 'private'}, max-age={MAX_AGE_S}"

    wanted = Depends(lenient_terms_for(saved_searches))

    def add(extension: str) -> None:
        path, (write, media_type) = f"/search.{extension}", FORMATS[extension]

        async def feed(
            request: Request,
            named: NamedTerms = wanted,
            content: Content = "summary",
            size: Size = 50,
            cursor: Cursor = None,
            collapse: Collapse = True,
        ) -> Response:
            asked = FeedRequest(
                terms=named.terms,
                query=feed_query(named.terms, size=size, cursor=cursor or None, collapse=collapse),
                path=path,
                parameters=_parameters(request),
                base_url=base_url_of(request, public_url),
                full=content == "full",
                name=named.name,
            )
            with metrics.timed("wireroom_search_seconds", kind="newest"):
                page = await asyncio.to_thread(_found, engine, asked)
            headers = {"cache-control": cached} | validators(
                f'"{fingerprint(asked, page)}"', _modified_at(page), now()
            )
            if not_modified(request.headers, headers):
                return Response(status_code=304, headers=headers)
            body = await asyncio.to_thread(lambda: write(feed_of(engine, asked, page)))
            return Response(body, media_type=media_type, headers=headers)

        router.get(path, summary=_SUMMARIES[extension], response_class=Response, name=f"feed_{extension}")(
            feed
        )
        router.head(path, include_in_schema=False)(feed)

    for extension in FORMATS:
        add(extension)
    return router


def _parameters(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the parameters that a feed knows, so that its own address has no others: a key perhaps."""
    given = request.query_params.multi_items()
    return tuple(dict.fromkeys((name, value) for name, value in given if name in _PARAMETERS and value))


def _found(engine: SearchEngine, asked: FeedRequest) -> Page:
    try:
        return engine.search(asked.query)
    except InvalidCursor as error:
        raise bad_parameter("cursor", str(error), "invalid-cursor") from error


def _modified_at(page: Page) -> datetime | None:
    instants = (hit.card.get("indexed_at") for hit in page.hits)
    return max((datetime.fromisoformat(at) for at in instants if at), default=None)
