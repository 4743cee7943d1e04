"""Fetching of feeds: their documents with conditions, one at a time to a host, and what the answer means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Final
from urllib.parse import urljoin, urlsplit

from services.ingest.feeds.record import FeedState
from shared.fetch.fetcher import Fetched, Fetcher
from shared.fetch.turns import Turns
from shared.http.retry_after import seconds_from_retry_after

ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1"
)
PERMANENT: Final = frozenset({301, 308})
# Who waits longer for a turn at a host comes again later, and lets feeds of other hosts go first.
TURN_S: Final = 5.0
MAX_VALIDATOR_CHARS: Final = 1_000


class FeedFetcher:
    """Fetches documents of feeds. Hosts that an operator opened by name are asked without pauses."""

    def __init__(self, fetcher: Fetcher, *, pause_s: float, most_bytes: int, seconds: float) -> None:
        self.fetcher = fetcher
        self._turns = Turns(pause_s=pause_s)
        self._most_bytes = most_bytes
        self._seconds = seconds

    async def fetch(self, url: str, state: FeedState | None = None) -> Fetched:
        """GET a document, with the conditions of `state`. Raises FetchRefused and FetchFailed."""
        headers = {"accept": ACCEPT}
        if state is not None and state.etag:
            headers["if-none-match"] = state.etag
        if state is not None and state.last_modified:
            headers["if-modified-since"] = state.last_modified
        guard = self.fetcher.guard
        target = guard.target(url)
        if (target.host, target.port) in guard.allowed:
            return await self._get(url, headers)
        async with self._turns.turn(target.host, wait_s=TURN_S):
            return await self._get(url, headers)

    async def _get(self, url: str, headers: dict[str, str]) -> Fetched:
        return await self.fetcher.fetch(
            url, headers=headers, most_bytes=self._most_bytes, seconds=self._seconds
        )

    def rest(self, url: str, seconds: float) -> None:
        """Leave the URL's host alone for `seconds`, as it asked."""
        self._turns.rest(self.fetcher.guard.target(url).host, seconds)


@dataclass(frozen=True, slots=True)
class Answer:
    """What matters of an answer. `moved_to` is where permanent redirects led."""

    status: int
    url: str
    moved_to: str | None
    retry_after_s: float | None
    etag: str | None
    last_modified: str | None
    content_type: str | None
    body_digest: str


def answer_from_fetched(fetched: Fetched, now: datetime) -> Answer:
    headers = fetched.headers
    return Answer(
        status=fetched.status,
        url=_base_url(fetched),
        moved_to=_moved_to(fetched),
        retry_after_s=seconds_from_retry_after(headers.get("retry-after"), now),
        etag=_validator(headers.get("etag")),
        last_modified=_validator(headers.get("last-modified")),
        content_type=headers.get("content-type"),
        body_digest=blake2b(fetched.body, digest_size=12).hexdigest(),
    )


def _moved_to(fetched: Fetched) -> str | None:
    """Return where the document is for good: the end of the permanent redirects that the fetch began with."""
    moved_to = None
    for status, url in fetched.redirects:
        if status not in PERMANENT:
            break
        moved_to = url
    return moved_to


def _base_url(fetched: Fetched) -> str:
    """Return what relative links are relative to: Content-Location on the same host, else the URL itself."""
    location = fetched.headers.get("content-location", "")[:2000].strip()
    try:
        base = urljoin(fetched.url, location)
        same = urlsplit(base)[:2] == urlsplit(fetched.url)[:2]
    except ValueError:
        return fetched.url
    return base if location and same else fetched.url


def _validator(value: str | None) -> str | None:
    return value if value and len(value) <= MAX_VALIDATOR_CHARS and value.isascii() else None
