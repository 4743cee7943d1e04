"""Everything of feeds that one ingest process runs: put together here, started and ended by `app`."""

from __future__ import annotations

from dataclasses import dataclass
from random import SystemRandom
from typing import Final

from services.ingest.feeds.entry_article import EntryPage
from services.ingest.feeds.feed_fetcher import FeedFetcher
from services.ingest.feeds.parsing import FeedParser
from services.ingest.feeds.poller import FeedPoller
from services.ingest.feeds.polling import Tools
from services.ingest.feeds.store import FeedStore
from services.ingest.feeds.taking import FetchPage, PageUnavailable
from services.ingest.feeds.websub.subscriber import Subscriber
from services.ingest.fetching.pages import NoArticle, PageFetcher
from services.ingest.service import Ingest
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.fetcher import Fetcher

PAGE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Feeds:
    """The parts of one process. `poller.run` is the background task."""

    tools: Tools
    subscriber: Subscriber
    poller: FeedPoller

    @property
    def store(self) -> FeedStore:
        return self.tools.store

    async def aclose(self) -> None:
        """End the process that parses, after the background task."""
        await self.tools.parser.aclose()


def feeds_of(ingest: Ingest, fetcher: Fetcher) -> Feeds:
    """Return the feeds of an ingest service."""
    settings = ingest.settings
    store = FeedStore(ingest.redis)
    tools = Tools(
        ingest=ingest,
        store=store,
        fetcher=FeedFetcher(
            fetcher,
            pause_s=settings.fetch_host_pause_s,
            most_bytes=settings.feed_max_bytes,
            seconds=settings.feed_timeout_s,
        ),
        parser=FeedParser(),
        fetch_page=_page_fetcher(ingest.pages, settings.max_body_bytes),
        random=SystemRandom(),
    )
    subscriber = Subscriber(
        ingest.redis,
        store,
        fetcher,
        public_url=settings.public_url,
        lease_s=settings.websub_lease_s,
        now=ingest.now,
    )
    poller = FeedPoller(tools, subscriber, metrics=ingest.metrics, at_once=settings.feed_polls_at_once)
    return Feeds(tools, subscriber, poller)


def _page_fetcher(pages: PageFetcher, most_chars: int) -> FetchPage:
    async def fetch_page(url: str) -> EntryPage:
        try:
            page = await pages.fetch_article(url, seconds=PAGE_SECONDS)
        except FetchFailed as error:
            raise PageUnavailable(str(error), passing=error.transient) from error
        except (FetchRefused, NoArticle) as error:
            raise PageUnavailable(str(error), passing=False) from error
        if len(page.html) > most_chars:
            raise PageUnavailable("the page is too large", passing=False)
        return EntryPage(page.url, page.html)

    return fetch_page
