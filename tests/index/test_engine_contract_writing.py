"""Revisions, takedowns and restorations: whatever the order of events, the end is the same."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from pathlib import Path

import pytest

from services.index.engine.protocol import (
    IndexableEvent,
    Query,
    SearchEngine,
    StoredArticle,
    Tombstone,
    UpsertOutcome,
)
from services.index.query.parser import parse
from tests.index.articles import NOW, article_id, enriched, minutes, retracted
from tests.index.conftest import ENGINES

ID = article_id("a")


def outcomes(results: list[UpsertOutcome]) -> list[str]:
    return [result.outcome for result in results]


def held(engine: SearchEngine, key: str = "a") -> str | None:
    """Return the title held for an article, or the kind of its tombstone."""
    found = engine.get(article_id(key))
    if isinstance(found, Tombstone):
        return "withheld" if found.withheld else "removed"
    return str(found.article["title"]) if isinstance(found, StoredArticle) else None


def titles(engine: SearchEngine) -> list[str]:
    return [hit.card["title"] for hit in engine.search(Query()).hits]


def store(engine: SearchEngine, *events: IndexableEvent) -> list[str]:
    results = engine.upsert_many(events, NOW)
    engine.commit()
    return outcomes(results)


def test_nothing_is_seen_before_the_commit(engine: SearchEngine) -> None:
    assert outcomes(engine.upsert_many([enriched("a", "one")], NOW)) == ["indexed"]
    assert engine.get(ID) is None
    assert titles(engine) == []
    engine.commit()
    assert titles(engine) == ["one"]


def test_the_same_event_twice_changes_nothing(engine: SearchEngine) -> None:
    event, takedown = enriched("a", "one"), retracted("b")
    assert outcomes(engine.upsert_many([event, event, takedown, takedown], NOW)) == [
        "indexed", "unchanged", "retracted", "unchanged",
    ]  # fmt: skip
    engine.commit()
    before = engine.stats()
    assert store(engine, event, takedown) == ["unchanged", "unchanged"]
    assert engine.stats() == before


def test_higher_revision_replaces_and_lower_is_stale(engine: SearchEngine) -> None:
    assert store(engine, enriched("a", "one", revision=1)) == ["indexed"]
    assert store(engine, enriched("a", "three", revision=3)) == ["indexed"]
    assert store(engine, enriched("a", "two", revision=2)) == ["stale"]
    assert titles(engine) == ["three"]


def test_revisions_are_compared_within_an_uncommitted_batch(engine: SearchEngine) -> None:
    results = engine.upsert_many([enriched("a", f"r{n}", revision=n) for n in (2, 5, 3, 5, 4)], NOW)
    assert outcomes(results) == ["indexed", "indexed", "stale", "unchanged", "stale"]
    results = engine.upsert_many(
        [enriched("a", "r4 again", revision=4), enriched("a", "r6", revision=6)], NOW
    )
    assert outcomes(results) == ["stale", "indexed"]
    engine.commit()
    assert titles(engine) == ["r6"]


def test_equal_revisions_are_decided_by_update_then_receipt(engine: SearchEngine) -> None:
    later, earlier = NOW + minutes(1), NOW - minutes(1)
    assert store(engine, enriched("a", "base", updated_at=NOW)) == ["indexed"]
    assert store(engine, enriched("a", "older update", updated_at=earlier, received_at=later)) == ["stale"]
    assert store(engine, enriched("a", "newer update", updated_at=later, received_at=earlier)) == ["indexed"]
    assert store(engine, enriched("a", "same, later", updated_at=later, received_at=later)) == ["indexed"]
    assert titles(engine) == ["same, later"]


def test_an_article_that_was_enriched_again_replaces_itself(engine: SearchEngine) -> None:
    assert store(engine, enriched("a", "old model", enriched_at=NOW)) == ["indexed"]
    assert store(engine, enriched("a", "new model", enriched_at=NOW + minutes(1))) == ["indexed"]
    assert store(engine, enriched("a", "old model", enriched_at=NOW)) == ["stale"]
    assert titles(engine) == ["new model"]


def test_takedown_removes_and_keeps_every_submit_of_its_epoch_out(engine: SearchEngine) -> None:
    store(engine, enriched("a", "one"))
    assert store(engine, retracted("a", reason="court order")) == ["retracted"]
    tombstone = engine.get(ID)
    assert isinstance(tombstone, Tombstone)
    assert (tombstone.withheld, tombstone.reason, tombstone.retracted_at) == (False, "court order", NOW)
    [result] = engine.upsert_many([enriched("a", "nine", revision=9)], NOW)
    assert (result.outcome, result.reason) == ("stale", "taken down")
    assert titles(engine) == []
    assert engine.stats().articles == 0


def test_takedown_before_its_article_wins(engine: SearchEngine) -> None:
    assert store(engine, retracted("a"), enriched("a", "one", revision=2)) == ["retracted", "stale"]
    assert held(engine) == "removed"


def test_restored_article_is_of_a_later_epoch(engine: SearchEngine) -> None:
    store(engine, enriched("a", "one", revision=5), retracted("a", revision=5))
    assert store(engine, enriched("a", "restored", revision=6, epoch=1)) == ["indexed"]
    assert titles(engine) == ["restored"]
    assert store(engine, retracted("a", revision=9)) == ["stale"]


def test_withheld_article_gives_way_to_its_next_revision(engine: SearchEngine) -> None:
    store(engine, enriched("a", "one", revision=1))
    assert store(engine, retracted("a", revision=2, withheld=True)) == ["retracted"]
    assert held(engine) == "withheld"
    assert titles(engine) == []
    assert store(engine, enriched("a", "three", revision=3)) == ["indexed"]
    assert titles(engine) == ["three"]


HISTORIES: dict[str, tuple[list[IndexableEvent], str]] = {
    "revisions": ([enriched("a", f"r{n}", revision=n) for n in (1, 2, 3, 4)], "r4"),
    "takedown": (
        [enriched("a", "r1"), enriched("a", "r2", revision=2), retracted("a", revision=1),
         enriched("a", "r3", revision=3)],
        "removed",
    ),
    "takedown and restoration": (
        [enriched("a", "r1"), retracted("a", revision=1), enriched("a", "back", revision=2, epoch=1),
         enriched("a", "late", revision=7)],
        "back",
    ),
    "restored and taken down again": (
        [enriched("a", "r1"), retracted("a"), enriched("a", "back", revision=2, epoch=1),
         retracted("a", revision=2, epoch=1)],
        "removed",
    ),
    "withheld between": (
        [enriched("a", "r1"), retracted("a", revision=2, withheld=True),
         enriched("a", "r3", revision=3), enriched("a", "r3", revision=3)],
        "r3",
    ),
    "withheld at last": (
        [enriched("a", "r1"), enriched("a", "r2", revision=2), retracted("a", revision=3, withheld=True)],
        "withheld",
    ),
    "receipts": (
        [enriched("a", f"{n}", received_at=NOW + minutes(n)) for n in range(4)],
        "3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_every_order_of_events_ends_alike(name: str, engine: SearchEngine) -> None:
    events, expected = HISTORIES[name]
    orders = list(permutations(events))
    # Each order plays out on an article of its own, some within one commit and some across two.
    renamed = [
        [event.model_copy(update={"article_id": article_id(f"{name} {number}")}) for event in order]
        for number, order in enumerate(orders)
    ]
    engine.upsert_many([event for events in renamed[::2] for event in events[:2]], NOW)
    engine.commit()
    engine.upsert_many([event for events in renamed[::2] for event in events[2:]], NOW)
    engine.upsert_many([event for events in renamed[1::2] for event in events], NOW)
    engine.commit()
    assert {held(engine, f"{name} {number}") for number in range(len(orders))} == {expected}


def test_a_document_that_cannot_be_written_fails_alone(engine: SearchEngine) -> None:
    results = engine.upsert_many(
        [
            enriched("a", "fine"),
            enriched("b", "too high", revision=2**70),
            enriched("c", "lone \ud800"),
            enriched("d"),
        ],
        NOW,
    )
    assert outcomes(results) == ["indexed", "failed", "failed", "indexed"]
    assert results[1].reason
    engine.commit()
    assert engine.stats().articles == 2


def test_extreme_values_are_stored(engine: SearchEngine) -> None:
    ancient, distant = NOW.replace(year=1), NOW.replace(year=9999)
    events = [
        enriched("a", "", ""),
        enriched("b", "long " * 20_000, "body " * 200_000, source="s" * 100_000),
        enriched("c", published_at=ancient, received_at=ancient, updated_at=ancient),
        enriched("d", published_at=distant, received_at=distant),
        enriched("e", revision=2**63 - 1, authors=("",), story_id=""),
        enriched("f", "\0\u202e\u0301", "w" * 1_000_000),
    ]
    assert store(engine, *events) == ["indexed"] * len(events)
    assert engine.search(Query(count="exact")).total == len(events)
    assert engine.search(Query(parse("long body", lenient=True).node)).total == 1


def test_rollback_drops_what_is_not_committed(engine: SearchEngine) -> None:
    store(engine, enriched("a", "kept"))
    engine.upsert_many([enriched("a", "dropped", revision=2), enriched("b", "dropped")], NOW)
    engine.rollback()
    engine.commit()
    assert titles(engine) == ["kept"]
    assert store(engine, enriched("a", "second", revision=2)) == ["indexed"]


def test_what_is_committed_survives_reopening(tmp_path: Path) -> None:
    for kind in ENGINES.values():
        engine = kind(tmp_path)
        store(engine, enriched("a", "one"), enriched("b", "two"), retracted("b"))
        engine.upsert_many([enriched("c", "never committed")], NOW)
        engine.close()
        engine = kind(tmp_path)
        assert titles(engine) == ["one"]
        assert held(engine, "b") == "removed"
        assert store(engine, enriched("a", "one"), enriched("b", "two")) == ["unchanged", "stale"]
        engine.close()


def test_stored_article_tells_when_it_was_indexed_and_counts_up(engine: SearchEngine) -> None:
    store(engine, enriched("a"))
    engine.upsert_many([enriched("b")], NOW + timedelta(seconds=5))
    engine.commit()
    first, second = engine.get(ID), engine.get(article_id("b"))
    assert isinstance(first, StoredArticle)
    assert isinstance(second, StoredArticle)
    assert first.article["indexed_at"] == "2026-11-20T12:00:00Z"
    assert second.article["indexed_at"] == "2026-11-20T12:00:05Z"
    assert first.seq < second.seq == engine.stats().last_seq
