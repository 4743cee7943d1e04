"""Takes a feed's entries: what is new or changed is submitted, and remembered once it was accepted.

Between the two a crash leads to the same submit again, which the submission script answers `duplicate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from services.ingest.feeds.entry_article import EntryPage, document_from_entry, read_entry_article
from services.ingest.feeds.entry_keys import KeyedEntry, keyed_entries
from services.ingest.feeds.formats.model import Feed
from services.ingest.feeds.record import EntryCounts, FeedRecord
from services.ingest.feeds.seen import Seen, SeenEntries
from services.ingest.identity import article_id
from services.ingest.service import Ingest
from services.ingest.submission import Origin, Submission, submission_from_article
from shared.errors import WireroomError
from shared.events import SubmittedArticle
from shared.http.problems import Problem

CHUNK: Final = 50
# The pages of more entries wait for the next poll, which then comes soon.
MAX_PAGES: Final = 50
# How often a page is asked for that could not be had for a passing reason.
MAX_PAGE_FAILURES: Final = 3
_NO_ARTICLE: Final = "0" * 32


class PageUnavailable(WireroomError):
    """An entry's page cannot be had; `passing` when it may be had later."""

    def __init__(self, reason: str, *, passing: bool) -> None:
        self.passing = passing
        super().__init__(reason)


FetchPage = Callable[[str], Awaitable[EntryPage]]


@dataclass(slots=True)
class Taken:
    """What became of a document's entries. `complete` is False when some are to be looked at again."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    complete: bool = True

    @property
    def counts(self) -> EntryCounts:
        skipped = dict(self.skipped)
        return EntryCounts(new=self.new, changed=self.changed, unchanged=self.unchanged, skipped=skipped)


@dataclass(slots=True)
class _Draft:
    """An entry on its way. `page_failures` is above 0 when its page is to be asked for again."""

    keyed: KeyedEntry
    seen: Seen | None
    page: EntryPage | None = None
    page_failures: int = 0

    @property
    def article_id(self) -> str:
        """The article that the entry has become before."""
        return self.seen.article_id if self.seen else _NO_ARTICLE

    def seen_as(self, article_id: str, at_s: int) -> Seen:
        digest = b"" if self.page_failures else self.keyed.digest
        return Seen(digest, article_id, at_s, self.page_failures)


class EntryTaker:
    """Takes the entries of one feed's document.

    `keep_lease` is awaited between chunks, and raises when the feed is no longer ours. `fetch_page` gets an
    entry's page, where pages are wanted.
    """

    def __init__(
        self,
        ingest: Ingest,
        record: FeedRecord,
        *,
        door: Literal["feed", "websub"],
        keep_lease: Callable[[], Awaitable[None]],
        fetch_page: FetchPage,
    ) -> None:
        self._ingest = ingest
        self._record = record
        self._door: Literal["feed", "websub"] = door
        self._keep_lease = keep_lease
        self._fetch_page = fetch_page
        self._seen = SeenEntries(ingest.redis, record.id)
        self._taken = Taken()

    async def take(self, feed: Feed, url: str) -> Taken:
        """Submit what `feed`, found at `url`, has that is new. Raises a 503 Problem when there is no room."""
        taken = self._taken
        taken.skipped.update(feed.skipped)
        wanted = self._record.config.full_text
        with_page = wanted or (wanted is None and feed.format in ("sitemap", "sitemap-index"))
        keyed, doubles = keyed_entries(feed, with_page=with_page)
        if doubles:
            taken.skipped["double"] += doubles
        at_s = int(self._ingest.now().timestamp())
        known = await self._seen.look_up([each.key for each in keyed])
        fresh: list[tuple[KeyedEntry, Seen | None]] = []
        unchanged: dict[bytes, Seen] = {}
        for each, seen in zip(keyed, known, strict=True):
            if seen is not None and seen.digest == each.digest:
                unchanged[each.key] = seen._replace(at_s=at_s)
            else:
                fresh.append((each, seen))
        taken.unchanged += len(unchanged)
        if with_page and len(fresh) > MAX_PAGES:
            fresh, taken.complete = fresh[:MAX_PAGES], False
        # Oldest first: feeds begin with what is newest, and the stream is in the order of its submits.
        fresh.reverse()
        for start in range(0, len(fresh), CHUNK):
            if start:
                await self._keep_lease()
            await self._take_chunk(fresh[start : start + CHUNK], feed, url, at_s, with_page=with_page)
        if fresh:
            # Only now that the document says something new: its old entries are still in it.
            await self._seen.remember(unchanged)
            await self._seen.forget_oldest()
        return taken

    async def _take_chunk(
        self,
        fresh: Sequence[tuple[KeyedEntry, Seen | None]],
        feed: Feed,
        url: str,
        at_s: int,
        *,
        with_page: bool,
    ) -> None:
        self._ingest.check_room()
        submissions: list[Submission] = []
        drafts: list[_Draft] = []
        remembered: dict[bytes, Seen] = {}
        for each, seen in fresh:
            draft = _Draft(each, seen)
            if with_page and each.entry.link is not None:
                await self._add_page(draft, each.entry.link)
            try:
                submissions.append(self._submission(draft, feed, url))
                drafts.append(draft)
            except Problem as problem:
                self._taken.skipped[problem.slug] += 1
                remembered[each.key] = draft.seen_as(draft.article_id, at_s)
        results = await self._ingest.submit_many(submissions, self._door) if submissions else []
        for draft, result in zip(drafts, results, strict=True):
            if result.outcome == "tombstoned":
                self._taken.skipped["taken-down"] += 1
            elif draft.article_id == _NO_ARTICLE:
                self._taken.new += 1
            else:
                self._taken.changed += 1
            remembered[draft.keyed.key] = draft.seen_as(result.article_id, at_s)
        await self._seen.remember(remembered)

    async def _add_page(self, draft: _Draft, link: str) -> None:
        await self._keep_lease()
        try:
            draft.page = await self._fetch_page(link)
        except PageUnavailable as error:
            self._taken.skipped["page"] += 1
            failures = (draft.seen.page_failures if draft.seen else 0) + 1
            if error.passing and failures < MAX_PAGE_FAILURES:
                draft.page_failures = failures
                self._taken.complete = False

    def _submission(self, draft: _Draft, feed: Feed, url: str) -> Submission:
        """Return the step that submits an entry. Raises a 422 Problem when it is no article."""
        ingest, state, entry, page = self._ingest, self._record.state, draft.keyed.entry, draft.page
        now = ingest.now()
        document = document_from_entry(
            entry,
            source=self._record.config.source or state.source,
            feed_url=state.url,
            language=feed.language,
            page=page,
        )
        if page is None and not (entry.title or entry.content or entry.summary):
            raise Problem(422, "no-text", "An entry with neither title nor text, and no page of it.")
        read = read_entry_article(document, now)
        origin = Origin(self._door, self._record.config.added_by, now, page.url if page else url)
        return submission_from_article(
            read,
            origin,
            generation=ingest.states.generation,
            restore=False,
            partitions=ingest.settings.partitions,
            ttl_s=ingest.settings.article_state_ttl_s,
            known_id=_article_id(draft, read.article),
        )


def _article_id(draft: _Draft, article: SubmittedArticle) -> str:
    """Return the id that the entry's article has already, or has by its URL, or else by its guid.

    The URL comes first, unlike in other doors, because the same page comes in by several feeds, and by other
    doors too. An article keeps its id when its guid says that it merely has another URL now.
    """
    if draft.article_id != _NO_ARTICLE:
        return draft.article_id
    if draft.keyed.canonical is not None:
        return article_id(article.model_copy(update={"publisher_id": None}))
    return article_id(article)
