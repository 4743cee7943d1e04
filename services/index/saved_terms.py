"""What to look for where a saved search may stand for it: `saved=ID` in place of `q` and filters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends
from fastapi import Query as Param

from services.index.search_params import SearchTerms, TermParameters, asked_at, bad_parameter
from shared.http.problems import Problem

Saved = Annotated[
    str | None,
    Param(max_length=100, description="Id of a saved search, in place of `q` and the filters."),
]
Terms = Callable[..., Awaitable["NamedTerms"]]


class SavedLookup(Protocol):
    """Where saved searches are looked up; the methods return None for one that there is not."""

    def terms(self, search_id: str) -> SearchTerms | None: ...

    def name_of(self, search_id: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class NamedTerms:
    """What to look for; `name` is what people call it, of a saved search."""

    terms: SearchTerms
    name: str | None = None


def terms_for(saved_searches: SavedLookup) -> Terms:
    """Return the dependency for what programs ask: a faulty text is refused unless `lenient` is asked for."""

    async def terms(
        given: Annotated[TermParameters, Depends()],
        now: Annotated[datetime, Depends(asked_at)],
        saved: Saved = None,
        lenient: Annotated[
            bool, Param(description="Read around faults of `q` instead of refusing it.")
        ] = False,
    ) -> NamedTerms:
        return _named(saved_searches, given, saved, lenient=lenient, now=now)

    return terms


def lenient_terms_for(saved_searches: SavedLookup) -> Terms:
    """Return the dependency for what people type, whose faults are always read around."""

    async def terms(
        given: Annotated[TermParameters, Depends()],
        now: Annotated[datetime, Depends(asked_at)],
        saved: Saved = None,
    ) -> NamedTerms:
        return _named(saved_searches, given, saved, lenient=True, now=now)

    return terms


def _named(
    saved_searches: SavedLookup, given: TermParameters, saved: str | None, *, lenient: bool, now: datetime
) -> NamedTerms:
    """Raises Problem: 400 for a fault or for both at once, 404 when there is no such saved search."""
    if not saved:
        return NamedTerms(given.read(lenient=lenient, now=now))
    if any(asdict(given).values()):
        detail = "a saved search has its own text and filters: give either"
        raise bad_parameter("saved", detail)
    terms = saved_searches.terms(saved)
    if terms is None:
        raise Problem(404, "not-found", "There is no such saved search.")
    return NamedTerms(terms, saved_searches.name_of(saved))
