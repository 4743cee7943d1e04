"""Near-duplicates share one number, in whatever order and in however many commits they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from services.index.engine.clusters import own_cluster, stored_clusters
from services.index.engine.home import IndexHome
from services.index.engine.writing import RevisionedIndex
from shared.events import Related
from tests.index.articles import NOW, article_id, enriched, retracted

EVENTS: dict[str, Any] = {
    "first": enriched("first"),
    "copy": enriched(
        "copy", related=(Related(kind="duplicate", id=article_id("first"), score=0.8, why="same text"),)
    ),
    "other copy": enriched(
        "other copy",
        related=(
            Related(kind="similar", id=article_id("apart"), score=0.99, why="shares words"),
            Related(kind="duplicate", id=article_id("first"), score=0.9, why="same text"),
        ),
    ),
    "apart": enriched("apart"),
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[RevisionedIndex]:
    home = IndexHome(tmp_path)
    home.lock()
    opened = RevisionedIndex(home.create_next())
    yield opened
    opened.close()
    home.unlock()


def clusters(index: RevisionedIndex, keys: Sequence[str]) -> dict[str, int]:
    ids = {article_id(key): key for key in keys}
    found = stored_clusters(index.searcher, index.schema, ids)
    return {ids[each]: placed.cluster for each, placed in found.items()}


@pytest.mark.parametrize("each_alone", [True, False])
@pytest.mark.parametrize("order", list(permutations(EVENTS)))
def test_copies_of_one_article_share_its_cluster(
    index: RevisionedIndex, order: tuple[str, ...], each_alone: bool
) -> None:
    for batch in [[key] for key in order] if each_alone else [order]:
        index.upsert_many([EVENTS[key] for key in batch], NOW)
        index.commit()
    first, apart = own_cluster(article_id("first")), own_cluster(article_id("apart"))
    assert clusters(index, order) == {"first": first, "copy": first, "other copy": first, "apart": apart}


@pytest.mark.parametrize("each_alone", [True, False])
def test_a_copy_of_a_copy_is_in_the_cluster_of_the_original(index: RevisionedIndex, each_alone: bool) -> None:
    link = Related(kind="duplicate", id=article_id("copy"), score=0.9, why="same text")
    events = [EVENTS["first"], EVENTS["copy"], enriched("last", related=(link,))]
    for batch in [[event] for event in events] if each_alone else [events]:
        index.upsert_many(batch, NOW)
        index.commit()
    assert set(clusters(index, ["first", "copy", "last"]).values()) == {own_cluster(article_id("first"))}


def test_a_link_to_what_is_no_id_of_ours_makes_no_cluster(index: RevisionedIndex) -> None:
    link = Related(kind="duplicate", id="nothing of ours", score=0.9, why="same text")
    (outcome,) = index.upsert_many([enriched("odd", related=(link,))], NOW)
    index.commit()
    assert outcome.outcome == "indexed"
    assert clusters(index, ["odd"]) == {"odd": own_cluster(article_id("odd"))}


def test_an_article_taken_down_has_no_cluster(index: RevisionedIndex) -> None:
    index.upsert_many([EVENTS["first"]], NOW)
    index.commit()
    index.upsert_many([retracted("first", revision=2)], NOW)
    index.commit()
    assert clusters(index, ["first"]) == {}


def test_a_batch_that_was_rolled_back_leaves_no_cluster_behind(index: RevisionedIndex) -> None:
    index.upsert_many([EVENTS["first"], EVENTS["copy"]], NOW)
    index.rollback()
    link = Related(kind="duplicate", id=article_id("copy"), score=0.9, why="same text")
    index.upsert_many([enriched("last", related=(link,))], NOW)
    index.commit()
    assert clusters(index, ["last"]) == {"last": own_cluster(article_id("copy"))}


def copy_of(key: str, source: str, *originals: str) -> Any:
    links = [
        Related(kind="duplicate", id=article_id(original), score=0.9 - n / 10, why="same text")
        for n, original in enumerate(originals)
    ]
    return enriched(key, source=source, related=tuple(links))


@pytest.mark.parametrize("each_alone", [True, False])
def test_what_one_outlet_writes_twice_stands_for_itself(index: RevisionedIndex, each_alone: bool) -> None:
    """The figures of today in the words of yesterday's; and another outlet has copied the first."""
    events = [
        copy_of("yesterday", "Harbour Post"),
        copy_of("elsewhere", "Firth Courier", "yesterday"),
        copy_of("today", "harbour post", "yesterday", "elsewhere"),
        copy_of("today elsewhere", "Firth Courier", "today", "yesterday", "elsewhere"),
    ]
    for batch in [[event] for event in events] if each_alone else [events]:
        index.upsert_many(batch, NOW)
        index.commit()
    yesterday, today = own_cluster(article_id("yesterday")), own_cluster(article_id("today"))
    found = clusters(index, ["yesterday", "elsewhere", "today", "today elsewhere"])
    assert list(found.values()).count(yesterday) == list(found.values()).count(today) == 2
    assert (found["elsewhere"], found["today elsewhere"]) == (yesterday, today)
