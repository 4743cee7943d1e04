"""What is written down of stored batches, and what is told of it later."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.index.saved_searches.outbox import Outbox
from services.index.saved_searches.records import MatchState
from shared.errors import TransientError
from shared.events import ArticleEnriched
from shared.runtime.delivery import Delivery, Entry
from shared.runtime.tasks import end_tasks
from tests.index.saved_searches.conftest import Receiver, World, close_world, open_world
from tests.support import NOW, article_id, enriched, eventually, retracted


def storm(name: str = "a", **fields: Any) -> ArticleEnriched:
    return enriched(name, **({"title": f"Storm {name} hits the coast"} | fields))


async def test_a_match_is_told_once_with_a_card_and_the_search(world: World, receiver: Receiver) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(storm(url="https://e.example/a"), enriched("b"))
    await world.deliver()
    [one] = received = receiver.received
    assert one.document["type"] == "article.matched" and one.document["data"]["matches"] is True
    assert one.document["data"]["saved_search"] == {"id": search.id, "name": "Storms", "q": "storm"}
    article = one.document["data"]["article"]
    assert (article["id"], article["title"]) == (article_id("a"), "Storm a hits the coast")
    assert article["url"] == "https://e.example/a"
    assert article["page_url"] == f"http://127.0.0.1:8003/articles/{article_id('a')}"
    assert "body" not in article
    await world.store(storm(url="https://e.example/a"))
    await world.deliver()
    assert receiver.received == received, "the same revision again is nothing new"
    assert world.value("wireroom_saved_search_matches_total") == 1
    assert world.value("wireroom_webhook_deliveries_total", outcome="delivered") == 1


async def test_filters_hold_as_in_a_search(world: World, receiver: Receiver) -> None:
    world.save(webhook_url=receiver.url, source=["Test Wire"], q="")
    await world.store(storm("a"), storm("b", source="Other"))
    await world.deliver()
    assert [one.document["data"]["article"]["id"] for one in receiver.received] == [article_id("a")]


async def test_a_search_without_a_webhook_keeps_its_matches(world: World) -> None:
    search = world.save()
    await world.store(storm("a"), storm("b"))
    await world.store(storm("c"))
    found, cards = world.saved.service.matches(search, None, 10)
    assert found[0].article_id == article_id("c") and len(found) == 3
    assert cards[article_id("a")]["title"] == "Storm a hits the coast"
    assert world.pending(search) == 0


async def test_a_later_revision_is_an_update_and_says_whether_it_still_matches(
    world: World, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(storm())
    await world.store(storm(revision=2, title="Storm passes"))
    await world.store(enriched(revision=3, title="Sunshine"))
    await world.store(enriched(revision=4, title="More sunshine"))
    await world.store(storm(revision=5))
    await world.deliver()
    told = [(one.type, one.document["data"]["matches"]) for one in receiver.received]
    assert told == [
        ("article.matched", True),
        ("article.updated", True),
        ("article.updated", False),
        ("article.updated", True),
    ]
    assert len({one.webhook_id for one in receiver.received}) == 4
    [match] = world.saved.service.history.matches(search.key, None, 10)
    assert (match.revision, match.state) == (5, MatchState.MATCHED)


async def test_an_article_that_is_enriched_again_is_not_told_again(world: World, receiver: Receiver) -> None:
    world.save(webhook_url=receiver.url)
    await world.store(storm())
    await world.store(storm(enriched_at=NOW + timedelta(hours=1)))
    await world.store(enriched(title="Re-read", enriched_at=NOW + timedelta(hours=2)))
    await world.deliver()
    assert receiver.types == ["article.matched"]


@pytest.mark.parametrize("withheld", [True, False])
async def test_a_takedown_of_what_was_told_is_told(world: World, receiver: Receiver, withheld: bool) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(storm())
    await world.deliver()
    gone = retracted(revision=2, withheld=withheld).model_copy(update={"reason": "court order"})
    await world.store(gone)
    await world.deliver()
    assert receiver.types == ["article.matched", "article.retracted"]
    article = receiver.received[1].document["data"]["article"]
    assert (article["id"], article["withheld"]) == (article_id("a"), withheld)
    assert article["reason"] == "court order" and "title" not in article
    [match] = world.saved.service.history.matches(search.key, None, 10)
    assert match.state is MatchState.RETRACTED
    restored = storm(revision=3) if withheld else storm(epoch=1)
    await world.store(restored)
    await world.deliver()
    assert receiver.types[2:] == ["article.matched"]
    assert len({one.webhook_id for one in receiver.received}) == 3


async def test_what_was_never_told_is_neither_told_nor_taken_back_after_a_takedown(
    world: World, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(storm())
    await world.store(retracted())
    await world.deliver()
    assert receiver.received == [] and world.pending(search) == 0


async def test_a_batch_tells_the_latest_of_each_article(world: World, receiver: Receiver) -> None:
    world.save(webhook_url=receiver.url)
    await world.store(storm(), storm(revision=2), storm("b"), retracted("b"), storm(revision=1))
    await world.deliver()
    [one] = receiver.received
    assert one.document["data"]["article"]["revision"] == 2 and one.type == "article.matched"


async def test_what_was_committed_and_not_written_down_is_found_when_it_comes_again(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.save(webhook_url=receiver.url)
    record = Outbox.record

    def full(*_: Any) -> Any:
        raise TransientError("disk full")

    monkeypatch.setattr(Outbox, "record", full)
    with pytest.raises(TransientError):
        await world.store(storm())
    assert world.engine.get(article_id("a")) is not None
    monkeypatch.setattr(Outbox, "record", record)
    await world.store(storm())
    await world.deliver()
    assert receiver.types == ["article.matched"] and world.pending(search) == 0


async def test_the_same_match_has_the_same_webhook_id_in_every_run(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: "500 No"
    world.save(webhook_url=receiver.url)
    await world.store(storm())
    await world.deliver()
    await close_world(world)
    world.clock.turn(hours=1)
    receiver.answer = lambda _: "200 OK"
    again = open_world(world.data_dir, world.clock)
    await again.deliver()
    await close_world(again)
    first, second = receiver.received
    assert first.webhook_id == second.webhook_id and first.body == second.body


async def test_an_article_that_matching_breaks_over_is_stored_and_the_others_match(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.save(webhook_url=receiver.url)
    matcher = world.saved.matcher._matcher
    match: Callable[[Sequence[ArticleEnriched]], list[Any]] = matcher.match  # type: ignore[assignment]

    def breaks(events: Sequence[ArticleEnriched]) -> list[Any]:
        if any(event.article_id == article_id("bad") for event in events):
            raise RuntimeError("bug")
        return match(events)

    monkeypatch.setattr(matcher, "match", breaks)
    results = await world.store(storm("bad"), storm("good"))
    assert len(results) == 2
    await world.deliver()
    assert [one.document["data"]["article"]["id"] for one in receiver.received] == [article_id("good")]
    assert world.value("wireroom_saved_search_failures_total") == 1


async def test_a_paused_search_matches_nothing_and_still_takes_back(world: World, receiver: Receiver) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(storm("a"))
    await world.deliver()
    world.saved.searches.change(search.id, status="paused")
    await world.store(storm("b"), retracted("a"), enriched("a", revision=2))
    await world.deliver()
    assert receiver.types == ["article.matched"]
    world.saved.searches.change(search.id, status="active")
    world.saved.deliverer.wake([search.key])
    await world.deliver()
    assert receiver.types == ["article.matched", "article.retracted"]


async def test_a_search_that_is_forgotten_leaves_nothing(world: World, receiver: Receiver) -> None:
    search = world.save("Canaryzq", "canaryzq OR storm", webhook_url=receiver.url)
    assert search.secret is not None
    await world.store(storm())
    assert world.saved.searches.remove(search.id) is not None
    await world.deliver()
    await world.store(storm("b"))
    assert receiver.received == []
    files = b"".join(path.read_bytes() for path in (world.data_dir / "saved-searches").iterdir())
    assert b"anaryzq" not in files and search.secret.encode() not in files


async def test_nothing_of_an_article_is_in_the_files(world: World, receiver: Receiver) -> None:
    world.save(webhook_url=receiver.url)
    event = storm(title="Storm canaryzq", body="Canaryzq body", url="https://e.example/canaryzq")
    await world.store(event)
    await world.deliver()
    await world.store(retracted(revision=2))
    await world.deliver()
    assert len(receiver.received) == 2
    files = b"".join(path.read_bytes() for path in (world.data_dir / "saved-searches").iterdir())
    assert b"anaryzq" not in files and b"storm" in files, "the query is in it, the article is not"


async def test_the_database_is_for_its_owner_only(world: World) -> None:
    directory = world.data_dir / "saved-searches"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


async def test_a_date_that_moves_with_the_clock_goes_along(world: World) -> None:
    search = world.save(q="storm published:>now-2d")
    await world.store(storm("old", published_at=NOW - timedelta(days=3)), storm("a", published_at=NOW))
    world.clock.turn(days=5)
    world.saved.searches.reread()
    await world.store(storm("then", published_at=NOW), storm("b", published_at=NOW + timedelta(days=5)))
    terms = world.saved.searches.terms(search.id)
    assert terms is not None and terms.text == search.q and terms.warnings == ()
    found = world.saved.service.history.matches(search.key, None, 10)
    # What is published later than it was received counts as published when it was received.
    assert [match.article_id for match in found] == [article_id("a")]


async def test_what_was_recorded_and_not_spread_is_spread_by_the_next_run(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.save(webhook_url=receiver.url)
    monkeypatch.setattr(type(world.saved.matcher), "spread", nothing)
    await world.store(storm("a"))
    await world.store(storm("a", revision=2), retracted("b"))
    monkeypatch.undo()
    await close_world(world)
    again = open_world(world.data_dir, world.clock)
    await again.deliver()
    assert receiver.types == ["article.matched", "article.updated"]
    [match] = again.saved.service.history.matches(search.key, None, 10)
    assert match.revision == 2
    await close_world(again)


async def test_a_takedown_that_comes_while_its_match_is_spread_is_written_down(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.save(webhook_url=receiver.url)
    monkeypatch.setattr(type(world.saved.matcher), "spread", nothing)
    await world.store(storm())
    asked = 0

    def between(statement: str) -> None:
        nonlocal asked
        asked += "DISTINCT article" in statement
        if asked == 2:
            world.saved.database._reader.set_trace_callback(None)
            world.saved.matcher._outbox.spread()

    world.saved.database._reader.set_trace_callback(between)
    await world.store(retracted())
    monkeypatch.undo()
    await world.deliver()
    assert asked == 2
    [match] = world.saved.service.history.matches(search.key, None, 10)
    assert match.state is MatchState.RETRACTED


async def test_a_fault_in_spreading_ends_nothing(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.index.saved_searches.matching.PAUSE_S", 0.01)
    search = world.save(webhook_url=receiver.url)
    spread, faults = Outbox.spread, [RuntimeError("bug"), TransientError("disk full")]

    def breaks(outbox: Outbox) -> Any:
        if faults:
            raise faults.pop()
        return spread(outbox)

    deliveries = [Delivery(Entry("1-0", {}), storm())]
    await world.handler(deliveries)
    monkeypatch.setattr(Outbox, "spread", breaks)
    running = asyncio.create_task(world.saved.matcher.run())
    await eventually(lambda: world.pending(search) == 1)
    await end_tasks([running])
    assert not faults


async def test_a_search_whose_deletion_cannot_be_written_down_stays_in_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = world.save("First"), world.save("Second")

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("services.index.saved_searches.search_rows.delete", full)
    with pytest.raises(TransientError):
        world.saved.searches.remove(first.id)
    assert world.saved.searches.all() == [first, second]
    await world.store(storm())
    assert len(world.saved.service.history.matches(first.key, None, 10)) == 1
    monkeypatch.undo()
    assert world.saved.searches.remove(first.id) == first
    assert world.saved.searches.all() == [second]


async def test_one_more_match_costs_the_same_however_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = world.save()
    with world.saved.database.writing() as connection:
        connection.executemany(
            "INSERT INTO matches(search, article, version, revision, state, at) VALUES(?, ?, x'00', 1, 0, 0)",
            [(search.key, number.to_bytes(16, "big")) for number in range(20_000)],
        )
    thousands_of_steps = 0

    def count() -> int:
        nonlocal thousands_of_steps
        thousands_of_steps += 1
        return 0

    world.saved.database._quick.set_progress_handler(count, 1_000)
    await world.store(storm())
    statistics = world.saved.service.statistics(search)
    assert statistics is not None and statistics.matched_at == world.clock.now
    assert thousands_of_steps < 20


async def nothing(_: Any) -> None:
    return


async def test_many_matches_are_spread_in_pieces(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.index.saved_searches.outbox.SPREAD_AT_ONCE", 3)
    searches = [world.save(f"Number {n}", webhook_url=receiver.url) for n in range(5)]
    await world.store(*(storm(str(n)) for n in range(5)))
    assert [world.pending(search) for search in searches] == [5] * 5
    assert world.value("wireroom_saved_search_matches_total") == 25
