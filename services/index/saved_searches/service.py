"""What the API and the web page do with saved searches: checked, and with all that hangs on it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, ParamSpec, TypeVar

from services.index.query.parser import QuerySyntaxError, parse
from services.index.saved_searches.deliverer import Deliverer
from services.index.saved_searches.documents import ReplayInput, SavedSearchChange, SavedSearchInput
from services.index.saved_searches.history import History, Statistics
from services.index.saved_searches.payloads import Payloads, trial_document
from services.index.saved_searches.queue import MessageQueue
from services.index.saved_searches.receivers import Receivers
from services.index.saved_searches.records import Attempt, Match, Message, SavedSearch
from services.index.saved_searches.searches import Definition, SavedSearches, TooManySearches
from services.index.saved_searches.signing import check_secret, new_secret, signed_headers
from shared.errors import TransientError
from shared.fetch.errors import FetchRefused
from shared.http.problems import FieldError, Problem
from shared.metrics import Metrics

P = ParamSpec("P")
T = TypeVar("T")

MAX_TESTS_AT_ONCE: Final = 4


async def threaded(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what asks the database off the event loop. Raises a 503 Problem when it cannot be used."""
    try:
        return await asyncio.to_thread(call, *args, **kwargs)
    except TransientError as error:
        raise Problem(503, "unavailable", f"{error}.", headers={"retry-after": "5"}) from error


@dataclass(frozen=True, slots=True)
class SearchPage:
    searches: tuple[tuple[SavedSearch, Statistics], ...]
    total: int
    next_cursor: str | None


class SavedSearchService:
    """Methods that are not coroutines ask the database: call them in a thread."""

    def __init__(
        self,
        searches: SavedSearches,
        queue: MessageQueue,
        history: History,
        payloads: Payloads,
        receivers: Receivers,
        deliverer: Deliverer,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        self.searches = searches
        self.history = history
        self.deliverer = deliverer
        self._queue = queue
        self._payloads = payloads
        self._receivers = receivers
        self._metrics = metrics
        self._now = now
        self._testing = asyncio.Semaphore(MAX_TESTS_AT_ONCE)

    def create(self, given: SavedSearchInput) -> SavedSearch:
        """Raises a Problem: 400 for a query or a webhook that cannot be, 409 when there are too many."""
        self._check_query(given.q)
        secret = given.webhook_secret
        if given.webhook_url is not None:
            self._check_url(given.webhook_url)
            secret = secret or new_secret()
        self._check_secret(secret)
        try:
            return self.searches.add(
                Definition(given.name, given.q, given.filters(), given.webhook_url, secret)
            )
        except TooManySearches as error:
            raise Problem(409, "too-many-saved-searches", f"{error}: delete some.") from error

    def change(self, search_id: str, given: SavedSearchChange) -> SavedSearch | None:
        """Return the search as it is then, None if there is none. Raises a 400 Problem as `create` does."""
        search = self.searches.get(search_id)
        if search is None:
            return None
        named = given.model_fields_set
        changes: dict[str, Any] = {name: getattr(given, name) for name in ("name", "q") if name in named}
        if "q" in changes:
            self._check_query(given.q)
        changes["filters"] = given.filters(search.filters)
        if "webhook_url" in named:
            if given.webhook_url is not None:
                self._check_url(given.webhook_url)
            changes["webhook_url"] = given.webhook_url
        if "status" in named:
            changes |= {"status": given.status, "reason": None}
        secret = given.webhook_secret or (new_secret() if given.rotate_secret else None)
        if secret is None and search.secret is None and changes.get("webhook_url"):
            secret = new_secret()
        if secret is not None:
            self._check_secret(secret)
            changes["secret"] = secret
        return self.searches.change(search_id, **changes)

    def page(self, after_key: int, size: int) -> SearchPage:
        """Return up to `size` searches that were made after the one with this key."""
        every = self.searches.all()
        some = [search for search in every if search.key > after_key][: size + 1]
        shown = some[:size]
        statistics = self.history.statistics([search.key for search in shown])
        return SearchPage(
            tuple((search, statistics[search.key]) for search in shown if search.key in statistics),
            len(every),
            str(shown[-1].key) if len(some) > size else None,
        )

    def statistics(self, search: SavedSearch) -> Statistics | None:
        return self.history.statistics([search.key]).get(search.key)

    def matches(
        self, search: SavedSearch, before: int | None, size: int
    ) -> tuple[list[Match], dict[str, dict[str, Any]]]:
        """Return matches, the newest first, and what a list of results shows of those that can be found."""
        found = self.history.matches(search.key, before, size)
        return found, self._payloads.cards([match.article_id for match in found])

    def replay(self, search: SavedSearch, given: ReplayInput) -> int:
        """Let messages be sent again, and return how many. The deliverer is still to be woken."""
        if given.webhook_id is not None:
            return self._queue.replay(search, given.webhook_id, self._now())
        return self._queue.replay_since(search, given.since or self._now(), self._now())

    async def send_test(self, search: SavedSearch) -> tuple[str, Attempt]:
        """Send a message of type `test`, whatever the status; return its id and how it went."""
        now = self._now()
        message = Message(
            seq=0,
            webhook_id=f"msg_{secrets.token_hex(16)}",
            search_key=search.key,
            article_id="",
            kind="test",
            matches=False,
            revision=0,
            at=now,
            tries=1,
        )
        body = trial_document(search, message)
        headers = signed_headers(message.webhook_id, now, body, search.secrets(now))
        async with self._testing:
            attempt = await self._receivers.send(search.webhook_url or "", body, headers)
        self._metrics.inc("wireroom_webhook_deliveries_total", outcome=attempt.outcome)
        await asyncio.to_thread(self._queue.log, message, attempt)
        return message.webhook_id, attempt

    def _check_query(self, q: str) -> None:
        try:
            parse(q, lenient=False, now=self._now())
        except QuerySyntaxError as error:
            place = FieldError("/q", error.message, position=error.position)
            raise Problem(400, "query-syntax", f"{error}\n{error.caret}", errors=[place]) from error

    def _check_url(self, url: str) -> None:
        try:
            self._receivers.check(url)
        except FetchRefused as error:
            raise Problem(
                400, "webhook-refused", str(error), errors=[FieldError("/webhook_url", str(error))]
            ) from error

    def _check_secret(self, secret: str | None) -> None:
        try:
            if secret is not None:
                check_secret(secret)
        except ValueError as error:
            detail = f"{error}."
            raise Problem(
                400, "webhook-secret", detail, errors=[FieldError("/webhook_secret", detail)]
            ) from error
