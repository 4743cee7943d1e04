"""The saved searches there are: in memory for whoever asks, on disk before anybody is told."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from services.index.engine.protocol import Filters
from services.index.query.nodes import Node
from services.index.query.parser import QuerySyntaxError, parse
from services.index.saved_searches import search_rows
from services.index.saved_searches.database import Database
from services.index.saved_searches.records import Health, SavedSearch, Status
from services.index.search_params import SearchTerms
from shared.errors import WireroomError
from shared.logging import get_logger

log = get_logger(__name__)

MAX_SEARCHES: Final = 10_000
# A secret goes on signing beside the one that takes its place, so that receivers can change over.
OLD_SECRET_SIGNS: Final = timedelta(days=1)


class TooManySearches(WireroomError):
    """There are MAX_SEARCHES already."""


class Registry(Protocol):
    """Where searches are put to be matched. `put` takes the place of what was there under the id."""

    def put(self, search_id: str, node: Node, filters: Filters) -> None: ...

    def remove(self, search_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Definition:
    """What people say of a search. `secret` is that of its webhook."""

    name: str
    q: str
    filters: Filters
    webhook_url: str | None = None
    secret: str | None = None


class SavedSearches:
    """All saved searches, and those that are matched also in `registry`. Any threads."""

    def __init__(self, database: Database, registry: Registry, now: Callable[[], datetime]) -> None:
        self._database = database
        self._registry = registry
        self._now = now
        self._lock = threading.Lock()
        self._by_id: dict[str, SavedSearch] = {}
        self._by_key: dict[int, SavedSearch] = {}
        # Those whose dates move with the clock.
        self._moving: set[str] = set()
        with database.reading() as connection:
            held = search_rows.read_all(connection)
        for search in held:
            self._hold(search)

    def __len__(self) -> int:
        return len(self._by_id)

    def all(self) -> list[SavedSearch]:
        """Return all, in the order in which they were made."""
        return sorted(self._by_id.values(), key=lambda search: search.key)

    def get(self, search_id: str) -> SavedSearch | None:
        return self._by_id.get(search_id)

    def by_key(self, key: int) -> SavedSearch | None:
        return self._by_key.get(key)

    def keys(self, search_ids: Iterable[str]) -> list[int]:
        """Return the keys of those of the searches that are there."""
        by_id = self._by_id
        return [by_id[search_id].key for search_id in search_ids if search_id in by_id]

    def terms(self, search_id: str) -> SearchTerms | None:
        """Return what a saved search looks for, as a request for it would say; None if there is none."""
        search = self._by_id.get(search_id)
        if search is None:
            return None
        parsed = parse(search.q, lenient=True, now=self._now())
        return SearchTerms(search.q, parsed.node, search.filters, parsed.warnings)

    def name_of(self, search_id: str) -> str | None:
        search = self._by_id.get(search_id)
        return None if search is None else search.name

    def add(self, definition: Definition) -> SavedSearch:
        """Raises TooManySearches, and TransientError when it cannot be written down."""
        with self._lock:
            if len(self._by_id) >= MAX_SEARCHES:
                raise TooManySearches(f"there are {MAX_SEARCHES:,} saved searches")
            now = self._now()
            search = SavedSearch(
                key=0,
                id=secrets.token_hex(8),
                name=definition.name,
                q=definition.q,
                filters=definition.filters,
                webhook_url=definition.webhook_url,
                secret=definition.secret,
                old_secret=None,
                old_secret_until=None,
                status="active",
                reason=None,
                created_at=now,
                updated_at=now,
            )
            with self._database.writing() as connection:
                key = search_rows.insert(connection, search)
            return self._hold(replace(search, key=key))

    def change(self, search_id: str, **changes: Any) -> SavedSearch | None:
        """Change fields of a search; None if there is none. A new secret lets the old one sign for a while.

        A search that becomes active, or gets another webhook, is told of what waits at once.
        """
        with self._lock:
            search = self._by_id.get(search_id)
            if search is None:
                return None
            now = self._now()
            if "secret" in changes and search.secret not in (None, changes["secret"]):
                changes |= {"old_secret": search.secret, "old_secret_until": now + OLD_SECRET_SIGNS}
            changed = replace(search, **changes, updated_at=now)
            with self._database.writing() as connection:
                search_rows.update(connection, changed)
                if changed.delivers and (not search.delivers or changed.webhook_url != search.webhook_url):
                    search_rows.forget_failures(connection, changed)
            self._hold(changed)
            if changed.old_secret != search.old_secret:
                self._database.empty_log()
            return changed

    def disable(self, key: int, reason: str) -> None:
        """Stop telling a search's receiver anything. What there is to tell waits."""
        with self._lock:
            search = self._by_key.get(key)
            if search is None or search.status != "active":
                return
            changed = replace(search, status="disabled", reason=reason)
            with self._database.writing() as connection:
                search_rows.update(connection, changed)
            self._hold(changed)
        log.warning("webhook of a saved search disabled", saved_search=search.id, reason=reason)

    def remove(self, search_id: str) -> SavedSearch | None:
        """Delete a search with its matches, messages and secrets; None if there is none.

        Raises TransientError when that cannot be written down: then it is still there.
        """
        with self._lock:
            search = self._by_id.get(search_id)
            if search is None:
                return None
            # First, so that nothing is spread to it behind the deletion.
            self._drop(search)
            try:
                with self._database.writing() as connection:
                    search_rows.delete(connection, search)
            except BaseException:
                self._hold(search)
                raise
            self._database.empty_log()
            return search

    def health(self) -> dict[int, Health]:
        """Return how the receivers do that have failed lately, by the search's key."""
        with self._database.reading() as connection:
            return search_rows.failing(connection)

    def counts(self) -> dict[Status, int]:
        found: dict[Status, int] = {"active": 0, "paused": 0, "disabled": 0}
        for search in self.all():
            found[search.status] += 1
        return found

    def reread(self) -> None:
        """Read queries again whose dates move with the clock: they mean something else by now."""
        for search_id in list(self._moving):
            with self._lock:
                if (search := self._by_id.get(search_id)) is not None:
                    self._register(search)

    def _hold(self, search: SavedSearch) -> SavedSearch:
        self._by_id[search.id] = self._by_key[search.key] = search
        self._register(search)
        return search

    def _drop(self, search: SavedSearch) -> None:
        del self._by_id[search.id], self._by_key[search.key]
        self._moving.discard(search.id)
        self._registry.remove(search.id)

    def _register(self, search: SavedSearch) -> None:
        self._moving.discard(search.id)
        if search.status == "paused":
            self._registry.remove(search.id)
            return
        try:
            node, moves = _read(search.q, self._now())
        except QuerySyntaxError as error:
            # Only by another version's grammar: it was read when it was saved.
            log.error("saved search cannot be read any more", saved_search=search.id, error=str(error))
            self._registry.remove(search.id)
            return
        self._registry.put(search.id, node, search.filters)
        if moves:
            self._moving.add(search.id)


def _read(q: str, now: datetime) -> tuple[Node, bool]:
    """Return what a query means now, and whether that moves with the clock. Raises QuerySyntaxError."""
    try:
        return parse(q, lenient=False).node, False
    except QuerySyntaxError:
        return parse(q, lenient=False, now=now).node, True
