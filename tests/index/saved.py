"""A saved search for tests of what takes one."""

from __future__ import annotations

from services.index.engine.protocol import Filters
from services.index.query.parser import parse
from services.index.search_params import SearchTerms


class OneSaved:
    """There is one saved search, `abc`: for piers, in English."""

    def terms(self, search_id: str) -> SearchTerms | None:
        if search_id != "abc":
            return None
        return SearchTerms("pier", parse("pier", lenient=True).node, Filters(language=("en",)))

    def name_of(self, search_id: str) -> str | None:
        return "Piers & <docks>" if search_id == "abc" else None
