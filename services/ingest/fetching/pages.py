"""Fetches the page of an article: asks the site, reads what comes, and follows AMP to the article itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Final, Literal

from services.ingest.amp import looks_like_amp, original_of_cached
from services.ingest.canonical_url import canonicalize_url
from services.ingest.fetching.page import Page, PageTooLarge, read_page
from services.ingest.fetching.verdict import Verdict, verdict_of
from shared.errors import WireroomError
from shared.fetch.errors import FetchError, FetchFailed
from shared.fetch.fetcher import Fetched
from shared.fetch.polite import PoliteFetcher
from shared.http.retry_after import seconds_from_retry_after
from shared.text_coding import decode_text
from shared.urls import shown_host

MEDIA_TYPES: Final = frozenset({"text/html", "application/xhtml+xml"})
_HEADERS: Final = {"accept": "text/html,application/xhtml+xml;q=0.9"}
# A tree takes ten times the room of its page: two at a time fit any container.
_MAX_PARSED_AT_ONCE: Final = 2
_MISSING: Final = frozenset({404, 410})


Kind = Literal[Verdict, "page-missing", "page-refused", "page-too-large"]


class NoArticle(WireroomError):
    """The address answered, and not with an article; the message is for people."""

    def __init__(self, kind: Kind, detail: str) -> None:
        self.kind = kind
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """An article's page: `url` is the article's own address, `fetched_from` the one that answered."""

    url: str
    fetched_from: str
    html: str


class PageFetcher:
    """Fetches pages of articles. `max_bytes` bounds a page as it comes, decompressed."""

    def __init__(self, polite: PoliteFetcher, *, max_bytes: int) -> None:
        self._polite = polite
        self._max_bytes = max_bytes
        self._parsing = asyncio.Semaphore(_MAX_PARSED_AT_ONCE)

    async def fetch_article(self, url: str, *, seconds: float) -> ArticlePage:
        """Return the article's page within `seconds`.

        An AMP page is left for the article that it names, where that can be had. Raises FetchRefused,
        FetchFailed and NoArticle.
        """
        deadline = monotonic() + seconds
        page, fetched = await self._fetch(original_of_cached(url), deadline)
        if page.url != fetched.url and (page.is_amp or looks_like_amp(fetched.url)):
            better = await self._own_page(page.url, deadline)
            if better is not None:
                return better
        return ArticlePage(page.url, fetched.url, page.html)

    async def _own_page(self, url: str, deadline: float) -> ArticlePage | None:
        """Return the page at `url` if it shows the article of that address."""
        try:
            page, fetched = await self._fetch(url, deadline)
        except (FetchError, NoArticle):
            return None
        is_it = canonicalize_url(page.url) == canonicalize_url(url)
        return ArticlePage(page.url, fetched.url, page.html) if is_it else None

    async def _fetch(self, url: str, deadline: float) -> tuple[Page, Fetched]:
        fetched = await self._polite.fetch(
            url,
            headers=_HEADERS,
            most_bytes=self._max_bytes,
            seconds=max(0.01, deadline - monotonic()),
            media_types=MEDIA_TYPES,
        )
        _check_status(fetched)
        if _is_binary(fetched.body):
            raise FetchFailed("media_type", _what_came(fetched, "no text"), transient=False)
        async with self._parsing:
            try:
                page, verdict = await asyncio.to_thread(_read, fetched, url)
            except PageTooLarge as error:
                detail = f"{shown_host(fetched.url)} answered with a page of {error}."
                raise NoArticle("page-too-large", detail) from None
        if page is None or verdict is not None:
            kind: Verdict = verdict or "no-text"
            raise NoArticle(kind, _DETAILS[kind].format(shown_host(fetched.url)))
        return page, fetched


def _read(fetched: Fetched, asked_url: str) -> tuple[Page | None, Verdict | None]:
    page = read_page(decode_text(fetched.body, fetched.headers.get("content-type")), fetched.url)
    return page, None if page is None else verdict_of(page, asked_url, fetched.url)


def _check_status(fetched: Fetched) -> None:
    """Raises NoArticle or FetchFailed unless the status says that this is the page."""
    status, host = fetched.status, shown_host(fetched.url)
    if 200 <= status < 300:
        return
    if status in _MISSING:
        raise NoArticle("page-missing", f"{host} answered {status}: there is no such page.")
    if 400 <= status < 500 and status not in (408, 425, 429):
        raise NoArticle("page-refused", f"{host} answered {status}: it does not let us have this page.")
    retry_after_s = None
    if status in (429, 503):
        retry_after_s = seconds_from_retry_after(fetched.headers.get("retry-after"), fetched.at)
    raise FetchFailed(
        "status", f"{host} answered {status}.", transient=status >= 400, retry_after_s=retry_after_s
    )


def _is_binary(body: bytes) -> bool:
    """Whether this is no text, whatever its type says: PDFs and pictures are served as text/html at times."""
    start = body[:1024]
    return start.startswith((b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04")) or (
        b"\x00" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff"))
    )


def _what_came(fetched: Fetched, what: str) -> str:
    return f"{shown_host(fetched.url)} answered with {what}, and only HTML pages are taken."


_DETAILS: Final[dict[Verdict, str]] = {
    "soft-404": "{} answered 200 with a page that says there is no such page, or led to its home page.",
    "paywalled": "{} shows the beginning of this article and keeps the rest for its subscribers.",
    "page-blocked": "{} answered with a page that keeps robots out instead of the article.",
    "no-text": "{} answered with a page without any text; it may be made by scripts, which are not run.",
}
