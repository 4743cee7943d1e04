"""A saved search finds what the search finds: every query of the engine's contract, and random ones."""

from __future__ import annotations

import pytest

from services.index.engine.protocol import Filters
from services.index.percolation.matching import matching
from services.index.percolation.percolator import NO_FILTERS
from services.index.query.parser import parse
from tests.index.articles import article_id, enriched
from tests.index.contract_articles import ARTICLES, day
from tests.index.contract_queries import FOUND
from tests.index.test_engine_contract import FILTERED

EVENTS = [enriched(key, **fields) for key, fields in ARTICLES.items()]  # type: ignore[arg-type]
NAMES = {article_id(key): key for key in ARTICLES}


def found(text: str, filters: Filters = NO_FILTERS) -> set[str]:
    node = parse(text, lenient=True, now=day(16)).node
    return {NAMES[event.article_id] for event in matching(EVENTS, node, filters)}


@pytest.mark.parametrize("text", FOUND)
def test_saved_search_matches_what_the_engine_must_find(text: str) -> None:
    assert found(text) == set(FOUND[text])


@pytest.mark.parametrize("name", FILTERED)
def test_saved_search_keeps_what_its_filters_keep(name: str) -> None:
    text, filters, expected = FILTERED[name]
    assert found(text, Filters(**filters)) == expected
